// IGVM files made for tests, from igvm_defs' structures.
import { concat } from "../../ts/attest/bytes.ts";
import { crc32 } from "../../ts/launch/image/crc32.ts";
import { words } from "./image.ts";

export const SNP = 1;
export const TDX = 2;
export const structure = (type: number, body: Uint8Array) =>
  concat(words(type, body.length), body, new Uint8Array((8 - (body.length % 8)) % 8));
export const platform = (mask: number, type: number) =>
  structure(1, concat(words(mask), Uint8Array.of(0, type, 1, 0), words(0, 0)));
export const policy = (mask: number, word: number) => structure(0x101, words(word, 0, mask, 0));
export const page = (gpa: number, offset: number, flags = 0, type = 0, mask = SNP) =>
  structure(0x302, words(gpa, 0, mask, offset, flags, type));
export const area = (bytes: number, index: number) => structure(0x301, words(bytes, 0, index, 0));
export const insert = (gpa: number, index: number) => structure(0x303, words(gpa, 0, SNP, index));
export const vmsa = (offset: number) => structure(0x304, words(0xfffff000, 0xffff, SNP, offset, 0));

export const A = new Uint8Array(4096).fill(0xaa);
export const B = new Uint8Array(4096).fill(0xbb);

/** A file with pages A and B as data; `body` gets their offsets. */
export function fileOf(
  body: (a: number, b: number) => Uint8Array[],
  header: Record<number, number> = {},
) {
  const length = concat(...body(0, 0)).length;
  const dataAt = 24 + length;
  const bytes = concat(
    words(0x4d564749, 1, 24, length, dataAt + 8192, 0),
    ...body(dataAt, dataAt + 4096),
    A,
    B,
  );
  const view = new DataView(bytes.buffer);
  view.setUint32(20, crc32(bytes.subarray(0, dataAt)), true);
  for (const [at, value] of Object.entries(header)) view.setUint32(Number(at), value, true);
  return bytes;
}

export const good = (a: number, b: number) => [
  platform(SNP, 2),
  platform(TDX, 3),
  policy(SNP, 0x30000),
  policy(TDX, 0x99),
  area(0x2000, 7),
  structure(0x307, words(7, 0)),
  page(0x1000, a),
  page(0x2000, 0),
  page(0x3000, b, 0b010),
  page(0x4000, a, 0b100),
  page(0x5000, 0, 0, 1),
  page(0x6000, b, 0, 2),
  page(0x7000, b, 0, 0, TDX),
  insert(0x8000, 7),
  structure(0x80000999, words(1)),
  vmsa(b),
];

/** A file for SNP with every kind of page. */
export const igvmFile = (): Uint8Array => fileOf(good);
