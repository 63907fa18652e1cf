// DER, read strictly: one encoding for each value, nothing left over. ITU-T X.690, 8 to 11.
import { Refusal } from "./code.ts";

export const INTEGER = 0x02;
export const BIT_STRING = 0x03;
export const OCTET_STRING = 0x04;
export const OID = 0x06;
export const IA5_STRING = 0x16;
export const UTC_TIME = 0x17;
export const GENERALIZED_TIME = 0x18;
export const SEQUENCE = 0x30;
export const SET = 0x31;

/** A value: its tag, its content, and the whole with tag and length. */
export interface Value {
  readonly tag: number;
  readonly content: Uint8Array;
  readonly whole: Uint8Array;
}

const wrong = (what: string) => new Refusal("CERTIFICATE_MALFORMED", what);

function lengthAt(bytes: Uint8Array, at: number): { length: number; start: number } {
  const first = bytes[at];
  if (first === undefined) throw wrong(`no length at byte ${at}`);
  if (first < 0x80) return { length: first, start: at + 1 };
  const octets = first & 0x7f;
  // Zero is BER's indefinite form; four octets would be a certificate of 16 MiB.
  if (octets === 0 || octets > 3) throw wrong(`length octet 0x${first.toString(16)} at byte ${at}`);
  let length = 0;
  for (let i = 1; i <= octets; i++) length = length * 256 + (bytes[at + i] ?? Number.NaN);
  const shortest = length < 0x80 || (octets > 1 && length < 256 ** (octets - 1));
  if (Number.isNaN(length) || shortest) throw wrong(`length at byte ${at} is not in DER`);
  return { length, start: at + 1 + octets };
}

function valueAt(bytes: Uint8Array, at: number): Value {
  const tag = bytes[at] as number;
  if ((tag & 0x1f) === 0x1f) throw wrong(`tag 0x${tag.toString(16)} at byte ${at}`);
  const { length, start } = lengthAt(bytes, at + 1);
  const end = start + length;
  if (end > bytes.length) throw wrong(`${length} bytes at byte ${start}, ${bytes.length} in all`);
  return { tag, content: bytes.subarray(start, end), whole: bytes.subarray(at, end) };
}

/** Every value in a content, in order. */
export function valuesOf(content: Uint8Array): Value[] {
  const values: Value[] = [];
  for (let at = 0; at < content.length; ) {
    const value = valueAt(content, at);
    values.push(value);
    at += value.whole.length;
  }
  return values;
}

/** The one value that these bytes are. */
export function single(bytes: Uint8Array, tag: number, what: string): Value {
  const [value, ...rest] = valuesOf(bytes);
  if (value === undefined || rest.length > 0) throw wrong(`${what}: expected one value`);
  return requireTag(value, tag, what);
}

export function requireTag(value: Value | undefined, tag: number, what: string): Value {
  if (value?.tag !== tag) {
    const seen = value === undefined ? "nothing" : `tag 0x${value.tag.toString(16)}`;
    throw wrong(`${what}: ${seen}, expected tag 0x${tag.toString(16)}`);
  }
  return value;
}

/** A non-negative INTEGER in its shortest form. */
export function integerOf(value: Value, what: string): Uint8Array {
  const { content } = requireTag(value, INTEGER, what);
  const [first, second] = content as unknown as [number | undefined, number | undefined];
  if (first === undefined || first >= 0x80)
    throw wrong(`${what}: expected an integer of 0 or more`);
  if (first === 0 && second !== undefined && second < 0x80) {
    throw wrong(`${what}: integer with a needless zero`);
  }
  return first === 0 && content.length > 1 ? content.subarray(1) : content;
}

export function smallIntegerOf(value: Value, what: string): number {
  const bytes = integerOf(value, what);
  if (bytes.length > 4) throw wrong(`${what}: integer of ${bytes.length} bytes`);
  return bytes.reduce((sum, byte) => sum * 256 + byte, 0);
}

export function oidOf(value: Value, what: string): string {
  const { content } = requireTag(value, OID, what);
  const arcs: number[] = [];
  let arc = 0;
  content.forEach((byte, i) => {
    if (arc === 0 && byte === 0x80) throw wrong(`${what}: object identifier is not in DER`);
    arc = arc * 128 + (byte & 0x7f);
    if (arc > Number.MAX_SAFE_INTEGER / 128) throw wrong(`${what}: arc of an object identifier`);
    if (byte >= 0x80) {
      if (i === content.length - 1) throw wrong(`${what}: object identifier ends early`);
      return;
    }
    arcs.push(arc);
    arc = 0;
  });
  const [head, ...tail] = arcs;
  if (head === undefined) throw wrong(`${what}: empty object identifier`);
  const first = Math.min(2, Math.floor(head / 40));
  return [first, head - 40 * first, ...tail].join(".");
}

/** Whole octets of a BIT STRING. */
export function bitsOf(value: Value, what: string): Uint8Array {
  const { content } = requireTag(value, BIT_STRING, what);
  if (content[0] !== 0) throw wrong(`${what}: ${content[0]} unused bits, expected 0`);
  return content.subarray(1);
}

const times: Record<number, RegExp> = {
  [UTC_TIME]: /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/,
  [GENERALIZED_TIME]: /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/,
};

/** Milliseconds since 1970 of a UTCTime or GeneralizedTime. RFC 5280, 4.1.2.5. */
export function timeOf(value: Value | undefined, what: string): number {
  const text = value === undefined ? "" : String.fromCharCode(...value.content.subarray(0, 32));
  const parts = times[value?.tag ?? 0]?.exec(text)?.slice(1).map(Number);
  if (parts === undefined) throw wrong(`${what}: "${text}" is no time`);
  const [year, month, day, hour, minute, second] = parts as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const century = value?.tag === UTC_TIME ? (year < 50 ? 2000 : 1900) : 0;
  const time = Date.UTC(century + year, month - 1, day, hour, minute, second);
  const back = new Date(time);
  if (
    back.getUTCFullYear() !== century + year ||
    back.getUTCMonth() !== month - 1 ||
    back.getUTCDate() !== day ||
    hour > 23 ||
    minute > 59
  ) {
    throw wrong(`${what}: "${text}" is no time`);
  }
  return time;
}

/** Latin letters of a string type, one for one. */
export const textOf = (value: Value): string => {
  let text = "";
  for (const byte of value.content) text += String.fromCharCode(byte);
  return text;
};
