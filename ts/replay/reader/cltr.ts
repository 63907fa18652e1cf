// Reads .cltr, Cloister's own trace format. docs/trace-format.md.
import * as Cltr from "../../abi/cltr.ts";
import { BadInput } from "../../error.ts";
import type { Batch, Counts, Kind } from "../record.ts";
import * as Records from "../record.ts";
import { CltrDecoder } from "./cltr-decoder.ts";
import type { Input } from "./input.ts";
import type { TraceReader } from "./reader.ts";

const KIND_MASK = (1 << Cltr.KIND_WIDTH) - 1;
const BYTES_MASK = (1 << Cltr.BYTES_WIDTH) - 1;
const EXPECTED = 1 << Cltr.EXPECTED_BIT;
// What a varint of over 8 bytes reads as: no field of the format needs so many.
const OVERLONG = -1;
const VARINT_BYTES = 8;

export class CltrReader implements TraceReader {
  readonly format = "cltr";
  readonly counts: Counts = Records.noCounts();
  readonly command: string | undefined;
  readonly sampled: string | undefined;

  readonly #input: Input;
  readonly #version: number;
  readonly #decoder: CltrDecoder;
  #exhausted = false;
  #ended = false;
  #batchOffset = 0;

  static async open(input: Input): Promise<CltrReader> {
    if (!(await input.ensure(Cltr.SIZE))) throw short(input, "header");
    const header = new DataView(input.buffer.buffer, input.at, Cltr.SIZE);
    const version = header.getUint16(Cltr.VERSION, true);
    if (version < Cltr.OLDEST_VERSION || version > Cltr.VERSION_VALUE) {
      const where = input.position(Cltr.VERSION);
      const known = `${Cltr.OLDEST_VERSION} or ${Cltr.VERSION_VALUE}`;
      throw new BadInput(`${where}: .cltr version ${version}, expected ${known}`);
    }
    const flags = header.getUint16(Cltr.FLAGS, true);
    if (flags !== 0) {
      throw new BadInput(`${input.position(Cltr.FLAGS)}: .cltr flags ${flags}, expected 0`);
    }
    const commandBytes = header.getUint32(Cltr.COMMAND_BYTES, true);
    const sampledBytes = header.getUint32(Cltr.SAMPLED_BYTES, true);
    input.at += Cltr.SIZE;
    const command = await text(input, commandBytes, "command");
    const sampled = await text(input, sampledBytes, "sampled note");
    return new CltrReader(input, command, sampled, version);
  }

  constructor(
    input: Input,
    command: string | undefined,
    sampled: string | undefined,
    version: number,
  ) {
    this.#input = input;
    this.#version = version;
    this.#decoder = new CltrDecoder(version > Cltr.OLDEST_VERSION);
    this.command = command;
    this.sampled = sampled;
  }

  get name(): string {
    return this.#input.name;
  }

  get bytes(): number {
    return this.#input.bytes;
  }

  async next(batch: Batch): Promise<number> {
    const input = this.#input;
    batch.length = 0;
    this.#batchOffset = input.offset;
    while (!this.#ended && batch.length < batch.capacity) {
      if (this.#decode(batch)) continue;
      if (this.#exhausted || input.end - input.at >= Cltr.RECORD_LIMIT) this.#stop();
      else if (!(await input.more())) this.#exhaust();
    }
    if (this.#ended && batch.length === 0) await this.#finish();
    return batch.length;
  }

  locate(ordinal: number): string {
    return this.#input.position(this.#batchOffset + this.#decoder.offsets[ordinal]!);
  }

  close(): Promise<void> {
    return this.#input.close();
  }

  /** The source has no more: what is decoded past its end reads as zero, and is then refused. */
  #exhaust(): void {
    this.#exhausted = true;
    this.#input.buffer.fill(0, this.#input.end);
  }

  async #finish(): Promise<void> {
    const input = this.#input;
    this.#decoder.end();
    if (input.at < input.end || (await input.more())) {
      throw new BadInput(`${input.position(input.offset)}: data after the end marker`);
    }
    if (this.counts.records === 0)
      throw new BadInput(`${this.name}: no record, expected at least one`);
  }

  /** Takes what the core's parser does; answers whether that was anything. */
  #decode(batch: Batch): boolean {
    const input = this.#input;
    const bytes = input.buffer.subarray(input.at, input.end);
    const before = input.offset - this.#batchOffset;
    const taken = this.#decoder.decode(bytes, before, batch, this.counts);
    input.at += taken;
    return taken > 0;
  }

