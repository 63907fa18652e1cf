// The SEV_FEATURES a VMSA may have on a part: those that CPUID Fn8000_001F EAX announces and Cloister emulates.
import * as Feature from "../abi/sev-features.ts";
import type { Chip } from "./chip.ts";

/** The bit of EAX that announces a feature. Spec digest cpuid-msr.md 1. */
const ANNOUNCED: readonly [feature: number, eax: number][] = [
  [Feature.SNP_ACTIVE_BIT, 4],
  [Feature.RESTRICTED_INJECTION_BIT, 12],
  [Feature.ALTERNATE_INJECTION_BIT, 13],
  [Feature.DEBUG_SWAP_BIT, 14],
  [Feature.PREVENT_HOST_IBS_BIT, 15],
  // Came with SNP and has no bit of its own.
  [Feature.BTB_ISOLATION_BIT, 4],
  [Feature.SECURE_TSC_BIT, 8],
  [Feature.SMT_PROTECTION_BIT, 25],
  [Feature.IBPB_ON_ENTRY_BIT, 31],
];

/** The mask of those features. */
export function sevFeaturesOf(chip: Chip): bigint {
  const has = (position: number) => (chip.sevCapabilities >>> position) & 1;
  return ANNOUNCED.reduce(
    (mask, [feature, eax]) => mask | (BigInt(has(eax)) << BigInt(feature)),
    0n,
  );
}
