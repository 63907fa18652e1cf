// ARK -> ASK -> VCEK, or ARK -> ASVK -> VLEK, with the ARK's revocation list. AMD 57230, 3; RFC 5280, 6.
import { Misuse } from "../error.ts";
import { equal } from "./bytes.ts";
import { type Certificate, parseCertificates } from "./certificate.ts";
import { type Check, check, failure, Refusal, skipped } from "./code.ts";
import { type Crl, parseCrl } from "./crl.ts";
import { type Evidence, isTrusted, parseRoots, type Roots } from "./evidence.ts";
import { type Endorsement, endorsementOf } from "./extension.ts";
import { type Role, requireProfile, roleOf } from "./profile.ts";
import { isSignedBy, type OpenedKey, openKey } from "./signature.ts";

export interface ChainOptions {
  /** ARKs to trust: DER, PEM or AMD's `ask_ark.cert`. The package holds none. */
  readonly roots: readonly Uint8Array[];
  /** The moment to judge at: a Date, or milliseconds since 1970. */
  readonly now: Date | number;
  /** Fails without a revocation list. */
  readonly requireCrl?: boolean;
}

/** A chain that has been looked at: its checks, and what could be read of it. */
export interface Chain {
  readonly checks: readonly Check[];
  readonly ark?: Certificate;
  readonly ask?: Certificate;
  readonly vek?: Certificate;
  readonly endorsement?: Endorsement;
}

interface Links {
  readonly ark: Certificate;
  readonly ask: Certificate;
  readonly vek: Certificate;
  readonly kind: "VCEK" | "VLEK";
}

function one(bytes: Uint8Array | undefined): Certificate | undefined {
  if (bytes === undefined) return undefined;
  const certificates = parseCertificates(bytes);
  if (certificates.length !== 1) {
    const seen = `${certificates.length} certificates in one place`;
    throw new Refusal("CERTIFICATE_MALFORMED", `${seen}, expected 1`);
  }
  return certificates[0];
}

function missing(what: string): never {
  throw new Refusal("CERTIFICATE_MISSING", what);
}

/** The three certificates; an ASK or ARK that the evidence leaves out is taken from beside the roots. */
function linksOf(evidence: Evidence, roots: Roots): Links {
  const vek = one(evidence.vek) ?? missing("VCEK or VLEK");
  const issues = (signer: Certificate, signed: Certificate) =>
    equal(signer.subjectDer, signed.issuerDer);
  const ask = one(evidence.ask) ?? roots.asks.find((ask) => issues(ask, vek)) ?? missing("ASK");
  const ark = one(evidence.ark) ?? roots.arks.find((ark) => issues(ark, ask)) ?? missing("ARK");
  return { vek, ask, ark, kind: roleOf(vek) === "VLEK" ? "VLEK" : "VCEK" };
}

function requireProfiles({ ark, ask, vek, kind }: Links): string {
  requireProfile(vek, kind);
  requireProfile(ask, kind === "VLEK" ? "ASVK" : "ASK");
  requireProfile(ark, "ARK");
  return `ARK, ${kind === "VLEK" ? "ASVK" : "ASK"} and ${kind} have AMD's form`;
}

function requireIssuers({ ark, ask, vek, kind }: Links): string {
  const pairs: [string, Certificate, Certificate][] = [
    [kind, vek, ask],
    ["ASK", ask, ark],
    ["ARK", ark, ark],
  ];
  for (const [name, signed, signer] of pairs) {
    if (equal(signed.issuerDer, signer.subjectDer)) continue;
    const [seen, given] = [signed.issuer["CN"]?.[0], signer.subject["CN"]?.[0]];
    throw new Refusal("CHAIN_ISSUER", `${name} is issued by ${seen}, the signer given is ${given}`);
  }
  return "each certificate names its signer";
}

function requireValid({ ark, ask, vek, kind }: Links, now: number): string {
  for (const [name, certificate] of [
    ["ARK", ark] as const,
    ["ASK", ask] as const,
    [kind, vek] as const,
  ]) {
    const { notBefore, notAfter } = certificate;
    if (now < notBefore) {
      const since = new Date(notBefore).toISOString();
      throw new Refusal("CERTIFICATE_NOT_YET_VALID", `${name} is valid from ${since}`);
    }
    if (now > notAfter) {
      const until = new Date(notAfter).toISOString();
      throw new Refusal("CERTIFICATE_EXPIRED", `${name} was valid until ${until}`);
    }
  }
  return `valid at ${new Date(now).toISOString()}`;
}

async function signatureCheck(
  role: Role,
  signed: Certificate,
  signer: Certificate,
  key: OpenedKey,
): Promise<Check> {
  const name = `${role} signature`;
  const code =
    role === "ARK" ? "ARK_SIGNATURE" : role.startsWith("V") ? "VEK_SIGNATURE" : "ASK_SIGNATURE";
  if (await isSignedBy(signed, key)) {
    return { name, verdict: "passed", says: `signed by ${signer.subject["CN"]?.[0]}` };
  }
  return failure(name, new Refusal(code, `not signed by ${signer.subject["CN"]?.[0]}'s key`));
}

