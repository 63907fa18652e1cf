// Reads the enhanced packets of a pcapng file, by the draft and not by Cloister's writer.
export interface RecordedPacket {
  time: number;
  outbound: boolean;
  object: Uint8Array;
  comment: string;
}

export function packetsOf(file: Uint8Array): { linkType: number; packets: RecordedPacket[] } {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const packets: RecordedPacket[] = [];
  let linkType = -1;
  let at = 0;
  while (at < file.length) {
    const type = view.getUint32(at, true);
    const total = view.getUint32(at + 4, true);
    if (total % 4 !== 0 || view.getUint32(at + total - 4, true) !== total) {
      throw new Error(`block at ${at}: total length ${total} is not repeated at its end`);
    }
    if (at === 0 && view.getUint32(8, true) !== 0x1a2b3c4d) throw new Error("no byte-order magic");
    if (type === 1) linkType = view.getUint16(at + 8, true);
    if (type === 6) packets.push(packet(view, file, at, at + total - 4));
    at += total;
  }
  return { linkType, packets };
}

function packet(view: DataView, file: Uint8Array, start: number, end: number): RecordedPacket {
  const captured = view.getUint32(start + 20, true);
  const high = BigInt(view.getUint32(start + 12, true));
  const low = BigInt(view.getUint32(start + 16, true));
  const object = file.slice(start + 28, start + 28 + captured);
  let at = start + 28 + captured + (-captured & 3);
  let comment = "";
  let outbound = false;
  while (at < end) {
    const code = view.getUint16(at, true);
    const length = view.getUint16(at + 2, true);
    if (code === 0) break;
    if (code === 1) comment = new TextDecoder().decode(file.subarray(at + 4, at + 4 + length));
    if (code === 2) outbound = (view.getUint32(at + 4, true) & 3) === 2;
    at += 4 + length + (-length & 3);
  }
  return { time: Number((high << 32n) | low) / 1000, outbound, object, comment };
}
