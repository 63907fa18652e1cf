// What the attestation verbs share: files, certificate folders, hexadecimal, the emulated notice.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { unhex } from "../attest/bytes.ts";
import { isPem, parseCertificates, pemBlocks } from "../attest/certificate.ts";
import { type Check, Refusal, type Result } from "../attest/code.ts";
import type { Evidence } from "../attest/evidence.ts";
import { pem } from "../attest/pem.ts";
import type { Dialect } from "../attest/policy.ts";
import { type Product, productOfName } from "../attest/product.ts";
import { parseReport, type Report } from "../attest/report.ts";
import { splitExtended } from "../attest/table.ts";
import { BadInput, Misuse } from "../error.ts";

export function readBytes(path: string): Uint8Array {
  try {
    return new Uint8Array(readFileSync(path === "-" ? 0 : path));
  } catch (error) {
    throw new BadInput(`${path}: ${(error as Error).message}`);
  }
}

export function writeBytes(path: string, bytes: Uint8Array | string): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, bytes);
  } catch (error) {
    throw new Misuse(`${path}: ${(error as Error).message}`);
  }
}

/** Runs what may refuse; a refusal becomes bad input that names the file. */
export function reading<T>(path: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw new BadInput(`${path}: ${error.message}`);
  }
}

/** The report at the front of a file; a certificate table may follow it. */
export const readReport = (path: string): Report =>
  reading(path, () => parseReport(splitExtended(readBytes(path)).report));

export function dialectOf(text: string): Dialect {
  if (text === "abi" || text === "field-guide") return text;
  throw new Misuse(`--dialect: "${text}", expected abi or field-guide`);
}

export type Encoding = "pem" | "der";

export function encodingOf(text: string): Encoding {
  const encoding = text.toLowerCase();
  if (encoding !== "pem" && encoding !== "der") {
    throw new Misuse(`encoding "${text}", expected pem or der`);
  }
  return encoding;
}

export function productNamed(text: string): Product {
  const product = productOfName(text);
  if (product === undefined) {
    throw new Misuse(`product "${text}", expected Milan, Genoa, Bergamo, Siena or Turin`);
  }
  return product;
}

export function hexOption(name: string, text: string, bytes: number): Uint8Array {
  const value = unhex(text.replace(/^0x/, ""));
  if (value === undefined) throw new Misuse(`${name}: "${text}" is not hexadecimal`);
  if (value.length !== bytes) {
    throw new Misuse(`${name}: ${value.length} bytes, expected ${bytes}`);
  }
  return value;
}

/** Writes one certificate as snpguest names it: `ark.pem`, `vcek.der`. */
export function writeCertificate(dir: string, name: string, der: Uint8Array, as: Encoding): void {
  const label = name === "crl" ? "X509 CRL" : "CERTIFICATE";
  writeBytes(join(dir, `${name}.${as}`), as === "pem" ? pem(label, der) : der);
}

function fileIn(dir: string, name: string): Uint8Array | undefined {
  for (const encoding of ["pem", "der"]) {
    const path = join(dir, `${name}.${encoding}`);
    if (existsSync(path)) return readBytes(path);
  }
  return undefined;
}

/** ark, ask or asvk, vcek or vlek, and crl if it is there, from a folder as snpguest lays it out. */
export function readFolder(dir: string): Omit<Evidence, "report"> & { kind: "vcek" | "vlek" } {
  const kind = fileIn(dir, "vlek") === undefined ? "vcek" : "vlek";
  const parts = {
    vek: fileIn(dir, kind),
    ask: fileIn(dir, kind === "vlek" ? "asvk" : "ask"),
    ark: fileIn(dir, "ark"),
    crl: fileIn(dir, "crl"),
  };
  const present = Object.entries(parts).filter(([, bytes]) => bytes !== undefined);
  return { kind, ...(Object.fromEntries(present) as Omit<Evidence, "report">) };
}

/** DER blocks of a file: certificates of a PEM bundle one by one, a DER file as it is. */
export function blocksOf(bytes: Uint8Array): Uint8Array[] {
  if (isPem(bytes)) return pemBlocks(new TextDecoder().decode(bytes), ["CERTIFICATE"]);
  return parseCertificates(bytes).map(({ der }) => der);
}

const signs = { passed: "ok", failed: "FAILED", skipped: "-" } as const;

/** One line a check; the verdict is the caller's to print. */
export function checkLines(checks: readonly Check[]): string {
  return checks
    .map(({ name, verdict, code, says }) => {
      const head = `${signs[verdict].padEnd(6)} ${name.padEnd(20)} `;
      return `${head}${code === undefined ? "" : `[${code}] `}${says}\n`;
    })
    .join("");
}

export function resultJson(result: Result): string {
  const { accepted, code, says, checks } = result;
  return `${JSON.stringify({ accepted, code, says, checks }, null, 2)}\n`;
}

/** DESIGN.md, section 6: evidence cannot be mistaken for AMD's. */
export function sayEmulated(what: string): void {
  process.stderr.write(`cloister: ${what}: emulated, under Cloister's own keys, not AMD's\n`);
}

export function integerOption(name: string, text: string, most: number): number {
  const value = Number(text);
  if (!/^(0x[0-9a-fA-F]+|[0-9]+)$/.test(text) || value > most) {
    throw new Misuse(`${name}: "${text}", expected 0 to ${most}`);
  }
  return value;
}

export function wordOption(name: string, text: string): bigint {
  if (!/^(0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO][0-7]+|[0-9]+)$/.test(text) || BigInt(text) >> 64n) {
    throw new Misuse(`${name}: "${text}", expected a 64-bit number`);
  }
  return BigInt(text);
}
