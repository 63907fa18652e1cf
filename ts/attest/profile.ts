// The form AMD gives its ARK, ASK and ASVK, VCEK and VLEK: names, keys, what each may sign. AMD 57230, 3.
import { hex } from "./bytes.ts";
import type { Certificate, Extension } from "./certificate.ts";
import { Refusal } from "./code.ts";
import * as Der from "./der.ts";
import { type Product, productOfName } from "./product.ts";

export type Role = "ARK" | "ASK" | "ASVK" | "VCEK" | "VLEK";

const location: [string, string][] = [
  ["OU", "Engineering"],
  ["C", "US"],
  ["L", "Santa Clara"],
  ["ST", "CA"],
  ["O", "Advanced Micro Devices"],
];

const BASIC_CONSTRAINTS = "2.5.29.19";
const KEY_USAGE = "2.5.29.15";
const KEY_CERT_SIGN = 0x04; // bit 5 of a BIT STRING, counted from its top

const commonName = (certificate: Certificate) => certificate.subject["CN"]?.[0] ?? "";

/** What a certificate is, by its subject's common name. */
export function roleOf(certificate: Certificate): Role | undefined {
  const name = commonName(certificate);
  if (name === "SEV-VCEK") return "VCEK";
  if (name === "SEV-VLEK") return "VLEK";
  if (name.startsWith("ARK-")) return "ARK";
  if (name.startsWith("SEV-VLEK-")) return "ASVK";
  return name.startsWith("SEV-") ? "ASK" : undefined;
}

/** "Milan" of ARK-Milan, SEV-Milan and SEV-VLEK-Milan. */
export function lineOf(certificate: Certificate): Product | undefined {
  return productOfName(commonName(certificate).replace(/^(ARK|SEV-VLEK|SEV)-/, ""));
}

const wrong = (role: string, what: string) =>
  new Refusal("CERTIFICATE_PROFILE", `${role}: ${what}`);

function requireLocation(certificate: Certificate, role: Role): void {
  for (const [attribute, expected] of location) {
    const seen = certificate.subject[attribute] ?? [];
    if (seen.length !== 1 || seen[0] !== expected) {
      throw wrong(role, `subject ${attribute} is "${seen.join(", ")}", expected "${expected}"`);
    }
  }
}

const find = (certificate: Certificate, oid: string): Extension | undefined =>
  certificate.extensions.find((extension) => extension.oid === oid);

function requireAuthority(certificate: Certificate, role: Role): void {
  const constraints = find(certificate, BASIC_CONSTRAINTS);
  const values = Der.valuesOf(
    Der.single(constraints?.value ?? new Uint8Array(0), Der.SEQUENCE, "basicConstraints").content,
  );
  if (values[0]?.tag !== 0x01 || values[0].content[0] !== 0xff) {
    throw wrong(role, "not a certificate authority");
  }
  const path = values[1] === undefined ? undefined : Der.smallIntegerOf(values[1], "pathlen");
  if (role !== "ARK" && path !== 0) throw wrong(role, `pathlen is ${path}, expected 0`);
  const usage = find(certificate, KEY_USAGE);
  const bits = Der.single(usage?.value ?? new Uint8Array(0), Der.BIT_STRING, "keyUsage").content;
  if ((((bits[1] ?? 0) & KEY_CERT_SIGN) as number) === 0) {
    throw wrong(role, "its key may not sign certificates");
  }
  for (const { oid, critical } of certificate.extensions) {
    if (critical && oid !== BASIC_CONSTRAINTS && oid !== KEY_USAGE) {
      throw wrong(role, `critical extension ${oid}`);
    }
  }
}

/** Refuses a certificate that does not have the form of its role. */
export function requireProfile(certificate: Certificate, role: Role): void {
  const seen = roleOf(certificate);
  if (seen !== role) {
    throw wrong(role, `subject common name is "${commonName(certificate)}", so ${seen ?? "none"}`);
  }
  requireLocation(certificate, role);
  const kind = role === "VCEK" || role === "VLEK" ? "P-384" : "RSA";
  if (certificate.key.kind !== kind) {
    throw wrong(role, `key is ${certificate.key.kind}, expected ${kind}`);
  }
  if (kind === "P-384") return;
  const bits = certificate.key.number.length * 8;
  if (bits !== 4096) throw wrong(role, `RSA key of ${bits} bits, expected 4096`);
  // With an exponent of 1 anything is signed by anybody.
  if (hex(certificate.key.exponent ?? new Uint8Array(0)) !== "010001") {
    throw wrong(role, "RSA exponent is not 65537");
  }
  if (lineOf(certificate) === undefined) {
    throw wrong(role, `"${commonName(certificate)}" names no product`);
  }
  requireAuthority(certificate, role);
}
