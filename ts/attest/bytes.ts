// Bytes and hexadecimal, for runtimes that have no Buffer.
export function hex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0");
  return text;
}

/** Undefined when the text is not whole bytes of hexadecimal. */
export function unhex(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) return undefined;
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++)
    bytes[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

export function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

export const isZero = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0);

export function concat(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export const reversed = (bytes: Uint8Array): Uint8Array => Uint8Array.from(bytes).reverse();

export function bigintOf(bigEndian: Uint8Array): bigint {
  return bigEndian.length === 0 ? 0n : BigInt(`0x${hex(bigEndian)}`);
}

/** base64 with line breaks allowed; undefined when it is not base64. */
export function unbase64(text: string): Uint8Array | undefined {
  const packed = text.replace(/[\r\n\t ]/g, "");
  if (packed.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(packed)) return undefined;
  return Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
}

export function base64(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}
