// AMD's extensions of a VCEK or VLEK certificate, 1.3.6.1.4.1.3704.1. AMD 57230, 3.

import type { Certificate, Extension } from "./certificate.ts";
import { Refusal } from "./code.ts";
import * as Der from "./der.ts";
import { chipIdBytes, type Product, productOfExtension } from "./product.ts";
import type { Tcb } from "./tcb.ts";

export interface Endorsement {
  readonly kind: "VCEK" | "VLEK";
  readonly structVersion: number;
  readonly productName: string;
  readonly product: Product;
  readonly tcb: Tcb;
  /** VCEK only: 64 bytes, 8 on Turin. */
  readonly hwid?: Uint8Array;
  /** VLEK only. */
  readonly cspId?: string;
}

const AMD = "1.3.6.1.4.1.3704.1.";
const STRUCT_VERSION = "1";
const PRODUCT_NAME = "2";
const HWID = "4";
const CSP_ID = "5";
/** Allowed beside AMD's: an ASK, being a CA, may add it. go-sev-guest allows it too. */
export const AUTHORITY_KEY_ID = "2.5.29.35";

const zen3Levels = { bootloader: "3.1", tee: "3.2", snp: "3.3", microcode: "3.8" } as const;
const zen3Spare = ["3.4", "3.5", "3.6", "3.7"];
const turinLevels = { fmc: "3.9", ...zen3Levels } as const;
const turinSpare = ["3.5", "3.6", "3.7"];

type Table = ReadonlyMap<string, Uint8Array>;

function tableOf(extensions: readonly Extension[]): Table {
  const table = new Map<string, Uint8Array>();
  for (const { oid, critical, value } of extensions) {
    if (oid === AUTHORITY_KEY_ID) continue;
    if (!oid.startsWith(AMD) || critical) throw new Refusal("EXTENSION_UNKNOWN", oid);
    const name = oid.slice(AMD.length);
    if (table.has(name)) throw new Refusal("EXTENSION_MALFORMED", `${oid} twice`);
    table.set(name, value);
  }
  return table;
}

function valueIn(table: Table, name: string): Uint8Array {
  const value = table.get(name);
  if (value === undefined) throw new Refusal("EXTENSION_MISSING", `${AMD}${name}`);
  return value;
}

/** Reads one DER value; what DER refuses is this extension's fault. */
function read<T>(table: Table, name: string, reader: (value: Der.Value) => T, tag: number): T {
  const bytes = valueIn(table, name);
  try {
    return reader(Der.single(bytes, tag, `${AMD}${name}`));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw new Refusal("EXTENSION_MALFORMED", error.message);
  }
}

function byteIn(table: Table, name: string, most = 255): number {
  const value = read(table, name, (v) => Der.smallIntegerOf(v, name), Der.INTEGER);
  if (value > most) {
    throw new Refusal("EXTENSION_MALFORMED", `${AMD}${name} is ${value}, expected 0 to ${most}`);
  }
  return value;
}

const textIn = (table: Table, name: string) => read(table, name, Der.textOf, Der.IA5_STRING);

function tcbIn(table: Table, product: Product): Tcb {
  const levels: Record<string, string> = product === "Turin" ? turinLevels : zen3Levels;
  const tcb: Record<string, number> = {};
  for (const [component, name] of Object.entries(levels)) {
    // AMD 57230: microcode may use its whole byte, every other component seven bits.
    tcb[component] = byteIn(table, name, component === "microcode" ? 255 : 127);
  }
  for (const name of product === "Turin" ? turinSpare : zen3Spare) byteIn(table, name, 0);
  return tcb as unknown as Tcb;
}

/** AMD writes the bytes bare; some tools expect an OCTET STRING, so both are read. */
function hwidIn(table: Table, product: Product): Uint8Array {
  const bytes = valueIn(table, HWID);
  const expected = chipIdBytes(product);
  if (bytes.length === expected) return bytes;
  const inner = read(table, HWID, (v) => v.content, Der.OCTET_STRING);
  if (inner.length !== expected) {
    const seen = `${AMD}${HWID} has ${inner.length} bytes`;
    throw new Refusal("EXTENSION_MALFORMED", `${seen}, expected ${expected} on ${product}`);
  }
  return inner;
}

function requireKnown(table: Table, product: Product, kind: string): void {
  const levels = Object.values(product === "Turin" ? turinLevels : zen3Levels);
  const spare = product === "Turin" ? turinSpare : zen3Spare;
  const last = kind === "VCEK" ? HWID : CSP_ID;
  const known = new Set<string>([STRUCT_VERSION, PRODUCT_NAME, ...levels, ...spare, last]);
  for (const name of table.keys()) {
    if (!known.has(name)) {
      throw new Refusal("EXTENSION_UNKNOWN", `${AMD}${name} in a ${product} ${kind}`);
    }
  }
}

/** What AMD certified of the chip (VCEK) or the provider (VLEK). */
export function endorsementOf(
  certificate: Pick<Certificate, "subject" | "extensions">,
): Endorsement {
  const table = tableOf(certificate.extensions);
  const kind = certificate.subject["CN"]?.[0] === "SEV-VLEK" ? "VLEK" : "VCEK";
  const productName = textIn(table, PRODUCT_NAME);
  const product = productOfExtension(productName);
  if (product === undefined) {
    throw new Refusal("EXTENSION_MALFORMED", `productName1 "${productName}"`);
  }
  requireKnown(table, product, kind);
  const common = {
    kind,
    structVersion: byteIn(table, STRUCT_VERSION),
    productName,
    product,
    tcb: tcbIn(table, product),
  } as const;
  return kind === "VCEK"
    ? { ...common, hwid: hwidIn(table, product) }
    : { ...common, cspId: textIn(table, CSP_ID) };
}
