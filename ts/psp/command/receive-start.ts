// RECEIVE_START: a guest begins to arrive from another platform, under a new memory key. SEV API (AMD 55766), 6.13.
import * as Layout from "../../abi/psp/receive-start.ts";
import { type CommandEntry, when } from "../command.ts";
import { openSession } from "../session.ts";
import { SevGuestState } from "../sev-guest.ts";
import { startGuest } from "../sev-start.ts";

export const receiveStart: CommandEntry = {
  layout: Layout,
  platform: when.sevInitOrWorking,
  writesBuffer: true,
  run(psp, buffer) {
    const session = {
      certificate: buffer.getBigUint64(Layout.PDH_CERT_PADDR, true),
      certificateLength: buffer.getUint32(Layout.PDH_CERT_LENGTH, true),
      session: buffer.getBigUint64(Layout.SESSION_PADDR, true),
      sessionLength: buffer.getUint32(Layout.SESSION_LENGTH, true),
    };
    return startGuest(psp, buffer, Layout, SevGuestState.RUPDATE, (policy) =>
      openSession(psp, session, policy),
    );
  },
};
