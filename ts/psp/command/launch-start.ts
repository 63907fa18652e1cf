// LAUNCH_START: a SEV or SEV-ES guest, its key and, with a session, its owner's transport keys. SEV API (AMD 55766), 6.2.
import * as Layout from "../../abi/psp/launch-start.ts";
import { type CommandEntry, when } from "../command.ts";
import { openSession } from "../session.ts";
import { SevGuestState } from "../sev-guest.ts";
import { startGuest } from "../sev-start.ts";

export const launchStart: CommandEntry = {
  layout: Layout,
  platform: when.sevInitOrWorking,
  writesBuffer: true,
  run(psp, buffer) {
    const { chance } = psp;
    const session = {
      certificate: buffer.getBigUint64(Layout.DH_CERT_PADDR, true),
      certificateLength: buffer.getUint32(Layout.DH_CERT_LENGTH, true),
      session: buffer.getBigUint64(Layout.SESSION_PADDR, true),
      sessionLength: buffer.getUint32(Layout.SESSION_LENGTH, true),
    };
    // Without a session nobody knows the keys, so nobody can check the measurement.
    return startGuest(psp, buffer, Layout, SevGuestState.LUPDATE, (policy) =>
      session.sessionLength === 0
        ? { tek: chance.bytes(16), tik: chance.bytes(16) }
        : openSession(psp, session, policy),
    );
  },
};
