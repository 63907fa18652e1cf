// GUIDs as UEFI stores them: three numbers little-endian, eight bytes as they are. UEFI specification, appendix A.
import { hex, unhex } from "../../attest/bytes.ts";

const ORDER = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];

/** The text form of 16 bytes, in small letters. */
export function guidOf(bytes: Uint8Array): string {
  const digits = hex(Uint8Array.from(ORDER, (at) => bytes[at] as number));
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** The 16 bytes of a GUID's text. */
export function guidBytes(text: string): Uint8Array {
  const plain = unhex(text.replaceAll("-", "")) as Uint8Array;
  return Uint8Array.from(ORDER, (at) => plain[at] as number);
}
