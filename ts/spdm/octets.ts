// Octet strings as the wire has them: little-endian fields, joined parts, comparison without an early exit.

export const view = (octets: Uint8Array): DataView =>
  new DataView(octets.buffer, octets.byteOffset, octets.byteLength);

export const u16 = (octets: Uint8Array, at: number): number => view(octets).getUint16(at, true);
export const u32 = (octets: Uint8Array, at: number): number => view(octets).getUint32(at, true);
export const u64 = (octets: Uint8Array, at: number): bigint => view(octets).getBigUint64(at, true);

export const putU16 = (octets: Uint8Array, at: number, value: number): void =>
  view(octets).setUint16(at, value, true);
export const putU32 = (octets: Uint8Array, at: number, value: number): void =>
  view(octets).setUint32(at, value, true);
export const putU64 = (octets: Uint8Array, at: number, value: bigint): void =>
  view(octets).setBigUint64(at, value, true);

/** A little-endian u16 on its own. */
export function le16(value: number): Uint8Array {
  return Uint8Array.of(value & 0xff, (value >>> 8) & 0xff);
}

/** A little-endian u32 on its own. */
export function le32(value: number): Uint8Array {
  return Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24);
}

export function join(...parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((bytes, part) => bytes + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** True when both are equal; the time taken does not tell where they differ. */
export function equal(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let different = 0;
  for (let i = 0; i < a.length; i++) different |= a[i]! ^ b[i]!;
  return different === 0;
}

export const hex = (octets: Uint8Array): string =>
  Array.from(octets, (octet) => octet.toString(16).padStart(2, "0")).join("");

export const hexWord = (value: number, digits = 2): string =>
  `0x${value.toString(16).padStart(digits, "0")}`;

export const bit = (value: number, position: number): boolean => ((value >>> position) & 1) === 1;

export const field = (value: number, lsb: number, width: number): number =>
  Math.floor(value / 2 ** lsb) % 2 ** width;
