// Why others judge a file otherwise than the manifest says: each disagreement has its reason here, or the run fails.
export type { Entry } from "../../dist/attest/evidence/index.js";

import type { Entry } from "../../dist/attest/evidence/index.js";

/** What the file's name says is wrong, without product and extension: "bad-signature". */
export const faultOf = (entry: Entry): string => entry.file.replace(/^[a-z]+-|\.bin$/g, "");

const given =
  "verify.go, decodeCerts: with TrustedRoots the evidence's own ASK and ARK are never read";
const dates =
  "verify.go, verifyCRL: looks at the list's signature and serial numbers, not at its dates";

const go: Record<string, string> = {
  "reserved-1f8": "abi.go, ReportToProto: reads 0x1f8 to 0x207 in every version, reserved before 5",
  "masked-chip-id": "validate.go, SnpAttestation: an all-zero CHIP_ID is let through as MaskChipId",
  "migration-agent-hidden": "validate.go: REPORT_ID_MA is compared only when a value is expected",
  "product-name": "verify.go, validateExtensions: from version 3 on productName1 is disregarded",
  "swapped-chain": given,
  "swapped-order": given,
  "asvk-for-ask": given,
  "bad-ark-signature": given,
  "bad-ask-signature": given,
  "crl-expired": dates,
  "crl-not-yet-valid": dates,
};

export function explainGo(entry: Entry): string | undefined {
  if (entry.verdict === "refused") return go[faultOf(entry)];
  if (entry.product !== "Turin") return undefined;
  return "kds.go, oidTokdsOID and kdsOidMapToExtensions: no fmcSPL (.3.9), HWID of 64 bytes only, so no Turin certificate is read";
}

const fields =
  "snp.rs, AttestationReport::decode: keeps what it reads; reserved bits and enumerations are not judged";
const compared =
  "the crate checks signatures; TCB, chip and product are compared by snpguest's verify attestation";
const lists = "certs/snp: the crate has no revocation lists";

const virtee: Partial<Record<string, string>> = {
  SIGNER_MISMATCH: fields,
  REPORT_RESERVED: "snp.rs and ecdsa/mod.rs: reserved bytes are skipped, those behind s unread",
  REPORT_VERSION: "snp.rs, ReportVariant: 6 and above are read as 5",
  POLICY_RESERVED: fields,
  PLATFORM_INFO_RESERVED: fields,
  SIGNER_INFO_RESERVED: fields,
  SIGNATURE_ALGORITHM: fields,
  VMPL_RANGE: fields,
  TCB_MISMATCH: compared,
  CHIP_ID_MISMATCH: compared,
  CHIP_ID_MASKED: compared,
  PRODUCT_MISMATCH: compared,
  CERTIFICATE_EXPIRED: "certs/snp/cert_nossl.rs: signatures only, no dates",
  CERTIFICATE_NOT_YET_VALID: "certs/snp/cert_nossl.rs: signatures only, no dates",
  ARK_SIGNATURE: "the ARK it is handed is ours, not the evidence's",
  EXTENSION_MISSING: "certs/snp: extensions are not read",
  EXTENSION_MALFORMED: "certs/snp: extensions are not read",
  EXTENSION_UNKNOWN: "certs/snp: extensions are not read",
  REVOKED: lists,
  CRL_EXPIRED: lists,
  CRL_NOT_YET_VALID: lists,
  CRL_SIGNATURE: lists,
  CRL_ISSUER: lists,
  CRL_MALFORMED: lists,
};

export function explainVirtee(entry: Entry): string | undefined {
  if (entry.verdict === "accepted") return undefined;
  return entry.stage === "validate" ? "the crate has no policy" : virtee[entry.code as string];
}
