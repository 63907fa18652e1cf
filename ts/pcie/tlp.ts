// Transaction layer packets: what a requester's bytes become, and back. Nothing malformed is read as anything. PCIe 2.2.
import * as Tlp from "../abi/tlp.ts";
import * as Completion from "../abi/tlp-completion.ts";
import { field, view } from "../spdm/octets.ts";

/** A packet without its protection. */
export interface Packet {
  header: Uint8Array;
  /** Whole DWs; empty where the format has none. */
  data: Uint8Array;
}

export interface MemoryRequest {
  kind: "read" | "write";
  requester: number;
  tag: number;
  /** Of the first byte that is enabled. */
  address: bigint;
  bytes: number;
  /** What a write brings; the enabled bytes alone. */
  data: Uint8Array;
}

export interface CompletionTlp {
  kind: "completion";
  completer: number;
  requester: number;
  tag: number;
  status: number;
  /** What is still to come, this completion's own included. */
  remaining: number;
  lowerAddress: number;
  /** From `lowerAddress` on. */
  data: Uint8Array;
}

/** The partner's IDE end has failed a check. */
export interface IdeFailMessage {
  kind: "ide fail";
  requester: number;
  streamId: number;
}

export type Decoded = MemoryRequest | CompletionTlp | IdeFailMessage;

const DW = 4;
const MOST_BYTES = Tlp.LENGTH_MOST * DW;
const BIT_32 = 0x1_0000_0000n;
const NOTHING = new Uint8Array(0);

/** A read, or with data a write, of up to 4 KiB that crosses no page. */
export function memoryRequest(
  request: Pick<MemoryRequest, "requester" | "tag" | "address" | "bytes">,
  data?: Uint8Array,
): Packet {
  const { requester, tag, address, bytes } = request;
  const lead = Number(address & 3n);
  const words = Math.ceil((lead + bytes) / DW);
  const isLong = address >= BIT_32;
  const header = new Uint8Array(isLong ? Tlp.SIZE : Tlp.SHORT_SIZE);
  header[Tlp.FORMAT_TYPE] = (isLong ? 1 << Tlp.LONG_BIT : 0) | (data ? 1 << Tlp.DATA_BIT : 0);
  header[Tlp.LENGTH] = (words % Tlp.LENGTH_MOST) >>> 8;
  header[Tlp.LENGTH + 1] = words & 0xff;
  header[Tlp.REQUESTER_ID] = requester >>> 8;
  header[Tlp.REQUESTER_ID + 1] = requester & 0xff;
  header[Tlp.TAG] = tag;
  header[Tlp.BYTE_ENABLES] = enables(lead, bytes, words);
  const fields = new DataView(header.buffer);
  if (isLong) fields.setBigUint64(Tlp.ADDRESS, address & ~3n);
  else fields.setUint32(Tlp.ADDRESS, Number(address & ~3n));
  return { header, data: data ? padded(data, lead, words) : NOTHING };
}

function enables(lead: number, bytes: number, words: number): number {
  const tail = words * DW - lead - bytes;
  const first = (0xf << lead) & 0xf;
  const last = 0xf >> tail;
  return words === 1 ? first & last : first | (last << Tlp.LAST_ENABLES_LSB);
}

function padded(data: Uint8Array, lead: number, words: number): Uint8Array {
  if (lead === 0 && data.length === words * DW) return data;
  const whole = new Uint8Array(words * DW);
  whole.set(data, lead);
  return whole;
}