  /** What the core's parser left: the end marker, or what is wrong. */
  #stop(): void {
    const input = this.#input;
    const start = input.at;
    const head = input.buffer[input.at++]!;
    const kind = head & KIND_MASK;
    if (kind < Cltr.KIND_HALT)
      this.#explain(start, head, kind, (head >> Cltr.BYTES_LSB) & BYTES_MASK);
    const late = ((head >> Cltr.BYTES_LSB) & BYTES_MASK) + Cltr.KIND_END;
    const isLate = kind === Cltr.KIND_END && late > Cltr.KIND_END && late < Cltr.KIND_LIMIT;
    if (isLate && this.#version > Cltr.OLDEST_VERSION) this.#explain(start, head, late, 0);
    const where = input.position(input.base + start);
    if (head !== Cltr.KIND_END) {
      if (start >= input.end) throw short(input, "record");
      throw new BadInput(`${where}: head byte 0x${head.toString(16)}, expected no size on it`);
    }
    const promised = varint(input);
    if (input.at > input.end) throw short(input, "end marker");
    const { records } = this.counts;
    if (promised !== records)
      throw new BadInput(`${where}: ${records} records, expected ${promised} by the end marker`);
    this.#ended = true;
  }

  /** Decodes what the core did not take, and says why. */
  #explain(start: number, head: number, kind: number, coded: number): never {
    const input = this.#input;
    const bytes = coded || varint(input);
    const apart = (head & EXPECTED) === 0 ? signed(varint(input)) : 0;
    if (input.at > input.end) throw short(input, "record");
    const gva = this.#decoder.expected(kind) + apart;
    const where = input.position(input.base + start);
    const limit = Records.limitOf(kind as Kind);
    const least = kind === Records.EXIT ? 0 : 1;
    if (bytes < least || bytes > limit) {
      const seen = bytes === OVERLONG ? "size of over 8 bytes" : `size ${bytes}`;
      throw new BadInput(`${where}: ${seen}, expected 1 to ${limit}`);
    }
    const seen = Number.isNaN(gva) ? "address difference of over 8 bytes" : `address ${gva}`;
    throw new BadInput(`${where}: ${seen}, expected a canonical address (-2^47 to 2^47 - 1)`);
  }
}

async function text(input: Input, bytes: number, what: string): Promise<string | undefined> {
  if (bytes > Cltr.TEXT_LIMIT) {
    const where = input.position(input.offset);
    throw new BadInput(`${where}: ${what} of ${bytes} bytes, expected at most ${Cltr.TEXT_LIMIT}`);
  }
  if (bytes === 0) return undefined;
  if (!(await input.ensure(bytes))) throw short(input, what);
  const raw = input.buffer.subarray(input.at, input.at + bytes);
  const where = input.position(input.offset);
  input.at += bytes;
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(raw);
  } catch {
    throw new BadInput(`${where}: ${what} is not UTF-8, expected text`);
  }
}

function short(input: Input, what: string): BadInput {
  const where = input.position(input.base + input.end);
  return new BadInput(`${where}: the file ends in a ${what}, expected an end marker`);
}

/** Little-endian, seven bits a byte. A double holds every value of up to 8 bytes that the format can mean. */
function varint(input: Input): number {
  const first = input.buffer[input.at++]!;
  if (first < 0x80) return first;
  let value = first & 0x7f;
  let scale = 0x80;
  for (let byte = 1; byte < VARINT_BYTES; byte++) {
    const next = input.buffer[input.at++]!;
    value += (next & 0x7f) * scale;
    if (next < 0x80) return value;
    scale *= 0x80;
  }
  return OVERLONG;
}

/** Zigzag: 0, -1, 1, -2, ... */
function signed(value: number): number {
  if (value === OVERLONG) return Number.NaN;
  if (value < 2 ** 31) return (value >>> 1) ^ -(value & 1);
  const half = Math.floor(value / 2);
  return value - 2 * half === 0 ? half : -half - 1;
}
