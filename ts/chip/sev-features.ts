// The SEV_FEATURES a VMSA may have on a part: those that CPUID Fn8000_001F EAX announces and Cloister emulates.
import * as Capability from "../abi/sev-capability.ts";
import * as Feature from "../abi/sev-features.ts";
import { type Chip, isCapable } from "./chip.ts";

/** The bit of EAX that announces a feature. Spec digest cpuid-msr.md 1. */
const ANNOUNCED: readonly [feature: number, eax: number][] = [
  [Feature.SNP_ACTIVE_BIT, Capability.SEV_SNP_BIT],
  [Feature.RESTRICTED_INJECTION_BIT, Capability.RESTRICTED_INJECTION_BIT],
  [Feature.ALTERNATE_INJECTION_BIT, Capability.ALTERNATE_INJECTION_BIT],
  [Feature.DEBUG_SWAP_BIT, Capability.DEBUG_SWAP_BIT],
  [Feature.PREVENT_HOST_IBS_BIT, Capability.PREVENT_HOST_IBS_BIT],
  // Came with SNP and has no bit of its own.
  [Feature.BTB_ISOLATION_BIT, Capability.SEV_SNP_BIT],
  [Feature.SECURE_TSC_BIT, Capability.SECURE_TSC_BIT],
  [Feature.SMT_PROTECTION_BIT, Capability.SMT_PROTECTION_BIT],
  [Feature.IBPB_ON_ENTRY_BIT, Capability.IBPB_ON_ENTRY_BIT],
];

/** The mask of those features. */
export function sevFeaturesOf(chip: Chip): bigint {
  return ANNOUNCED.reduce(
    (mask, [feature, eax]) => mask | (BigInt(isCapable(chip, eax)) << BigInt(feature)),
    0n,
  );
}