/** What a completer answers; without data where it was not successful. */
export function completion(answer: Omit<CompletionTlp, "kind">): Packet {
  const { data, lowerAddress, remaining } = answer;
  const lead = lowerAddress & 3;
  const words = Math.ceil((lead + data.length) / DW);
  const header = new Uint8Array(Completion.SIZE);
  header[Completion.FORMAT_TYPE] = data.length > 0 ? Tlp.COMPLETION_DATA : Tlp.COMPLETION;
  const fields = new DataView(header.buffer);
  fields.setUint16(Completion.LENGTH, data.length > 0 ? words % Tlp.LENGTH_MOST : 0);
  fields.setUint16(Completion.COMPLETER_ID, answer.completer);
  const count = remaining % 2 ** Completion.BYTE_COUNT_WIDTH;
  fields.setUint16(Completion.STATUS_BYTE_COUNT, (answer.status << Completion.STATUS_LSB) | count);
  fields.setUint16(Completion.REQUESTER_ID, answer.requester);
  header[Completion.TAG] = answer.tag;
  header[Completion.LOWER_ADDRESS] = lowerAddress;
  return { header, data: data.length > 0 ? padded(data, lead, words) : NOTHING };
}

/** Says that this end has failed a check. */
export function ideFail(requester: number, streamId: number): Packet {
  const header = new Uint8Array(Tlp.SIZE);
  header[Tlp.FORMAT_TYPE] = Tlp.MESSAGE_LOCAL;
  new DataView(header.buffer).setUint16(Tlp.REQUESTER_ID, requester);
  header[Tlp.MESSAGE_CODE] = Tlp.IDE_FAIL;
  header[Tlp.MESSAGE_STREAM_ID] = streamId;
  return { header, data: NOTHING };
}

/** By the first octet; 0: of no kind that this machine has. */
const HEADER_BYTES = new Uint8Array(256);
for (const short of [Tlp.MEMORY_READ_32, Tlp.MEMORY_WRITE_32]) HEADER_BYTES[short] = Tlp.SHORT_SIZE;
for (const kind of [Tlp.COMPLETION, Tlp.COMPLETION_DATA]) HEADER_BYTES[kind] = Completion.SIZE;
for (const long of [Tlp.MEMORY_READ_64, Tlp.MEMORY_WRITE_64, Tlp.MESSAGE_LOCAL])
  HEADER_BYTES[long] = Tlp.SIZE;

/** How long the header at an offset is; undefined: it is none. */
export function headerBytesAt(octets: Uint8Array, at: number): number | undefined {
  const bytes = HEADER_BYTES[octets[at + Tlp.FORMAT_TYPE] ?? 0xff];
  return bytes && octets.length >= at + bytes ? bytes : undefined;
}

/** How many bytes of data the header at an offset promises. */
export function dataBytesAt(octets: Uint8Array, at: number): number {
  if (((octets[at + Tlp.FORMAT_TYPE]! >>> Tlp.DATA_BIT) & 1) === 0) return 0;
  const words = ((octets[at + Tlp.LENGTH]! & 3) << 8) | octets[at + Tlp.LENGTH + 1]!;
  return (words || Tlp.LENGTH_MOST) * DW;
}

/** Header and data of octets that are nothing but one TLP; undefined: malformed. */
export function packetOf(octets: Uint8Array): Packet | undefined {
  const bytes = headerBytesAt(octets, 0);
  if (bytes === undefined || octets.length !== bytes + dataBytesAt(octets, 0)) return undefined;
  return { header: octets.subarray(0, bytes), data: octets.subarray(bytes) };
}

function wordsOf(header: Uint8Array): number {
  const words = ((header[Tlp.LENGTH]! & 3) << 8) | header[Tlp.LENGTH + 1]!;
  return words || Tlp.LENGTH_MOST;
}

/** What a packet asks or answers; undefined: malformed, or of a kind that this machine does not have. */
export function decodeTlp({ header, data }: Packet): Decoded | undefined {
  const type = header[Tlp.FORMAT_TYPE]!;
  if (type === Tlp.COMPLETION || type === Tlp.COMPLETION_DATA) return completionOf(header, data);
  if (type !== Tlp.MESSAGE_LOCAL) return requestOf(header, data);
  if (header[Tlp.MESSAGE_CODE] !== Tlp.IDE_FAIL) return undefined;
  const requester = view(header).getUint16(Tlp.REQUESTER_ID);
  return { kind: "ide fail", requester, streamId: header[Tlp.MESSAGE_STREAM_ID]! };
}

