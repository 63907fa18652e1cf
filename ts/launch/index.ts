// `cloister/launch`: what a launch loads and what it must measure. No Wasm, no firmware, no files; runs in a browser.
export { launchDigest, legacyDigest, ovmfHash, pageInfo, snpDigest } from "./digest.ts";
export { hashKernel, hashPage, hashTable, type KernelHashes } from "./image/kernel-hashes.ts";
export type { Section, SectionType } from "./image/metadata.ts";
export { type FirmwareImage, parseOvmf, requireSnp, type TableEntry } from "./image/ovmf.ts";
export { type ImageCode, ImageRefused } from "./image/refusal.ts";
export { parseSvsm, type SvsmImage } from "./image/svsm.ts";
export {
  type LaunchMode,
  type LaunchOptions,
  launchPlan,
  MOST_VCPUS,
  pagesOf,
  type Region,
  type RegionType,
  VMSA_GPA,
} from "./plan.ts";
export { signatureOf, signatureOfType, vcpuTypes } from "./vcpu-type.ts";
export { type VmmType, vmmTypes, vmsaPage } from "./vmsa.ts";
