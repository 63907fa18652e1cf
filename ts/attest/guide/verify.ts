// Is this report real, by the field guide's chain: ARK -> ASK -> PCERT -> SP certificate -> report. DESIGN.md, section 5.
import * as Layout from "../../abi/report.ts";
import { Misuse } from "../../error.ts";
import { concat, equal, reversed } from "../bytes.ts";
import { isPem, pemBlocks } from "../certificate.ts";
import { type Check, type Code, check, failure, Refusal, resultOf, skipped } from "../code.ts";
import { isEmulated } from "../emulated.ts";
import { type Endorsement, endorsementOf } from "../extension.ts";
import { parseReport, type Report, signatureOf } from "../report.ts";
import { requireChipId, requireSigner, requireTcb, type Verification } from "../verify.ts";
import { type GuideCertificate, type KeyKind, parseGuideCertificate } from "./certificate.ts";

export interface GuideOptions {
  /** ARKs to trust, DER or PEM. */
  readonly roots: readonly Uint8Array[];
  /** The moment to judge at: a Date, or milliseconds since 1970. */
  readonly now: Date | number;
}

type Role = "ARK" | "ASK" | "PCERT" | "SP";
type Links = Readonly<Record<Role, GuideCertificate>>;

interface Form {
  readonly role: Role;
  readonly signer: Role;
  readonly key: KeyKind;
  readonly algorithm: GuideCertificate["algorithm"];
  readonly code: Code;
}

/** The chain as a table: whose key is of which kind, and who signs it how. */
const forms: readonly Form[] = [
  { role: "ARK", signer: "ARK", key: "RSA-2048", algorithm: "PSS", code: "ARK_SIGNATURE" },
  { role: "ASK", signer: "ARK", key: "P-256", algorithm: "PSS", code: "ASK_SIGNATURE" },
  {
    role: "PCERT",
    signer: "ASK",
    key: "P-384",
    algorithm: "ECDSA-SHA-256",
    code: "PCERT_SIGNATURE",
  },
  { role: "SP", signer: "PCERT", key: "P-384", algorithm: "ECDSA-SHA-384", code: "VEK_SIGNATURE" },
];

const blocksOf = (file: Uint8Array): Uint8Array[] =>
  isPem(file) ? pemBlocks(new TextDecoder().decode(file), ["CERTIFICATE"]) : [file];

function roleOf({ subject }: GuideCertificate): Role | undefined {
  const name = subject["CN"]?.[0] ?? "";
  return forms.find(({ role }) => name === role || name.startsWith(`${role}-`))?.role;
}

/** The four certificates of a chain given in any order and in any number of files. */
function linksOf(files: readonly Uint8Array[]): Links {
  const links: Partial<Record<Role, GuideCertificate>> = {};
  for (const der of files.flatMap(blocksOf)) {
    const certificate = parseGuideCertificate(der);
    const role = roleOf(certificate);
    const name = certificate.subject["CN"]?.[0] ?? "";
    if (role === undefined) {
      throw new Refusal("CERTIFICATE_PROFILE", `subject "${name}" is none of ARK, ASK, PCERT, SP`);
    }
    links[role] = certificate;
  }
  const missing = forms.find(({ role }) => links[role] === undefined);
  if (missing !== undefined) throw new Refusal("CERTIFICATE_MISSING", missing.role);
  return links as Links;
}

const BASIC_CONSTRAINTS = "2.5.29.19";

/** basicConstraints with cA TRUE. RFC 5280, 4.2.1.9. */
function isAuthority({ extensions }: GuideCertificate): boolean {
  const value = extensions.find(({ oid }) => oid === BASIC_CONSTRAINTS)?.value;
  return value !== undefined && value[2] === 0x01 && value[4] === 0xff;
}

function requireForms(links: Links): string {
  for (const { role, key, algorithm } of forms) {
    const seen = links[role];
    if (seen.key.kind !== key || seen.algorithm !== algorithm) {
      const what = `${role}: ${seen.key.kind} key, ${seen.algorithm}`;
      throw new Refusal("CERTIFICATE_PROFILE", `${what}; expected ${key}, ${algorithm}`);
    }
    if (role !== "SP" && !isAuthority(seen)) {
      throw new Refusal("CERTIFICATE_PROFILE", `${role}: not a certificate authority`);
    }
  }
  return "ARK RSA-2048, ASK P-256, PCERT and SP certificate P-384";
}

function requireIssuers(links: Links): string {
  for (const { role, signer } of forms) {
    if (equal(links[role].issuerDer, links[signer].subjectDer)) continue;
    const [seen, given] = [links[role].issuer["CN"]?.[0], links[signer].subject["CN"]?.[0]];
    throw new Refusal("CHAIN_ISSUER", `${role} is issued by ${seen}, the signer given is ${given}`);
  }
  return "each certificate names its signer";
}

function requireValid(links: Links, now: number): string {
  for (const { role } of forms) {
    const { notBefore, notAfter } = links[role];
    if (now < notBefore) throw new Refusal("CERTIFICATE_NOT_YET_VALID", role);
    if (now > notAfter) throw new Refusal("CERTIFICATE_EXPIRED", role);
  }
  return `valid at ${new Date(now).toISOString()}`;
}

