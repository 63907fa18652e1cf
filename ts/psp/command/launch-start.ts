// LAUNCH_START: a SEV or SEV-ES guest, its key and, with a session, its owner's transport keys. SEV API (AMD 55766), 6.2.
import { sha256 } from "@noble/hashes/sha2.js";
import * as Layout from "../../abi/psp/launch-start.ts";
import * as Status from "../../abi/status.ts";
import { type CommandEntry, when } from "../command.ts";
import { openSession } from "../session.ts";
import { SevGuestState } from "../sev-guest.ts";
import { memoryKeys } from "../sev-keys.ts";
import { checkSevPolicy } from "../sev-policy.ts";

export const launchStart: CommandEntry = {
  layout: Layout,
  platform: when.sevInitOrWorking,
  writesBuffer: true,
  run(psp, buffer) {
    const { sev, chance } = psp;
    const policy = buffer.getUint32(Layout.POLICY, true);
    const refused = checkSevPolicy(psp, policy);
    if (refused !== Status.SUCCESS) return refused;
    const memory = memoryKeys(psp, buffer.getUint32(Layout.HANDLE, true), policy);
    if (typeof memory === "number") return memory;
    const session = sessionOf(buffer);
    // Without a session nobody knows the keys, so nobody can check the measurement.
    const keys =
      session.sessionLength === 0
        ? { tek: chance.bytes(16), tik: chance.bytes(16) }
        : openSession(psp, session, policy);
    if (typeof keys === "number") return keys;
    const handle = sev.takeHandle();
    sev.guests.set(handle, {
      vmsas: [],
      handle,
      state: SevGuestState.LUPDATE,
      policy,
      asid: 0,
      ...memory,
      launch: sha256.create(),
      digest: new Uint8Array(32),
      keys,
    });
    buffer.setUint32(Layout.HANDLE, handle, true);
    return Status.SUCCESS;
  },
};

const sessionOf = (buffer: DataView) => ({
  certificate: buffer.getBigUint64(Layout.DH_CERT_PADDR, true),
  certificateLength: buffer.getUint32(Layout.DH_CERT_LENGTH, true),
  session: buffer.getBigUint64(Layout.SESSION_PADDR, true),
  sessionLength: buffer.getUint32(Layout.SESSION_LENGTH, true),
});
