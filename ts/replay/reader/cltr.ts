// Reads .cltr, Cloister's own trace format. docs/trace-format.md.
import * as Cltr from "../../abi/cltr.ts";
import { BadInput } from "../../error.ts";
import * as Records from "../record.ts";
import { Batch, type Counts, type Kind } from "../record.ts";
import { Expected } from "./cltr-expected.ts";
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
  readonly #expected = new Expected();
  #exhausted = false;
  #ended = false;
  #records = 0;
  #batchOffset = 0;
  #recordOffsets: Uint32Array = new Uint32Array(Batch.RECORDS);

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
    if (this.#recordOffsets.length < batch.capacity) {
      this.#recordOffsets = new Uint32Array(batch.capacity);
    }
    while (!this.#ended && batch.length < batch.capacity) {
      if (this.#exhausted || input.end - input.at >= Cltr.RECORD_LIMIT) this.#decode(batch);
      else if (!(await input.more())) this.#exhaust();
    }
    Records.count(this.counts, batch);
    if (this.#ended && batch.length === 0) await this.#finish();
    return batch.length;
  }

  locate(ordinal: number): string {
    return this.#input.position(this.#batchOffset + this.#recordOffsets[ordinal]!);
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
    if (input.at < input.end || (await input.more())) {
      throw new BadInput(`${input.position(input.offset)}: data after the end marker`);
    }
    if (this.#records === 0) throw new BadInput(`${this.name}: no record, expected at least one`);
  }

  #decode(batch: Batch): void {
    const input = this.#input;
    const expected = this.#expected;
    const last = this.#exhausted ? input.end : input.end - Cltr.RECORD_LIMIT + 1;
    do {
      const start = input.at;
      const head = input.buffer[input.at++]!;
      const kind = head & KIND_MASK;
      if (kind >= Cltr.KIND_HALT) {
        if (!this.#rare(batch, start, head)) return;
        continue;
      }
      const bytes = (head >> Cltr.BYTES_LSB) & BYTES_MASK || varint(input);
      const row = expected.row(kind);
      let gva = expected.gva(row);
      if ((head & EXPECTED) === 0) gva += signed(varint(input));
      if (input.at > input.end) throw short(input, "record");
      const low = gva >>> 0;
      const high = Math.floor(gva / 2 ** 32) >>> 0;
      const limit = kind < Cltr.KIND_TRANSFER_OUT ? Records.ACCESS_LIMIT : Records.TRANSFER_LIMIT;
      if (bytes < 1 || bytes > limit || !inside(gva, bytes))
        this.#explain(start, bytes, limit, gva);
      expected.saw(row, kind, gva, bytes);
      this.#recordOffsets[batch.length] = input.base + start - this.#batchOffset;
      batch.push(low, high, bytes, Records.operation(kind as Kind, bytes));
    } while (input.at < last && batch.length < batch.capacity);
    this.#records = this.counts.records + batch.length;
  }

  /** A halt, or the end marker; answers whether records follow. */
  #rare(batch: Batch, start: number, head: number): boolean {
    const input = this.#input;
    const where = input.position(input.base + start);
    const late = ((head >> Cltr.BYTES_LSB) & BYTES_MASK) + Cltr.KIND_END;
    if ((head & KIND_MASK) === Cltr.KIND_END && late > Cltr.KIND_END && late < Cltr.KIND_LIMIT) {
      if (this.#version > Cltr.OLDEST_VERSION) return this.#late(batch, start, head, late as Kind);
    }
    if (head !== Cltr.KIND_HALT && head !== Cltr.KIND_END) {
      if (start >= input.end) throw short(input, "record");
      throw new BadInput(`${where}: head byte 0x${head.toString(16)}, expected no size on it`);
    }
    if (head === Cltr.KIND_HALT) {
      this.#recordOffsets[batch.length] = input.base + start - this.#batchOffset;
      batch.push(0, 0, 0, Records.operation(Cltr.KIND_HALT, 0));
      return true;
    }
    const promised = varint(input);
    if (input.at > input.end) throw short(input, "end marker");
    this.#records = this.counts.records + batch.length;
    if (promised !== this.#records) {
      throw new BadInput(
        `${where}: ${this.#records} records, expected ${promised} by the end marker`,
      );
    }
    this.#ended = true;
    return false;
  }

  /** A record of a kind that version 1 did not have. */
  #late(batch: Batch, start: number, head: number, kind: Kind): boolean {
    const input = this.#input;
    const bytes = varint(input);
    const row = this.#expected.row(kind);
    let gva = this.#expected.gva(row);
    if ((head & EXPECTED) === 0) gva += signed(varint(input));
    if (input.at > input.end) throw short(input, "record");
    const limit = Records.limitOf(kind);
    const span = kind === Records.EXIT ? 0 : bytes;
    const least = kind === Records.EXIT ? 0 : 1;
    if (bytes < least || bytes > limit || !inside(gva, span))
      this.#explain(start, bytes, limit, gva);
    this.#expected.saw(row, kind, gva, span);
    this.#recordOffsets[batch.length] = input.base + start - this.#batchOffset;
    const high = Math.floor(gva / 2 ** 32) >>> 0;
    batch.push(gva >>> 0, high, bytes, Records.operation(kind, bytes));
    return true;
  }

  #explain(start: number, bytes: number, limit: number, gva: number): never {
    const where = this.#input.position(this.#input.base + start);
    if (bytes < 1 || bytes > limit) {
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

function inside(gva: number, bytes: number): boolean {
  return gva >= 0 ? gva + bytes <= 2 ** 47 : gva >= -(2 ** 47) && gva + bytes <= 0;
}
