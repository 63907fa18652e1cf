// The field guide's policy word, enforced by its bits. DESIGN.md, section 5.
import * as Policy from "../abi/guest-policy.ts";
import * as Report from "../abi/report.ts";
import * as Features from "../abi/sev-features.ts";
import * as Status from "../abi/status.ts";
import * as Vmsa from "../abi/vmsa.ts";
import { isGuidePolicy } from "../attest/policy.ts";
import { bitOf, viewOf } from "../layout.ts";
import type { PlatformFacts } from "./facts.ts";

/** Whether the platform keeps a policy. SMT may be on by bit 2, or by the ABI's bit 16, which each of the guide's words has. */
export function keepsGuide(facts: PlatformFacts, policy: bigint): boolean {
  const asks = (position: number) => bitOf(policy, position);
  const smt = bitOf(facts.platformInfo, Report.SMT_EN_BIT);
  const allowed = asks(Policy.GUIDE_SMT_BIT) || asks(Policy.SMT_BIT);
  const required = asks(Policy.GUIDE_SMT_REQUIRED_BIT);
  return isGuidePolicy(policy) && (smt ? allowed : !required);
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
