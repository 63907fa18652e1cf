// The memory key of a SEV guest: fresh, or that of a guest it may share one with. SEV API (AMD 55766), 2.
import * as Policy from "../abi/psp/sev-policy.ts";
import * as Status from "../abi/status.ts";
import { bitOf } from "../layout.ts";
import type { Psp } from "./firmware.ts";
import type { SevGuest } from "./sev-guest.ts";

type MemoryKeys = Pick<SevGuest, "vek" | "tweakKey">;

/** With a handle that is not 0, the key of that guest; both policies must be the same and allow it. */
export function memoryKeys(psp: Psp, handle: number, policy: number): MemoryKeys | number {
  const { chance, sev } = psp;
  if (handle === 0) return { vek: chance.bytes(16), tweakKey: chance.bytes(16) };
  const other = sev.guests.get(handle);
  if (!other) return Status.INVALID_GUEST;
  if (bitOf(policy, Policy.NOKS_BIT) || other.policy !== policy) return Status.POLICY_FAILURE;
  return { vek: other.vek.slice(), tweakKey: other.tweakKey.slice() };
}
