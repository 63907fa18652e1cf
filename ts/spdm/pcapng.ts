// Data objects as a pcapng file: one packet each, its message in words as the packet's comment. IETF draft-ietf-opsawg-pcapng.
import { join, le16, le32, putU32 } from "./octets.ts";

const SECTION_HEADER = 0x0a0d0d0a;
const INTERFACE_DESCRIPTION = 1;
const ENHANCED_PACKET = 6;
const BYTE_ORDER = 0x1a2b3c4d;
// No link type is assigned to bare DOE objects; 147 is the first of those for private use (DLT_USER0).
export const LINKTYPE_USER0 = 147;
const OPTION_END = 0;
const OPTION_COMMENT = 1;
const OPTION_NAME = 2;
const OPTION_FLAGS = 2;
const INBOUND = 1;
const OUTBOUND = 2;
const TOTAL_OVERHEAD = 12;

const text = new TextEncoder();
const padded = (octets: Uint8Array): Uint8Array => join(octets, new Uint8Array(-octets.length & 3));

function block(type: number, ...parts: Uint8Array[]): Uint8Array {
  const body = padded(join(...parts));
  const total = le32(body.length + TOTAL_OVERHEAD);
  return join(le32(type), total, body, total);
}

const option = (code: number, value: Uint8Array): Uint8Array =>
  join(le16(code), le16(value.length), padded(value));

/** The blocks a file begins with. */
export function pcapngHeader(interfaceName: string): Uint8Array {
  const unknownLength = new Uint8Array(8).fill(0xff);
  const section = block(SECTION_HEADER, le32(BYTE_ORDER), le16(1), le16(0), unknownLength);
  const name = option(OPTION_NAME, text.encode(interfaceName));
  const described = block(
    INTERFACE_DESCRIPTION,
    le16(LINKTYPE_USER0),
    le16(0),
    le32(0),
    name,
    option(OPTION_END, new Uint8Array(0)),
  );
  return join(section, described);
}

export interface Packet {
  /** Milliseconds since 1970. */
  time: number;
  direction: "request" | "response";
  object: Uint8Array;
  comment: string;
}

export function pcapngPacket({ time, direction, object, comment }: Packet): Uint8Array {
  const microseconds = BigInt(Math.round(time * 1000));
  const head = new Uint8Array(20);
  putU32(head, 4, Number(microseconds >> 32n));
  putU32(head, 8, Number(microseconds & 0xffffffffn));
  putU32(head, 12, object.length);
  putU32(head, 16, object.length);
  return block(
    ENHANCED_PACKET,
    head,
    padded(object),
    option(OPTION_COMMENT, text.encode(comment)),
    option(OPTION_FLAGS, le32(direction === "request" ? OUTBOUND : INBOUND)),
    option(OPTION_END, new Uint8Array(0)),
  );
}
