// `cloister/attest`: the relying party. No Wasm, no firmware, no network; works on real hardware's reports.
export { attest, attestExtended, type FourOptions, fourChecks, keyDigest } from "./attest.ts";
export { type Certificate, parseCertificate, parseCertificates } from "./certificate.ts";
export { type Chain, type ChainOptions, verifyChain } from "./chain.ts";
export { type Check, type Code, codes, Refusal, type Result, type Verdict } from "./code.ts";
export { type Crl, parseCrl } from "./crl.ts";
export { EMULATED_URI, isEmulated } from "./emulated.ts";
export { type Evidence, evidenceOfExtended, evidenceOfFiles } from "./evidence.ts";
export { type Endorsement, endorsementOf } from "./extension.ts";
export { type GuideOptions, verifyGuide } from "./guide/verify.ts";
export { type LegacyCertificate, parseLegacy } from "./legacy.ts";
export {
  type Dialect,
  decodeGuidePolicy,
  decodePolicy,
  encodeGuidePolicy,
  encodePolicy,
  type GuestPolicy,
  type GuideFlag,
  gapOf,
  presets,
} from "./policy.ts";
export { displayReport, reportJson } from "./print.ts";
export { type Cpuid, type Product, productOfCpuid, productOfName } from "./product.ts";
export { composeReport, HOST_VMPL, parseReport, type Report, type SigningKey } from "./report.ts";
export { isLegacySignedBy } from "./signature.ts";
export { composeTable, type Entry, parseTable, splitExtended } from "./table.ts";
export { composeTcb, parseTcb, type Tcb } from "./tcb.ts";
export { type Policy, validate } from "./validate.ts";
export { type Verification, verify, verifyReport } from "./verify.ts";
