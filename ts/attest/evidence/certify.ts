// Certificates and revocation lists in AMD's form, under keys that are not AMD's. AMD 57230, 3; DESIGN.md, section 6.
import "reflect-metadata";
import * as x509 from "@peculiar/x509";
import { concat } from "../bytes.ts";
import { EMULATED_URI } from "../emulated.ts";
import { AUTHORITY_KEY_ID } from "../extension.ts";
import { chipIdBytes, type Product } from "../product.ts";
import type { Tcb } from "../tcb.ts";
import type { Authority, AuthorityRole } from "./authorities.ts";

export interface Validity {
  /** Milliseconds since 1970. */
  readonly notBefore: number;
  readonly notAfter: number;
}

export const PSS = { name: "RSA-PSS", hash: "SHA-384", saltLength: 48 } as const;

const lines: Record<Product, number> = { Milan: 1, Genoa: 2, Turin: 3 };
const rows: Record<AuthorityRole, number> = { ARK: 0, ASK: 1, ASVK: 2 };

/** 0x010000 is ARK-Milan's serial number, 0x020001 ASK-Genoa's, and so on. */
export function serialOf(role: AuthorityRole, product: Product): string {
  return (lines[product] * 0x10000 + rows[role]).toString(16).padStart(6, "0");
}

const commonNames: Record<AuthorityRole, string> = { ARK: "ARK-", ASK: "SEV-", ASVK: "SEV-VLEK-" };

/** AMD's distinguished name, its attributes in AMD's order. */
export function distinguishedName(commonName: string): x509.JsonName {
  return [
    { OU: ["Engineering"] },
    { C: ["US"] },
    { L: ["Santa Clara"] },
    { ST: ["CA"] },
    { O: ["Advanced Micro Devices"] },
    { CN: [commonName] },
  ];
}

export const authorityName = (role: AuthorityRole, product: Product): x509.JsonName =>
  distinguishedName(`${commonNames[role]}${product}`);

const view = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => Uint8Array.from(bytes);

/** One DER value. Contents here stay under 64 KiB. */
export function der(tag: number, ...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const content = concat(...parts);
  const { length } = content;
  const size =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return concat(Uint8Array.of(tag, ...size), content);
}

const letters = (text: string) => Uint8Array.from(text, (letter) => letter.charCodeAt(0));

/** INTEGER of 0 to 255. */
export const integer = (value: number): Uint8Array =>
  der(0x02, value < 0x80 ? Uint8Array.of(value) : Uint8Array.of(0, value));

export const ia5 = (text: string): Uint8Array => der(0x16, letters(text));

