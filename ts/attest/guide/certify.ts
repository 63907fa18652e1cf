// The field guide's chain: ARK (RSA-2048) -> ASK (P-256) -> PCERT -> SP certificate (P-384), emulated. DESIGN.md, sections 5 and 6.
import "reflect-metadata";
import { p384 } from "@noble/curves/nist.js";
import * as x509 from "@peculiar/x509";
import { base64, hex, unbase64 } from "../bytes.ts";
import { amdExtensions, distinguishedName, mark, type PSS } from "../evidence/certify.ts";
import { chipIdOf, chipSecretsOf, defaultTcb, derive, vcekOf } from "../evidence/secret.ts";
import type { Product } from "../product.ts";
import { composeTcb, type Tcb } from "../tcb.ts";
import { guideRoot } from "./root.ts";

export type GuideRole = "ARK" | "ASK" | "PCERT" | "SP";

/** DER, from the root to the key that signs reports. */
export type GuideChain = Readonly<Record<GuideRole, Uint8Array>>;

const ECDSA_256 = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const ECDSA_384 = { name: "ECDSA", namedCurve: "P-384", hash: "SHA-384" } as const;
const { subtle } = crypto;

const base64url = (bytes: Uint8Array) =>
  base64(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

/** A P-384 key as WebCrypto holds it; without the secret, the public half. */
function importP384(secretKey: Uint8Array, usage: "sign" | "verify"): Promise<CryptoKey> {
  const point = p384.getPublicKey(secretKey, false);
  const open = { kty: "EC", crv: "P-384" };
  const halves = { x: base64url(point.slice(1, 49)), y: base64url(point.slice(49)) };
  const secret = usage === "sign" ? { d: base64url(secretKey) } : {};
  return subtle.importKey("jwk", { ...open, ...halves, ...secret }, ECDSA_384, true, [usage]);
}

interface Issue {
  readonly serial: string;
  readonly subject: string;
  readonly issuer: string;
  readonly publicKey: CryptoKey;
  readonly signer: CryptoKey;
  readonly signerPublic: x509.PublicKey;
  readonly issuerSerial: string;
  readonly signing: typeof PSS | typeof ECDSA_256 | typeof ECDSA_384;
  readonly notBefore: number;
  readonly notAfter: number;
  /** How many authorities may come below; none for a key that signs no certificate. */
  readonly below?: number;
  readonly extensions?: readonly x509.Extension[];
}

/** One certificate of the chain. */
export async function certifyGuide(issue: Issue): Promise<Uint8Array> {
  const { below, extensions = [] } = issue;
  const authority = [
    new x509.BasicConstraintsExtension(true, below, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
  ];
  const issuer = distinguishedName(issue.issuer);
  const certificate = await x509.X509CertificateGenerator.create(
    {
      serialNumber: issue.serial,
      subject: distinguishedName(issue.subject),
      issuer,
      notBefore: new Date(issue.notBefore),
      notAfter: new Date(issue.notAfter),
      publicKey: issue.publicKey,
      signingKey: issue.signer,
      signingAlgorithm: issue.signing,
      extensions: [
        ...(below === undefined ? [] : authority),
        ...extensions,
        await mark(issue.signerPublic, issuer, issue.issuerSerial),
      ],
    },
    crypto,
  );
  return new Uint8Array(certificate.rawData);
}

export interface GuideRequest {
  readonly seed: string;
  readonly product: Product;
  /** REPORTED_TCB; the SP certificate is for it alone. */
  readonly tcb?: Tcb;
  /** Milliseconds since 1970; valid from the day before. */
  readonly at: number;
}

const DAY = 86_400_000;
const YEARS = 7 * 365 * DAY;
const publicOf = (der: Uint8Array) => new x509.X509Certificate(Uint8Array.from(der)).publicKey;

/** What names a platform in its PCERT. */
const platformName = (chipId: Uint8Array) => `PCERT-${hex(chipId.subarray(0, 8))}`;

/** A platform's chain, under a root that ships with the package: worth nothing but for tests. */
export async function makeGuideChain(request: GuideRequest): Promise<GuideChain> {
  const { seed, product, at } = request;
  const tcb = request.tcb ?? defaultTcb[product];
  const chipId = chipIdOf(seed, product);
  const validity = { notBefore: at - DAY, notAfter: at - DAY + YEARS };
  const read = (text: string) => Uint8Array.from(unbase64(text) as Uint8Array);
  const [ARK, ASK] = [read(guideRoot.arkCertificate), read(guideRoot.askCertificate)];
  const ask = await subtle.importKey("pkcs8", read(guideRoot.askPrivateKey), ECDSA_256, true, [
    "sign",
  ]);
  const platform = p384.utils.randomSecretKey(derive(seed, `PCERT ${product}`, 72));
  const PCERT = await certifyGuide({
    ...validity,
    serial: "03",
    subject: platformName(chipId),
    issuer: "ASK-FieldGuide",
    publicKey: await importP384(platform, "verify"),
    signer: ask,
    signerPublic: publicOf(ASK),
    issuerSerial: "02",
    signing: ECDSA_256,
    below: 0,
  });
  const named = { kind: "VCEK", product, tcb, chipId, cspId: "" } as const;
  const extensions = amdExtensions(named).map(
    ([arcs, value]) =>
      new x509.Extension(`1.3.6.1.4.1.3704.1.${arcs}`, false, Uint8Array.from(value)),
  );
  const key = vcekOf(chipSecretsOf(seed, product).vcekSeed, composeTcb(tcb, product));
  const SP = await certifyGuide({
    ...validity,
    serial: "04",
    subject: "SP",
    issuer: platformName(chipId),
    publicKey: await importP384(key, "verify"),
    signer: await importP384(platform, "sign"),
    signerPublic: publicOf(PCERT),
    issuerSerial: "03",
    signing: ECDSA_384,
    extensions,
  });
  return { ARK, ASK, PCERT, SP };
}