function requestOf(header: Uint8Array, data: Uint8Array): MemoryRequest | undefined {
  const fields = view(header);
  const isLong = header.length === Tlp.SIZE;
  const base = isLong ? fields.getBigUint64(Tlp.ADDRESS) : BigInt(fields.getUint32(Tlp.ADDRESS));
  const words = wordsOf(header);
  const span = spanOf(header[Tlp.BYTE_ENABLES]!, words);
  // The lowest bits are hints; a short address where a long one was due, and the reverse, is malformed. 2.2.4.1.
  if (!span || base & 3n || isLong !== base >= BIT_32) return undefined;
  const [lead, bytes] = span;
  const address = base + BigInt(lead);
  if (Number(address & 0xfffn) + bytes > MOST_BYTES) return undefined;
  const isWrite = ((header[Tlp.FORMAT_TYPE]! >>> Tlp.DATA_BIT) & 1) === 1;
  return {
    kind: isWrite ? "write" : "read",
    requester: fields.getUint16(Tlp.REQUESTER_ID),
    tag: header[Tlp.TAG]!,
    address,
    bytes,
    data: isWrite ? data.subarray(lead, lead + bytes) : NOTHING,
  };
}

/** Bytes before the first that is enabled, and bytes enabled. Only one run of bytes: nobody here sends others. */
function spanOf(byteEnables: number, words: number): [number, number] | undefined {
  const first = field(byteEnables, Tlp.FIRST_ENABLES_LSB, Tlp.ENABLES_WIDTH);
  const last = field(byteEnables, Tlp.LAST_ENABLES_LSB, Tlp.ENABLES_WIDTH);
  const lead = LEADS.indexOf(first);
  if (words === 1) {
    const run = RUNS.find(([mask]) => mask === first);
    return last === 0 && run ? [run[1], run[2]] : undefined;
  }
  const tail = TAILS.indexOf(last);
  return lead < 0 || tail < 0 ? undefined : [lead, words * DW - lead - tail];
}

// Byte enables of a first and of a last DW, by the bytes left out; and of a single one: mask, lead, bytes.
const LEADS = [0b1111, 0b1110, 0b1100, 0b1000];
const TAILS = [0b1111, 0b0111, 0b0011, 0b0001];
const RUNS: [number, number, number][] = [0, 1, 2, 3].flatMap((lead) =>
  Array.from({ length: DW - lead }, (_, more): [number, number, number] => [
    ((2 << more) - 1) << lead,
    lead,
    more + 1,
  ]),
);

function completionOf(header: Uint8Array, data: Uint8Array): CompletionTlp | undefined {
  const fields = view(header);
  const word = fields.getUint16(Completion.STATUS_BYTE_COUNT);
  const count = word % 2 ** Completion.BYTE_COUNT_WIDTH || MOST_BYTES;
  const lowerAddress = header[Completion.LOWER_ADDRESS]!;
  if (lowerAddress >>> Completion.LOWER_ADDRESS_WIDTH) return undefined;
  const lead = lowerAddress & 3;
  const bytes = Math.min(Math.max(data.length - lead, 0), count);
  return {
    kind: "completion",
    completer: fields.getUint16(Completion.COMPLETER_ID),
    requester: fields.getUint16(Completion.REQUESTER_ID),
    tag: header[Completion.TAG]!,
    status: field(word, Completion.STATUS_LSB, 3),
    remaining: count,
    lowerAddress,
    data: data.subarray(lead, lead + bytes),
  };
}

/** Cuts a transfer where a TLP must end: at multiples of `most`, so at every page too. */
export function* cut(
  address: bigint,
  bytes: number,
  most: number,
): Generator<{ address: bigint; offset: number; bytes: number }> {
  for (let offset = 0; offset < bytes; ) {
    const at = address + BigInt(offset);
    const piece = Math.min(most - (Number(at & 0xfffn) % most), bytes - offset);
    yield { address: at, offset, bytes: piece };
    offset += piece;
  }
}
