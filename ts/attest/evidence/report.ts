// Reports with any content, signed with a seed's keys. Deterministic: ECDSA by RFC 6979, hedged by nothing.
import { p384 } from "@noble/curves/nist.js";
import * as Layout from "../../abi/report.ts";
import { concat, reversed } from "../bytes.ts";
import type { Cpuid, Product } from "../product.ts";
import { composeReport, type Report } from "../report.ts";
import type { Identity } from "./identity.ts";
import { derive } from "./secret.ts";

export interface ReportOptions extends Partial<Report> {
  readonly version?: number;
  readonly signingKey?: "VCEK" | "VLEK" | "none";
}

/** Family, model and stepping whose names are Milan-B0, Genoa-B1 and Turin. */
export const cpuidOf: Readonly<Record<Product, Cpuid>> = {
  Milan: { family: 0x19, model: 0x01, stepping: 0x00 },
  Genoa: { family: 0x19, model: 0x11, stepping: 0x01 },
  Turin: { family: 0x1a, model: 0x02, stepping: 0x01 },
};

const firmware = { major: 1, minor: 55, build: 31 };

/** A report's fields as a guest on this platform gets them, before anything is changed. */
export function fieldsOf(identity: Identity, options: ReportOptions): Report {
  const { seed, product, tcb } = identity;
  const version = options.version ?? 3;
  return {
    version,
    product,
    guestSvn: 0,
    policy: 0x30000n,
    familyId: new Uint8Array(16),
    imageId: new Uint8Array(16),
    vmpl: 0,
    signatureAlgo: Layout.ECDSA_P384_SHA384,
    currentTcb: tcb,
    platformInfo: 0x25n,
    authorKeyEn: false,
    maskChipKey: false,
    signingKey: "VCEK",
    reportData: new Uint8Array(64),
    measurement: derive(seed, "MEASUREMENT", 48),
    hostData: new Uint8Array(32),
    idKeyDigest: new Uint8Array(48),
    authorKeyDigest: new Uint8Array(48),
    reportId: derive(seed, "REPORT_ID", 32),
    reportIdMa: new Uint8Array(32).fill(0xff),
    reportedTcb: tcb,
    cpuid: cpuidOf[product],
    chipId: identity.chipId,
    committedTcb: tcb,
    current: firmware,
    committed: firmware,
    launchTcb: tcb,
    launchMitVector: 0n,
    currentMitVector: 0n,
    signatureR: new Uint8Array(72),
    signatureS: new Uint8Array(72),
    ...options,
  };
}

/** Signs bytes 0 to 0x29f and writes r and s where the ABI wants them, little-endian. */
export function signReport(bytes: Uint8Array, secretKey: Uint8Array): Uint8Array<ArrayBuffer> {
  const signed = Uint8Array.from(bytes);
  const options = { prehash: true, lowS: false };
  const signature = p384.sign(signed.subarray(0, Layout.SIGNED_BYTES), secretKey, options);
  const field = (start: number) =>
    concat(reversed(signature.subarray(start, start + 48)), new Uint8Array(24));
  signed.set(field(0), Layout.SIGNATURE_R);
  signed.set(field(48), Layout.SIGNATURE_S);
  return signed;
}

/** A signed report; with `signingKey: "none"` the signature stays zero, as the firmware leaves it. */
export function makeReport(
  identity: Identity,
  options: ReportOptions = {},
): Uint8Array<ArrayBuffer> {
  const fields = fieldsOf(identity, options);
  const bytes = composeReport(fields);
  if (fields.signingKey === "none") return bytes;
  return signReport(bytes, identity[fields.signingKey === "VLEK" ? "vlek" : "vcek"].secretKey);
}
