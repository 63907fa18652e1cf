// RECEIVE_START: a guest begins to arrive from another platform, under a new memory key. SEV API (AMD 55766), 6.13.
import { sha256 } from "@noble/hashes/sha2.js";
import * as Layout from "../../abi/psp/receive-start.ts";
import * as Status from "../../abi/status.ts";
import { type CommandEntry, when } from "../command.ts";
import { openSession } from "../session.ts";
import { SevGuestState } from "../sev-guest.ts";
import { memoryKeys } from "../sev-keys.ts";
import { checkSevPolicy } from "../sev-policy.ts";

export const receiveStart: CommandEntry = {
  layout: Layout,
  platform: when.sevInitOrWorking,
  writesBuffer: true,
  run(psp, buffer) {
    const policy = buffer.getUint32(Layout.POLICY, true);
    const refused = checkSevPolicy(psp, policy);
    if (refused !== Status.SUCCESS) return refused;
    const memory = memoryKeys(psp, buffer.getUint32(Layout.HANDLE, true), policy);
    if (typeof memory === "number") return memory;
    const fields = {
      certificate: buffer.getBigUint64(Layout.PDH_CERT_PADDR, true),
      certificateLength: buffer.getUint32(Layout.PDH_CERT_LENGTH, true),
      session: buffer.getBigUint64(Layout.SESSION_PADDR, true),
      sessionLength: buffer.getUint32(Layout.SESSION_LENGTH, true),
    };
    const keys = openSession(psp, fields, policy);
    if (typeof keys === "number") return keys;
    const handle = psp.sev.takeHandle();
    psp.sev.guests.set(handle, {
      vmsas: [],
      handle,
      state: SevGuestState.RUPDATE,
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
