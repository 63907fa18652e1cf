// What DBG_DECRYPT and DBG_ENCRYPT have in common: whose memory may be looked into, and when. SEV API (AMD 55766), 7.
import * as Policy from "../abi/psp/sev-policy.ts";
import * as Status from "../abi/status.ts";
import { bitOf } from "../layout.ts";
import type { Psp } from "./firmware.ts";
import { LSECRET, LUPDATE, RUNNING, RUPDATE, SUPDATE } from "./sev-command.ts";
import type { SevGuest } from "./sev-guest.ts";
import { checkGuestMemory } from "./sev-memory.ts";

export const debuggable: readonly number[] = [LUPDATE, LSECRET, RUNNING, SUPDATE, RUPDATE];

export function checkDebug(
  psp: Psp,
  guest: SevGuest,
  paddr: bigint,
  length: number,
  writes: boolean,
): number {
  if (bitOf(guest.policy, Policy.NODBG_BIT)) return Status.POLICY_FAILURE;
  return checkGuestMemory(psp, guest, paddr, length, writes);
}
