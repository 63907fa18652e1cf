// Why a report is not accepted: one stable code and one sentence per cause. docs/attestation.md lists them.
export const codes = {
  REPORT_LENGTH: "the report has the wrong length",
  REPORT_VERSION: "the report's version is not one that is known",
  REPORT_RESERVED: "a reserved field of the report is not zero",
  POLICY_RESERVED: "a reserved bit of the guest policy is wrong",
  PLATFORM_INFO_RESERVED: "a reserved bit of PLATFORM_INFO is set",
  SIGNER_INFO_RESERVED: "a reserved bit or value of SIGNER_INFO is used",
  SIGNATURE_ALGORITHM: "the report is not signed with ECDSA P-384 and SHA-384",
  TCB_RESERVED: "a reserved byte of a TCB version is not zero",
  VMPL_RANGE: "the VMPL is none of 0 to 3, nor the host's",
  PRODUCT_UNKNOWN: "family and model name no product with SEV-SNP",
  TABLE_MALFORMED: "the certificate table is malformed",
  NO_ROOT: "no root given",
  ROOT_MALFORMED: "a root given is not a certificate",
  CERTIFICATE_MISSING: "a certificate of the chain is missing",
  CERTIFICATE_MALFORMED: "a certificate is not DER or PEM of an X.509 certificate",
  CERTIFICATE_PROFILE: "a certificate does not have AMD's form",
  CHAIN_ISSUER: "a certificate names another issuer than the one given",
  ROOT_UNTRUSTED: "the ARK is none of the roots given",
  ARK_SIGNATURE: "the ARK is not signed by itself",
  ASK_SIGNATURE: "the ASK or ASVK is not signed by the ARK",
  PCERT_SIGNATURE: "the field guide's PCERT is not signed by the ASK",
  VEK_SIGNATURE: "the VCEK or VLEK is not signed by the ASK or ASVK",
  CERTIFICATE_NOT_YET_VALID: "a certificate is not valid yet",
  CERTIFICATE_EXPIRED: "a certificate has expired",
  EXTENSION_MALFORMED: "an extension of the endorsement certificate is malformed",
  EXTENSION_MISSING: "an extension of the endorsement certificate is missing",
  EXTENSION_UNKNOWN: "the endorsement certificate has an extension that AMD's have not",
  CRL_MISSING: "a revocation list is required and none was given",
  CRL_MALFORMED: "the revocation list is malformed",
  CRL_ISSUER: "the revocation list is not the ARK's",
  CRL_SIGNATURE: "the revocation list is not signed by the ARK",
  CRL_NOT_YET_VALID: "the revocation list is not valid yet",
  CRL_EXPIRED: "the revocation list has expired",
  REVOKED: "a certificate of the chain is revoked",
  REPORT_UNSIGNED: "the firmware did not sign the report",
  SIGNER_MISMATCH: "the report names another kind of signing key than the certificate's",
  SIGNATURE_RANGE: "r or s of the signature is zero, or not below the order of P-384",
  REPORT_SIGNATURE: "the signature over the report is wrong",
  TCB_MISMATCH: "REPORTED_TCB is not the TCB the certificate was issued for",
  CHIP_ID_MASKED: "CHIP_ID is masked, so the chip cannot be told",
  CHIP_ID_MISMATCH: "CHIP_ID is not the certificate's",
  PRODUCT_MISMATCH: "report, endorsement certificate and chain are not of one product",
  POLICY_ABI: "the guest policy admits an older ABI than required",
  POLICY_SMT: "the guest policy allows SMT",
  POLICY_MIGRATE_MA: "the guest policy allows a migration agent",
  POLICY_DEBUG: "the guest policy allows debugging",
  POLICY_SINGLE_SOCKET: "the guest policy does not require a single socket",
  POLICY_CXL: "the guest policy allows CXL",
  POLICY_AES_256_XTS: "the guest policy does not require AES-256-XTS",
  POLICY_RAPL: "the guest policy does not require RAPL to be off",
  POLICY_CIPHERTEXT_HIDING: "the guest policy does not require ciphertext hiding",
  POLICY_PAGE_SWAP: "the guest policy does not disable page swap",
  MIGRATION_AGENT: "a migration agent is associated with the guest",
  PLATFORM_SMT: "SMT is enabled on the platform",
  PLATFORM_TSME: "TSME is enabled on the platform",
  PLATFORM_ECC: "ECC memory is not in use",
  PLATFORM_RAPL: "RAPL is not disabled on the platform",
  PLATFORM_CIPHERTEXT_HIDING: "ciphertext hiding is not enabled on the platform",
  PLATFORM_ALIAS_CHECK: "the platform has not completed its memory alias check",
  PLATFORM_TIO: "SEV-TIO is enabled on the platform",
  REPORT_DATA: "REPORT_DATA is not the expected value",
  MEASUREMENT: "MEASUREMENT is not the expected value",
  HOST_DATA: "HOST_DATA is not the expected value",
  FAMILY_ID: "FAMILY_ID is not the expected value",
  IMAGE_ID: "IMAGE_ID is not the expected value",
  REPORT_ID: "REPORT_ID is not the expected value",
  REPORT_ID_MA: "REPORT_ID_MA is not the expected value",
  CHIP_ID: "CHIP_ID is not the expected value",
  VMPL: "the report was requested from another VMPL than expected",
  GUEST_SVN: "GUEST_SVN is lower than required",
  ID_BLOCK: "no trusted key signed the guest's ID block",
  AUTHOR_KEY: "the guest was launched without a trusted author key",
  TCB_MINIMUM: "the reported TCB is lower than required",
  LAUNCH_TCB_MINIMUM: "the TCB at launch is lower than required",
  TCB_ROLLBACK: "the current TCB is lower than the committed or the reported one",
  PROVISIONAL_FIRMWARE: "the firmware in use is not the committed one",
  FIRMWARE_BUILD: "the firmware's build number is lower than required",
  FIRMWARE_VERSION: "the firmware's API version is lower than required",
  LAUNCH_MIT_VECTOR: "a required mitigation was absent at launch",
  CURRENT_MIT_VECTOR: "a required mitigation is absent",
} as const;

