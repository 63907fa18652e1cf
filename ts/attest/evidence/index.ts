// `cloister/evidence`: right and wrong evidence for whoever tests a verifier. Emulated keys; never AMD's.

export { EMULATED_URI, isEmulated } from "../emulated.ts";
export { type GuideChain, type GuideRequest, makeGuideChain } from "../guide/certify.ts";
export { pem } from "../pem.ts";
export { type Authority, authoritiesOf } from "./authorities.ts";
export {
  certifyAuthority,
  certifyCrl,
  certifyEndorsement,
  type EndorsementRequest,
  serialOf,
} from "./certify.ts";
export {
  certChain,
  type Entry,
  evidenceDirectory,
  type File,
  type Manifest,
} from "./directory.ts";
export { type Fault, faults, makeFault } from "./fault.ts";
export {
  crlOf,
  type Endorser,
  endorserOf,
  type Identity,
  type IdentityOptions,
  makeIdentity,
} from "./identity.ts";
export { extended, goodParts, type Parts } from "./parts.ts";
export { cpuidOf, fieldsOf, makeReport, type ReportOptions, signReport } from "./report.ts";
export { chipIdOf, defaultTcb } from "./secret.ts";
