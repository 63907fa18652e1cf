// `cloister/launch`: what a launch loads and what it must measure. No Wasm, no firmware, no files; runs in a browser.
export { launchDigest, legacyDigest, ovmfHash, pageInfo, snpDigest } from "./digest.ts";
export { type Host, type Miss, missesOf, missLine, requireHost } from "./host.ts";
export {
  composeIdBlock,
  composePublicKey,
  type IdBlockOptions,
  isSigned,
  publicKeyDigest,
  signIdBlock,
} from "./identity/id-block.ts";
export { type PrivateKey, parsePrivateKey } from "./identity/private-key.ts";
export { type IgvmImage, type IgvmOptions, parseIgvm } from "./image/igvm.ts";
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
export { readLibvirt, type XmlElement } from "./reader/libvirt.ts";
export { readQemu } from "./reader/qemu.ts";
export type { LaunchRequest } from "./reader/request.ts";
export { signatureOf, signatureOfType, vcpuTypes } from "./vcpu-type.ts";
export { type VmmType, vmmTypes, vmsaPage } from "./vmsa.ts";