export type Code = keyof typeof codes;

export type Verdict = "passed" | "failed" | "skipped";

/** One question asked of the evidence, and its answer. */
export interface Check {
  readonly name: string;
  readonly verdict: Verdict;
  readonly code?: Code;
  readonly says: string;
}

/** Every check in the order asked; accepted when none failed and none that matters was skipped. */
export interface Result {
  readonly accepted: boolean;
  /** That of the first check that failed. */
  readonly code?: Code;
  readonly says: string;
  readonly checks: readonly Check[];
}

/** Evidence that does not hold: carries the code under which a Result reports it. */
export class Refusal extends Error {
  override name = "Refusal";
  readonly code: Code;
  constructor(code: Code, detail: string) {
    super(`${codes[code]}: ${detail}`);
    this.code = code;
  }
}

/** Accepted only if every check has passed or was not asked for. */
export function resultOf(checks: readonly Check[]): Result {
  const failed = checks.find((check) => check.verdict === "failed");
  if (failed === undefined) return { accepted: true, says: "accepted", checks };
  return { accepted: false, code: failed.code as Code, says: failed.says, checks };
}

/** Runs one check; what it throws as a Refusal is its failure. Anything else is a defect and goes on up. */
export function check(name: string, ask: () => string): Check {
  try {
    return { name, verdict: "passed", says: ask() };
  } catch (error) {
    return failure(name, error);
  }
}

export function failure(name: string, error: unknown): Check {
  if (!(error instanceof Refusal)) throw error;
  return { name, verdict: "failed", code: error.code, says: error.message };
}

export const skipped = (name: string, says: string): Check => ({ name, verdict: "skipped", says });