/** Names the signer's key, its issuer and serial number, and says that all of it is emulated. RFC 5280, 4.2.1.1. */
export async function mark(
  signer: x509.PublicKey,
  issuerName: x509.JsonName,
  serial: string,
): Promise<x509.Extension> {
  const keyId = new Uint8Array(await signer.getKeyIdentifier(crypto));
  const issuer = new Uint8Array(new x509.Name(issuerName).toArrayBuffer());
  const names = der(0xa1, der(0xa4, issuer), der(0x86, letters(EMULATED_URI)));
  const bytes = Uint8Array.from(serial.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
  const value = der(0x30, der(0x80, keyId), names, der(0x82, bytes));
  return new x509.Extension(AUTHORITY_KEY_ID, false, value);
}

const crlUrl = (role: AuthorityRole, product: Product) =>
  `https://kdsintf.amd.com/${role === "ASVK" ? "vlek" : "vcek"}/v1/${product}/crl`;

export async function importSigner(privateKey: Uint8Array): Promise<CryptoKey> {
  return crypto.subtle.importKey("pkcs8", view(privateKey), PSS, true, ["sign"]);
}

/** The public half of an RSA private key. */
export async function publicHalf(key: CryptoKey): Promise<CryptoKey> {
  const { kty, n, e } = (await crypto.subtle.exportKey("jwk", key)) as JsonWebKey;
  return crypto.subtle.importKey("jwk", { kty, n, e } as JsonWebKey, PSS, true, ["verify"]);
}

export interface AuthorityRequest extends Validity {
  readonly role: AuthorityRole;
  readonly product: Product;
  readonly key: CryptoKey;
  readonly signer: CryptoKey;
}

/** An ARK, ASK or ASVK certificate over `key`, signed by `signer`. */
export async function certifyAuthority(request: AuthorityRequest): Promise<Uint8Array> {
  const { role, product, signer } = request;
  const publicKey = await publicHalf(request.key);
  const ark = new x509.PublicKey(await spkiOf(await publicHalf(signer)));
  const usage = x509.KeyUsageFlags.keyCertSign;
  const certificate = await x509.X509CertificateGenerator.create(
    {
      serialNumber: serialOf(role, product),
      subject: authorityName(role, product),
      issuer: authorityName("ARK", product),
      notBefore: new Date(request.notBefore),
      notAfter: new Date(request.notAfter),
      publicKey,
      signingKey: signer,
      signingAlgorithm: PSS,
      extensions: [
        await x509.SubjectKeyIdentifierExtension.create(publicKey, false, crypto),
        await mark(ark, authorityName("ARK", product), serialOf("ARK", product)),
        new x509.BasicConstraintsExtension(true, role === "ARK" ? undefined : 0, true),
        new x509.KeyUsagesExtension(
          role === "ARK" ? usage | x509.KeyUsageFlags.cRLSign : usage,
          true,
        ),
        new x509.CRLDistributionPointsExtension([crlUrl(role, product)]),
      ],
    },
    crypto,
  );
  return new Uint8Array(certificate.rawData);
}

const spkiOf = async (key: CryptoKey): Promise<ArrayBuffer> =>
  (await crypto.subtle.exportKey("spki", key)) as ArrayBuffer;

/** One of AMD's extensions: the arcs under 1.3.6.1.4.1.3704.1, and its value. */
export type AmdExtension = readonly [string, Uint8Array];

export interface EndorsementRequest extends Validity {
  readonly kind: "VCEK" | "VLEK";
  readonly product: Product;
  /** "Milan-B0"; by default what AMD writes for the product. */
  readonly productName?: string;
  readonly tcb: Tcb;
  /** CHIP_ID for a VCEK. */
  readonly chipId: Uint8Array;
  /** For a VLEK. */
  readonly cspId: string;
  /** X and Y of the P-384 key, 96 bytes. */
  readonly point: Uint8Array;
  /** ASK for a VCEK, ASVK for a VLEK. */
  readonly signer: Authority;
  /** Changes AMD's extensions before they are signed: for evidence that must be refused. */
  readonly alter?: (extensions: AmdExtension[]) => AmdExtension[];
}

const productNames: Record<Product, string> = {
  Milan: "Milan-B0",
  Genoa: "Genoa-B1",
  Turin: "Turin",
};

/** AMD's extensions in the order AMD writes them, which differs by product. */
export function amdExtensions(
  request: Pick<
    EndorsementRequest,
    "kind" | "product" | "productName" | "tcb" | "chipId" | "cspId"
  >,
): AmdExtension[] {
  const { kind, product, tcb } = request;
  const name = request.productName ?? (kind === "VLEK" ? product : productNames[product]);
  const level = (arc: string, value: number): AmdExtension => [arc, integer(value)];
  const spare = (arc: string) => level(arc, 0);
  const head: AmdExtension[] = [level("1", product === "Turin" ? 1 : 0), ["2", ia5(name)]];
  const low = [level("3.1", tcb.bootloader), level("3.2", tcb.tee)];
  const middle =
    product === "Turin"
      ? [
          level("3.9", tcb.fmc ?? 0),
          ...low,
          level("3.3", tcb.snp),
          ...["3.5", "3.6", "3.7"].map(spare),
        ]
      : [...low, ...["3.4", "3.5", "3.6", "3.7"].map(spare), level("3.3", tcb.snp)];
  const last: AmdExtension =
    kind === "VCEK"
      ? ["4", request.chipId.slice(0, chipIdBytes(product))]
      : ["5", ia5(request.cspId)];
  return [...head, ...middle, level("3.8", tcb.microcode), last];
}

/** A VCEK or VLEK certificate. */
export async function certifyEndorsement(request: EndorsementRequest): Promise<Uint8Array> {
  const { kind, product, signer } = request;
  const role = kind === "VLEK" ? "ASVK" : "ASK";
  const spki = concat(P384_HEAD, request.point);
  const extensions = amdExtensions(request);
  const altered = request.alter === undefined ? extensions : request.alter(extensions);
  const issuer = new x509.X509Certificate(view(signer.certificate));
  const certificate = await x509.X509CertificateGenerator.create(
    {
      serialNumber: "00",
      subject: distinguishedName(`SEV-${kind}`),
      issuer: authorityName(role, product),
      notBefore: new Date(request.notBefore),
      notAfter: new Date(request.notAfter),
      publicKey: new x509.PublicKey(spki),
      signingKey: await importSigner(signer.privateKey),
      signingAlgorithm: PSS,
      extensions: [
        ...altered.map(
          ([arcs, value]) => new x509.Extension(`1.3.6.1.4.1.3704.1.${arcs}`, false, view(value)),
        ),
        await mark(issuer.publicKey, authorityName("ARK", product), serialOf(role, product)),
      ],
    },
    crypto,
  );
  return new Uint8Array(certificate.rawData);
}

// SubjectPublicKeyInfo of an uncompressed P-384 point, up to its X. RFC 5480, 2.
const P384_HEAD = Uint8Array.of(
  ...[0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01],
  ...[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00, 0x04],
);

export interface CrlRequest {
  readonly product: Product;
  readonly signer: Authority;
  readonly thisUpdate: number;
  readonly nextUpdate: number;
  /** Serial numbers, as `serialOf` gives them. */
  readonly revoked: readonly string[];
}

/** The ARK's revocation list in DER. */
export async function certifyCrl(request: CrlRequest): Promise<Uint8Array> {
  const { product, signer } = request;
  const ark = new x509.X509Certificate(view(signer.certificate));
  const crl = await x509.X509CrlGenerator.create(
    {
      issuer: authorityName("ARK", product),
      thisUpdate: new Date(request.thisUpdate),
      nextUpdate: new Date(request.nextUpdate),
      signingAlgorithm: PSS,
      signingKey: await importSigner(signer.privateKey),
      entries: request.revoked.map((serialNumber) => ({
        serialNumber,
        revocationDate: new Date(request.thisUpdate),
        reason: x509.X509CrlReason.keyCompromise,
      })),
      extensions: [
        await mark(ark.publicKey, authorityName("ARK", product), serialOf("ARK", product)),
        new x509.Extension("2.5.29.20", false, view(integer(1))), // cRLNumber
      ],
    },
    crypto,
  );
  return new Uint8Array(crl.rawData);
}
