// The field guide's policy word, enforced by its bits. DESIGN.md, section 5.
import * as Policy from "../abi/guest-policy.ts";
import * as Features from "../abi/sev-features.ts";
import * as Status from "../abi/status.ts";
import * as Vmsa from "../abi/vmsa.ts";
import { isGuidePolicy } from "../attest/policy.ts";
import { bitOf, viewOf } from "./layout.ts";
import type { PlatformState } from "./platform.ts";

/** SUCCESS, or POLICY_FAILURE. SMT may be on by bit 2, or by the ABI's bit 16, which each of the guide's words has. */
export function checkGuidePolicy(platform: PlatformState, policy: bigint): number {
  const asks = (position: number) => bitOf(policy, position);
  const smt = asks(Policy.GUIDE_SMT_BIT) || asks(Policy.SMT_BIT);
  const refused =
    !isGuidePolicy(policy) ||
    (!smt && platform.smt) ||
    (asks(Policy.GUIDE_SMT_REQUIRED_BIT) && !platform.smt);
  return refused ? Status.POLICY_FAILURE : Status.SUCCESS;
}

export const allowsGuideDebug = (policy: bigint): boolean =>
  !bitOf(policy, Policy.GUIDE_NO_DEBUG_BIT);

/** A bit of the policy, and the feature that a VMSA must then have switched on. */
const features = [
  [Policy.GUIDE_DEBUG_SWAP_BIT, Features.DEBUG_SWAP_BIT],
  [Policy.GUIDE_PREVENT_HOST_IBS_BIT, Features.PREVENT_HOST_IBS_BIT],
  [Policy.GUIDE_BTB_ISOLATION_BIT, Features.BTB_ISOLATION_BIT],
] as const;

/** POLICY_FAILURE for a VMSA page without the features that the policy asks for. */
export function checkGuideVmsa(policy: bigint, vmsa: Uint8Array): number {
  const word = viewOf(vmsa).getBigUint64(Vmsa.SEV_FEATURES, true);
  const lacking = features.some(
    ([asked, feature]) => bitOf(policy, asked) && !bitOf(word, feature),
  );
  return lacking ? Status.POLICY_FAILURE : Status.SUCCESS;
}
