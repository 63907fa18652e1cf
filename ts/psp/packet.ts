// Packets: a piece of a guest under transport keys, with a header. LAUNCH_SECRET, SEND_UPDATE_* and RECEIVE_UPDATE_*.
// SEV API (AMD 55766), 6; the order under the MAC: AMD sev-tool.
import { ctr } from "@noble/ciphers/aes.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { concatBytes } from "@noble/hashes/utils.js";
import * as Header from "../abi/psp/packet-header.ts";
import * as Transport from "../abi/psp/transport.ts";
import * as Status from "../abi/status.ts";
import { viewOf } from "../layout.ts";
import type { Psp } from "./firmware.ts";
import { mayWrite, readHost, writeHost } from "./memory.ts";
import type { TransportKeys } from "./sev-guest.ts";

/** The first byte under a packet's MAC: what kind it is. */
export const SECRET = 0x01;
export const DATA = 0x02;
export const VMSA = 0x03;

/** What a packet can carry: 16 KiB. */
export const MOST_PACKET = 0x4000;

/** The fields of a transport buffer. */
export interface Fields {
  header: bigint;
  headerLength: number;
  guest: bigint;
  guestLength: number;
  packet: bigint;
  packetLength: number;
}

export function fieldsOf(buffer: DataView): Fields {
  return {
    header: buffer.getBigUint64(Transport.HEADER_PADDR, true),
    headerLength: buffer.getUint32(Transport.HEADER_LENGTH, true),
    guest: buffer.getBigUint64(Transport.GUEST_PADDR, true),
    guestLength: buffer.getUint32(Transport.GUEST_LENGTH, true),
    packet: buffer.getBigUint64(Transport.TRANS_PADDR, true),
    packetLength: buffer.getUint32(Transport.TRANS_LENGTH, true),
  };
}

const lengths = ({ guestLength, packetLength }: Fields) => {
  const bytes = new Uint8Array(8);
  viewOf(bytes).setUint32(0, guestLength, true);
  viewOf(bytes).setUint32(4, packetLength, true);
  return bytes;
};

interface Packet {
  kind: number;
  keys: TransportKeys;
  fields: Fields;
  /** What the packet belongs to beside its keys: a secret to the measurement. */
  bound?: Uint8Array | undefined;
}

function macOf({ kind, keys, fields, bound }: Packet, header: Uint8Array, data: Uint8Array) {
  const head = header.subarray(Header.FLAGS, Header.MAC);
  const tail = bound ?? new Uint8Array(0);
  return hmac(
    sha256,
    keys.tik,
    concatBytes(Uint8Array.of(kind), head, lengths(fields), data, tail),
  );
}

/** What the packet that a command points to carries, or why it is refused. */
export function openPacket(psp: Psp, packet: Packet): Uint8Array | number {
  const { fields, keys } = packet;
  if (fields.headerLength !== Header.SIZE || fields.packetLength !== fields.guestLength)
    return Status.INVALID_LENGTH;
  if (fields.packetLength > MOST_PACKET) return Status.INVALID_LENGTH;
  const header = readHost(psp, fields.header, Header.SIZE);
  const data = readHost(psp, fields.packet, fields.packetLength);
  if (!header || !data) return Status.INVALID_ADDRESS;
  // No firmware compresses: a packet that says so is not understood.
  if (viewOf(header).getUint32(Header.FLAGS, true) !== 0) return Status.INVALID_PARAM;
  const mac = header.subarray(Header.MAC, Header.SIZE);
  if (macOf(packet, header, data).some((byte, i) => byte !== mac[i])) return Status.BAD_MEASUREMENT;
  return ctr(keys.tek, header.slice(Header.IV, Header.MAC)).decrypt(data);
}

/** Why a command cannot write its packet, or SUCCESS. */
export function mayWritePacket(psp: Psp, fields: Fields): number {
  if (fields.headerLength < Header.SIZE || fields.packetLength < fields.guestLength)
    return Status.INVALID_LENGTH;
  if (fields.guestLength > MOST_PACKET) return Status.INVALID_LENGTH;
  const status = mayWrite(psp, fields.header, Header.SIZE);
  return status === Status.SUCCESS ? mayWrite(psp, fields.packet, fields.guestLength) : status;
}

/** Writes a packet with these contents where mayWritePacket allowed it. */
export function writePacket(psp: Psp, packet: Packet, contents: Uint8Array): void {
  const { fields, keys } = packet;
  const header = new Uint8Array(Header.SIZE);
  const iv = psp.chance.bytes(16);
  header.set(iv, Header.IV);
  const data = ctr(keys.tek, iv).encrypt(contents);
  const sized = { ...packet, fields: { ...fields, packetLength: data.length } };
  header.set(macOf(sized, header, data), Header.MAC);
  writeHost(psp, fields.header, header);
  writeHost(psp, fields.packet, data);
}
