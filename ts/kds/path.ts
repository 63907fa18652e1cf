// The key service's paths and queries, read and written. AMD 57230, 4: VCEK, cert_chain, CRL.
import { hex, unhex } from "../attest/bytes.ts";
import { chipIdBytes, type Product, productOfName } from "../attest/product.ts";
import type { Tcb } from "../attest/tcb.ts";

export type Kind = "vcek" | "vlek";

export const KDS = "https://kdsintf.amd.com";

/** What a request asks for. */
export type Question =
  | { readonly what: "cert_chain"; readonly kind: Kind; readonly product: Product }
  | { readonly what: "crl"; readonly kind: Kind; readonly product: Product }
  | {
      readonly what: "vcek";
      readonly product: Product;
      readonly hwid: Uint8Array;
      readonly tcb: Tcb;
    }
  | { readonly what: "vlek"; readonly product: Product; readonly tcb: Tcb };

/** Why a path or query is no question: the text, and 400 or 404. */
export class NoQuestion extends Error {
  override name = "NoQuestion";
  readonly status: 400 | 404;
  constructor(status: 400 | 404, message: string) {
    super(message);
    this.status = status;
  }
}

const names: [keyof Tcb, string][] = [
  ["bootloader", "blSPL"],
  ["tee", "teeSPL"],
  ["snp", "snpSPL"],
  ["microcode", "ucodeSPL"],
];

/** Components in the order of the query; Turin's fmcSPL comes first. */
const namesOf = (product: Product): [keyof Tcb, string][] =>
  product === "Turin" ? [["fmc", "fmcSPL"], ...names] : names;

function tcbOf(query: URLSearchParams, product: Product): Tcb {
  const known = namesOf(product);
  for (const name of query.keys()) {
    if (!known.some(([, one]) => one === name)) {
      throw new NoQuestion(
        400,
        `parameter ${name}, expected ${known.map(([, n]) => n).join(", ")}`,
      );
    }
  }
  const tcb: Record<string, number> = {};
  for (const [component, name] of known) {
    const values = query.getAll(name);
    // snpguest pads to two digits, go-sev-guest does not.
    const most = component === "microcode" ? 255 : 127;
    if (
      values.length !== 1 ||
      !/^[0-9]{1,3}$/.test(values[0] as string) ||
      Number(values[0]) > most
    ) {
      const seen = `${name} is "${values.join(", ")}"`;
      throw new NoQuestion(400, `${seen}, expected one number, 0 to ${most}`);
    }
    tcb[component] = Number(values[0]);
  }
  return tcb as unknown as Tcb;
}

/** Reads a URL as the key service does. */
export function parseQuestion(url: URL): Question {
  const match = /^\/(vcek|vlek)\/v1\/([A-Za-z]+)\/([0-9A-Za-z_]+)$/.exec(url.pathname);
  if (match === null) throw new NoQuestion(404, `no such path: ${url.pathname}`);
  const [, kind, name, last] = match as unknown as [string, Kind, string, string];
  const product = productOfName(name);
  if (product === undefined) throw new NoQuestion(404, `no such product: ${name}`);
  if (last === "cert_chain" || last === "crl") return { what: last, kind, product };
  if (kind === "vlek") {
    if (last !== "cert") throw new NoQuestion(404, `no such path: ${url.pathname}`);
    return { what: "vlek", product, tcb: tcbOf(url.searchParams, product) };
  }
  const hwid = unhex(last);
  const bytes = chipIdBytes(product);
  if (hwid === undefined || hwid.length !== bytes) {
    throw new NoQuestion(400, `hwid "${last}", expected ${2 * bytes} hexadecimal digits`);
  }
  return { what: "vcek", product, hwid, tcb: tcbOf(url.searchParams, product) };
}

export const certChainUrl = (base: string, kind: Kind, product: Product): string =>
  `${base}/${kind}/v1/${product}/cert_chain`;

export const crlUrl = (base: string, kind: Kind, product: Product): string =>
  `${base}/${kind}/v1/${product}/crl`;

/** Numbers are padded to two digits, as snpguest writes them. */
export function vcekUrl(base: string, product: Product, chipId: Uint8Array, tcb: Tcb): string {
  const query = namesOf(product)
    .map(([component, name]) => `${name}=${String(tcb[component] ?? 0).padStart(2, "0")}`)
    .join("&");
  return `${base}/vcek/v1/${product}/${hex(chipId.subarray(0, chipIdBytes(product)))}?${query}`;
}
