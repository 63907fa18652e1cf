// Just enough DER to write and read an X.509 certificate. X.690.
import { BadInput } from "../error.ts";
import { join } from "./octets.ts";

export const SEQUENCE = 0x30;
export const SET = 0x31;
export const BOOLEAN = 0x01;
export const INTEGER = 0x02;
export const BIT_STRING = 0x03;
export const OCTET_STRING = 0x04;
export const OBJECT_IDENTIFIER = 0x06;
export const UTF8_STRING = 0x0c;
export const UTC_TIME = 0x17;
export const GENERALIZED_TIME = 0x18;
export const CONTEXT_0 = 0xa0;
export const CONTEXT_3 = 0xa3;

export interface Tlv {
  tag: number;
  content: Uint8Array;
  /** Tag, length and content. */
  whole: Uint8Array;
}

export function tlv(tag: number, ...parts: Uint8Array[]): Uint8Array {
  const content = join(...parts);
  const n = content.length;
  const length = n < 0x80 ? [n] : n < 0x100 ? [0x81, n] : [0x82, n >> 8, n & 0xff];
  return join(Uint8Array.of(tag, ...length), content);
}

export function oid(dotted: string): Uint8Array {
  const [first, second, ...rest] = dotted.split(".").map(BigInt);
  const octets: number[] = [];
  for (const arc of [first! * 40n + second!, ...rest]) {
    const digits = [Number(arc & 0x7fn)];
    for (let left = arc >> 7n; left > 0n; left >>= 7n) digits.unshift(Number(left & 0x7fn) | 0x80);
    octets.push(...digits);
  }
  return tlv(OBJECT_IDENTIFIER, Uint8Array.from(octets));
}

/** A positive integer from big-endian octets. */
export function integer(octets: Uint8Array): Uint8Array {
  let start = 0;
  while (start < octets.length - 1 && octets[start] === 0) start++;
  const digits = octets.subarray(start);
  return tlv(INTEGER, digits[0]! & 0x80 ? join(Uint8Array.of(0), digits) : digits);
}

export const utf8 = (text: string): Uint8Array => tlv(UTF8_STRING, new TextEncoder().encode(text));

export const bitString = (octets: Uint8Array): Uint8Array =>
  tlv(BIT_STRING, Uint8Array.of(0), octets);

/** The element that begins `octets`. */
export function read(octets: Uint8Array, what: string): Tlv {
  const short = () => new BadInput(`${what}: DER ends after ${octets.length} bytes`);
  if (octets.length < 2) throw short();
  let length = octets[1]!;
  let start = 2;
  if (length & 0x80) {
    const digits = length & 0x7f;
    if (digits === 0 || digits > 3) {
      throw new BadInput(`${what}: DER length of ${digits} bytes, expected 1 to 3`);
    }
    if (octets.length < 2 + digits) throw short();
    length = 0;
    for (let i = 0; i < digits; i++) length = length * 256 + octets[start++]!;
  }
  const end = start + length;
  if (end > octets.length) throw short();
  return { tag: octets[0]!, content: octets.subarray(start, end), whole: octets.subarray(0, end) };
}

/** The element that begins `octets`, which must have this tag. */
export function expectTag(octets: Uint8Array, tag: number, what: string): Tlv {
  const element = read(octets, what);
  if (element.tag !== tag) {
    throw new BadInput(
      `${what}: DER tag ${element.tag.toString(16)}, expected ${tag.toString(16)}`,
    );
  }
  return element;
}

/** The elements that fill `octets` one after another. */
export function elements(octets: Uint8Array, what: string): Tlv[] {
  const found: Tlv[] = [];
  let at = 0;
  while (at < octets.length) {
    const next = read(octets.subarray(at), what);
    found.push(next);
    at += next.whole.length;
  }
  return found;
}
