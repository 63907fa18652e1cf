// LAUNCH_START: a SEV or SEV-ES guest, its key and, with a session, its owner's transport keys. SEV API (AMD 55766), 6.2.
import { sha256 } from "@noble/hashes/sha2.js";
import * as Layout from "../../abi/psp/launch-start.ts";
import * as Policy from "../../abi/psp/sev-policy.ts";
import * as Status from "../../abi/status.ts";
import { type CommandEntry, when } from "../command.ts";
import type { Psp } from "../firmware.ts";
import { bitOf } from "../layout.ts";
import { openSession } from "../session.ts";
import { type SevGuest, SevGuestState } from "../sev-guest.ts";
import { checkSevPolicy } from "../sev-policy.ts";

export const launchStart: CommandEntry = {
  layout: Layout,
  platform: when.sevInitOrWorking,
  writesBuffer: true,
  run(psp, buffer) {
    const policy = buffer.getUint32(Layout.POLICY, true);
    const shared = buffer.getUint32(Layout.HANDLE, true);
    const refused = checkSevPolicy(psp, policy);
    if (refused !== Status.SUCCESS) return refused;
    const memoryKeys = shared === 0 ? freshKeys(psp) : keysOf(psp, shared, policy);
    if (typeof memoryKeys === "number") return memoryKeys;
    const hasSession = buffer.getUint32(Layout.SESSION_LENGTH, true) !== 0;
    const keys = hasSession ? openSession(psp, sessionOf(buffer), policy) : undefined;
    if (typeof keys === "number") return keys;
    const guest: SevGuest = {
      handle: psp.sev.takeHandle(),
      state: SevGuestState.LUPDATE,
      policy,
      asid: 0,
      ...memoryKeys,
      launch: sha256.create(),
      digest: new Uint8Array(32),
      keys,
    };
    psp.sev.guests.set(guest.handle, guest);
    buffer.setUint32(Layout.HANDLE, guest.handle, true);
    return Status.SUCCESS;
  },
};

const sessionOf = (buffer: DataView) => ({
  certificate: buffer.getBigUint64(Layout.DH_CERT_PADDR, true),
  certificateLength: buffer.getUint32(Layout.DH_CERT_LENGTH, true),
  session: buffer.getBigUint64(Layout.SESSION_PADDR, true),
  sessionLength: buffer.getUint32(Layout.SESSION_LENGTH, true),
});

type MemoryKeys = Pick<SevGuest, "vek" | "tweakKey">;

const freshKeys = ({ chance }: Psp): MemoryKeys => ({
  vek: chance.bytes(16),
  tweakKey: chance.bytes(16),
});

/** HANDLE names a guest whose memory key the new one shares; both policies must allow it. */
function keysOf(psp: Psp, handle: number, policy: number): MemoryKeys | number {
  const other = psp.sev.guests.get(handle);
  if (!other) return Status.INVALID_GUEST;
  const refused = bitOf(policy, Policy.NOKS_BIT) || other.policy !== policy;
  if (refused) return Status.POLICY_FAILURE;
  return { vek: other.vek.slice(), tweakKey: other.tweakKey.slice() };
}