function requireTrusted({ ARK }: Links, roots: readonly Uint8Array[]): string {
  if (roots.length === 0) throw new Refusal("NO_ROOT", "pass the ARK");
  if (roots.flatMap(blocksOf).some((root) => equal(root, ARK.der))) return "one of the roots";
  throw new Refusal("ROOT_UNTRUSTED", `${ARK.subject["CN"]?.[0]}`);
}

const copy = (bytes: Uint8Array) => Uint8Array.from(bytes);

const algorithms = {
  PSS: [
    { name: "RSA-PSS", hash: "SHA-384" },
    { name: "RSA-PSS", saltLength: 48 },
  ],
  "ECDSA-SHA-256": [
    { name: "ECDSA", namedCurve: "P-256" },
    { name: "ECDSA", hash: "SHA-256" },
  ],
  "ECDSA-SHA-384": [
    { name: "ECDSA", namedCurve: "P-384" },
    { name: "ECDSA", hash: "SHA-384" },
  ],
} as const;

/** A key that the engine does not take has signed nothing. */
async function isSignedBy(
  { kind, spki }: GuideCertificate["key"],
  algorithm: keyof typeof algorithms,
  signature: Uint8Array,
  signed: Uint8Array,
): Promise<boolean> {
  const [asKey, asSignature] = algorithms[algorithm];
  if ((kind === "RSA-2048") !== (algorithm === "PSS")) return false;
  try {
    const key = await crypto.subtle.importKey("spki", copy(spki), asKey, false, ["verify"]);
    return await crypto.subtle.verify(asSignature, key, copy(signature), copy(signed));
  } catch {
    return false;
  }
}

async function signatureCheck(links: Links, { role, signer, code }: Form): Promise<Check> {
  const { algorithm, signature, tbs } = links[role];
  const name = `${role} signature`;
  if (await isSignedBy(links[signer].key, algorithm, signature, tbs)) {
    return { name, verdict: "passed", says: `signed by the ${signer}` };
  }
  return failure(name, new Refusal(code, `not signed by the ${signer}'s key`));
}

async function reportSignature(report: Report, bytes: Uint8Array, sp: GuideCertificate) {
  const name = "report signature";
  try {
    signatureOf(report);
    const number = (field: Uint8Array) => reversed(field.subarray(0, 48));
    const signature = concat(number(report.signatureR), number(report.signatureS));
    const signed = bytes.subarray(0, Layout.SIGNED_BYTES);
    if (!(await isSignedBy(sp.key, "ECDSA-SHA-384", signature, signed))) {
      throw new Refusal("REPORT_SIGNATURE", "not made by the SP certificate's key");
    }
    return { name, verdict: "passed", says: "made by the SP certificate's key" } as const;
  } catch (error) {
    return failure(name, error);
  }
}

function endorsedChecks(report: Report, signature: Check, endorsement: Endorsement): Check[] {
  const { hwid, product } = endorsement;
  return [
    check("signing key", () => requireSigner(report, "VCEK")),
    signature,
    check("product", () => {
      if ((report.product ?? product) === product) return product;
      const seen = `report ${report.product}, certificate ${product}`;
      throw new Refusal("PRODUCT_MISMATCH", seen);
    }),
    check("reported TCB", () => requireTcb(report, endorsement)),
    check("chip id", () => requireChipId(report, hwid ?? new Uint8Array(64))),
  ];
}

const later = ["chain", "report signature"];

/** Every question that does not depend on who asks. `chain` holds the four certificates, DER or PEM, in any order. */
export async function verifyGuide(
  bytes: Uint8Array,
  chain: readonly Uint8Array[],
  { roots, now }: GuideOptions,
): Promise<Verification> {
  if (Number.isNaN(Number(now))) throw new Misuse(`now: ${now}, expected a Date or milliseconds`);
  let report: Report | undefined;
  let links: Links | undefined;
  let endorsement: Endorsement | undefined;
  const format = check("report format", () => {
    report = parseReport(bytes, "field-guide");
    return `version ${report.version}, the field guide's policy word`;
  });
  const present = check("certificates", () => {
    links = linksOf(chain);
    return "ARK, ASK, PCERT and SP certificate";
  });
  if (links === undefined || report === undefined) {
    const rest = later.map((name) => skipped(name, "nothing to look at"));
    const read = report === undefined ? {} : { report };
    return { ...resultOf([format, present, ...rest]), emulated: false, ...read };
  }
  const [read, found]: [Report, Links] = [report, links];
  const signatures = await Promise.all(forms.map((form) => signatureCheck(found, form)));
  const signature = await reportSignature(read, bytes, found.SP);
  const checks = [
    format,
    present,
    check("certificate form", () => requireForms(found)),
    check("issuers", () => requireIssuers(found)),
    ...signatures,
    check("root trusted", () => requireTrusted(found, roots)),
    check("validity", () => requireValid(found, Number(now))),
    check("AMD extensions", () => {
      endorsement = endorsementOf(found.SP);
      return `${endorsement.productName}, ${endorsement.kind}`;
    }),
  ];
  const last = endorsement ? endorsedChecks(read, signature, endorsement) : [signature];
  return {
    ...resultOf([...checks, ...last]),
    emulated: isEmulated(found.ARK),
    report: read,
    ...(endorsement && { endorsement }),
  };
}