function requireCrlFits(crl: Crl, { ark, ask, kind }: Links, now: number): string {
  const critical = crl.extensions.find((extension) => extension.critical);
  if (critical !== undefined) {
    throw new Refusal("CRL_MALFORMED", `critical extension ${critical.oid}`);
  }
  if (now < crl.thisUpdate) {
    throw new Refusal("CRL_NOT_YET_VALID", `issued ${new Date(crl.thisUpdate).toISOString()}`);
  }
  if (now > crl.nextUpdate) {
    throw new Refusal("CRL_EXPIRED", `next update ${new Date(crl.nextUpdate).toISOString()}`);
  }
  // The list is the ARK's: it names what the ARK has issued, so no VCEK, all of which have serial number 0.
  for (const [name, { serial }] of [
    ["ARK", ark] as const,
    [kind === "VLEK" ? "ASVK" : "ASK", ask] as const,
  ]) {
    if (crl.revoked.includes(serial)) {
      throw new Refusal("REVOKED", `${name}, serial number 0x${serial}`);
    }
  }
  return "no certificate of the chain is on the ARK's list";
}

async function crlCheck(
  bytes: Uint8Array | undefined,
  links: Links,
  key: OpenedKey,
  options: ChainOptions,
): Promise<Check> {
  const name = "revocation list";
  if (bytes === undefined) {
    return options.requireCrl
      ? failure(name, new Refusal("CRL_MISSING", "pass the ARK's list"))
      : skipped(name, "none given");
  }
  try {
    const crl = parseCrl(bytes);
    if (!equal(crl.issuerDer, links.ark.subjectDer)) {
      throw new Refusal("CRL_ISSUER", `issued by ${crl.issuer["CN"]?.[0]}`);
    }
    if (!(await isSignedBy(crl, key))) {
      throw new Refusal("CRL_SIGNATURE", `not signed by ${links.ark.subject["CN"]?.[0]}'s key`);
    }
    return { name, verdict: "passed", says: requireCrlFits(crl, links, Number(options.now)) };
  } catch (error) {
    return failure(name, error);
  }
}

const later = [
  "certificates",
  "certificate form",
  "issuers",
  "ARK signature",
  "ASK signature",
  "VEK signature",
  "root trusted",
  "validity",
  "revocation list",
  "AMD extensions",
];

const remaining = (from: string, says: string): Check[] =>
  later.slice(later.indexOf(from)).map((name) => skipped(name, says));

/** A chain that has been read and not judged yet. */
export interface OpenedChain {
  readonly vek?: Certificate;
  readonly judge: () => Promise<Chain>;
}

/** Reads roots and certificates; the signatures are looked at by `judge`. */
export function openChain(evidence: Evidence, options: ChainOptions): OpenedChain {
  // Nothing is before or after what is no time: such a clock would find every certificate valid.
  if (Number.isNaN(new Date(options.now).getTime())) {
    throw new Misuse(`now: ${options.now}, expected a Date or milliseconds since 1970`);
  }
  let roots: Roots | undefined;
  const rootCheck = check("root given", () => {
    roots = parseRoots(options.roots);
    return `${roots.arks.length + roots.legacy.length} given`;
  });
  if (roots === undefined) {
    const checks = [rootCheck, ...remaining("certificates", "no root")];
    return { judge: async () => ({ checks }) };
  }
  const trust: Roots = roots;
  let links: Links | undefined;
  const present = check("certificates", () => {
    links = linksOf(evidence, trust);
    return `ARK, ASK and ${links.kind}`;
  });
  if (links === undefined) {
    const rest = remaining("certificate form", "certificates missing or malformed");
    return { judge: async () => ({ checks: [rootCheck, present, ...rest] }) };
  }
  const read: Links = links;
  const before = [rootCheck, present];
  return {
    vek: read.vek,
    judge: async () => ({ ...read, ...(await judge(read, trust, evidence, options, before)) }),
  };
}

/** Every check of the chain, in order. What cannot be asked, because something before it failed, is skipped. */
export async function verifyChain(evidence: Evidence, options: ChainOptions): Promise<Chain> {
  return openChain(evidence, options).judge();
}

async function judge(
  links: Links,
  roots: Roots,
  evidence: Evidence,
  options: ChainOptions,
  before: Check[],
): Promise<Pick<Chain, "checks" | "endorsement">> {
  const { ark, ask, vek, kind } = links;
  const askRole = kind === "VLEK" ? "ASVK" : "ASK";
  const arkKey = openKey(ark.key);
  const signatures = await Promise.all([
    signatureCheck("ARK", ark, ark, arkKey),
    signatureCheck(askRole, ask, ark, arkKey),
    signatureCheck(kind, vek, ask, openKey(ask.key)),
    crlCheck(evidence.crl, links, arkKey, options),
  ]);
  let endorsement: Endorsement | undefined;
  const checks = [
    ...before,
    check("certificate form", () => requireProfiles(links)),
    check("issuers", () => requireIssuers(links)),
    ...signatures.slice(0, 3),
    check("root trusted", () => {
      if (isTrusted(ark, roots)) return `${ark.subject["CN"]?.[0]} is one of the roots`;
      throw new Refusal("ROOT_UNTRUSTED", `${ark.subject["CN"]?.[0]}, serial 0x${ark.serial}`);
    }),
    check("validity", () => requireValid(links, Number(options.now))),
    ...signatures.slice(3),
    check("AMD extensions", () => {
      endorsement = endorsementOf(vek);
      return `${endorsement.productName}, ${endorsement.kind}`;
    }),
  ];
  return { checks, ...(endorsement !== undefined && { endorsement }) };
}
