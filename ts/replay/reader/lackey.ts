// Reads what `valgrind --tool=lackey --trace-mem=yes --trace-syscalls=yes --log-file=FILE` prints. docs/trace-format.md.
import { BadInput } from "../../error.ts";
import type { Batch, Counts } from "../record.ts";
import * as Records from "../record.ts";
import * as Decode from "./decode.ts";
import type { Input } from "./input.ts";
import { ownLength, SystemCalls } from "./lackey-syscalls.ts";
import type { TraceReader } from "./reader.ts";

const NEWLINE = 0x0a;
const RETURN = 0x0d;
const COMMA = 0x2c;

// The three characters before an address, as one number.
const PREFIXES = new Map<string, Records.Kind>([
  ["I  ", Records.FETCH],
  [" L ", Records.LOAD],
  [" S ", Records.STORE],
  [" M ", Records.MODIFY],
]);
const packed = (text: string): number =>
  (text.charCodeAt(0) << 16) | (text.charCodeAt(1) << 8) | text.charCodeAt(2);
const [FETCH, LOAD, STORE, MODIFY] = [...PREFIXES.keys()].map(packed) as [
  number,
  number,
  number,
  number,
];

const NONE = 99;
const HEX: Uint8Array = new Uint8Array(256).fill(NONE);
for (let digit = 0; digit < 16; digit++) {
  HEX[digit.toString(16).charCodeAt(0)] = digit;
  HEX[digit.toString(16).toUpperCase().charCodeAt(0)] = digit;
}
const ADDRESS_DIGITS = 16;

export class LackeyReader implements TraceReader {
  readonly format = "lackey";
  readonly sampled = undefined;
  readonly command = undefined;
  readonly counts: Counts = Records.noCounts();

  readonly #input: Input;
  readonly #calls = new SystemCalls();
  #lines = 0;
  #ended = false;
  // Where the batch's records come from: runs of one record a line, each as its first record and that one's line.
  #runs: { record: number; line: number }[] = [];

  // The input's own buffer, while it holds its bytes in a room where they are decoded.
  #own: Uint8Array | undefined;

  constructor(input: Input) {
    this.#input = input;
    const room = Decode.lend(input.buffer.length);
    if (!room) return;
    this.#own = input.buffer;
    input.move(room);
  }

  #leave(): void {
    const room = this.#input.buffer;
    if (!this.#own) return;
    this.#input.move(this.#own);
    this.#own = undefined;
    Decode.giveBack(room);
  }

  get name(): string {
    return this.#input.name;
  }

  get bytes(): number {
    return this.#input.bytes;
  }

  async next(batch: Batch): Promise<number> {
    batch.length = 0;
    this.#runs = [];
    while (batch.length < batch.capacity) {
      const input = this.#input;
      // Of nothing the last index would be sought from the buffer's end.
      const until = input.at < input.end ? input.buffer.lastIndexOf(NEWLINE, input.end - 1) + 1 : 0;
      if (input.at < until) this.#parse(batch, until);
      else if (!(await this.#more())) break;
    }
    if (this.counts.records === 0) {
      throw new BadInput(`${this.name}: no record in ${this.#lines} lines, expected at least one`);
    }
    if (batch.length === 0) this.#leave();
    return batch.length;
  }

  locate(ordinal: number): string {
    const run = this.#runs.findLast(({ record }) => record <= ordinal)!;
    return `${this.name}:${run.line + ordinal - run.record}`;
  }

  close(): Promise<void> {
    this.#leave();
    return this.#input.close();
  }

  async #more(): Promise<boolean> {
    const input = this.#input;
    if (this.#ended) return false;
    if (input.full) this.#lines++;
    if (input.full) this.#refuse(input.at, input.at, "a line of over 256 KiB", "a shorter one");
    if (await input.more()) return true;
    this.#ended = true;
    if (input.at < input.end) input.buffer[input.end++] = NEWLINE;
    return true;
  }

  /** Whole lines up to `until`: well-formed accesses in the core, every other line here. */
  #parse(batch: Batch, until: number): void {
    const input = this.#input;
    while (input.at < until && batch.length < batch.capacity) {
      const before = batch.length;
      const taken = Decode.lackey(input.buffer, input.at, until, batch, this.counts);
      if (taken > 0) this.#runs.push({ record: before, line: this.#lines + 1 });
      input.at += taken;
      this.#lines += batch.length - before;
      if (taken === 0) this.#line(batch);
    }
  }

  /** One line, whatever it may be. */
  #line(batch: Batch): void {
    const before = batch.length;
    this.#runs.push({ record: before, line: this.#lines + 1 });
    this.#any(batch);
    Records.count(this.counts, batch, before);
  }

  #any(batch: Batch): void {
    const text = this.#input.buffer;
    const hex = HEX;
    const start = this.#input.at;
    this.#lines++;
    const kind = kindAt(text, start);
    if (kind === NONE) {
      this.#input.at = this.#other(batch, start);
      return;
    }
    let at = start + 3;
    let low = 0;
    let high = 0;
    let digit = hex[text[at]!]!;
    while (digit < 16) {
      high = (high << 4) | (low >>> 28);
      low = (low << 4) | digit;
      digit = hex[text[++at]!]!;
    }
    const comma = at;
    let bytes = 0;
    digit = hex[text[++at]!]!;
    while (digit < 10) {
      bytes = bytes * 10 + digit;
      digit = hex[text[++at]!]!;
    }
    const sized = at;
    if (text[at] === RETURN) at++;
    const digits = comma - start - 3;
    const wellFormed = text[comma] === COMMA && text[at] === NEWLINE && digits > 0;
    if (!wellFormed || digits > ADDRESS_DIGITS || bytes < 1 || bytes > Records.ACCESS_LIMIT) {
      this.#explain(start, comma, sized);
    }
    // Only these can leave the lower half, or lie in the upper.
    if (high >= 0x7fff || high < 0) this.#canonical(start, high, low, bytes);
    batch.push(low, high, bytes, Records.operation(kind as Records.Kind, bytes));
    this.#input.at = at + 1;
  }

  /** A line that is no memory access; answers where the next begins. */
  #other(batch: Batch, start: number): number {
    const text = this.#input.buffer;
    const end = text.indexOf(NEWLINE, start);
    const all = latin1(text.subarray(start, text[end - 1] === RETURN ? end - 1 : end));
    const own = ownLength(all);
    const line = own > 0 ? all.slice(0, own) : all;
    const fault = this.#calls.line(line, batch);
    if (fault !== undefined) this.#refuse(start, start + fault.at, fault.seen, fault.expected);
    if (own > 0) this.#lines--;
    return own > 0 ? start + own : end + 1;
  }

  #canonical(start: number, high: number, low: number, bytes: number): void {
    if (Records.isCanonical(high, low, bytes)) return;
    const address = (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
    this.#refuse(
      start,
      start + 3,
      `${bytes} bytes at 0x${address.toString(16)}`,
      "a canonical address (bits 63 to 47 equal) to the last byte",
    );
  }

  /** What is wrong with a line that begins like an access: its address ended at `comma`, its size at `sized`. */
  #explain(start: number, comma: number, sized: number): never {
    const text = this.#input.buffer;
    const address = latin1(text.subarray(start + 3, comma));
    if (address === "" || text[comma] !== COMMA) {
      this.#refuse(
        start,
        comma,
        quoted(text, comma),
        address === "" ? "an address" : 'a digit or ","',
      );
    }
    if (address.length > ADDRESS_DIGITS) {
      this.#refuse(start, start + 3, `${address.length} digits`, "an address of up to 16");
    }
    const size = latin1(text.subarray(comma + 1, sized));
    const end = size !== "" && text[sized] === RETURN ? sized + 1 : sized;
    if (size !== "" && text[end] !== NEWLINE) {
      this.#refuse(start, end, quoted(text, end), "the end of the line");
    }
    const number = size.length > 20 ? `of ${size.length} digits` : `"${size}"`;
    this.#refuse(start, comma + 1, `size ${number}`, `1 to ${Records.ACCESS_LIMIT}`);
  }

  #refuse(start: number, at: number, seen: string, expected: string): never {
    const where = `${this.name}:${this.#lines}:${at - start + 1}`;
    throw new BadInput(`${where}: ${seen}, expected ${expected}`);
  }
}

function kindAt(text: Uint8Array, at: number): number {
  switch ((text[at]! << 16) | (text[at + 1]! << 8) | text[at + 2]!) {
    case FETCH:
      return Records.FETCH;
    case LOAD:
      return Records.LOAD;
    case STORE:
      return Records.STORE;
    case MODIFY:
      return Records.MODIFY;
    default:
      return NONE;
  }
}

/** One character, in quotes, or what stands for it. */
function quoted(text: Uint8Array, at: number): string {
  const byte = text[at]!;
  if (byte === NEWLINE) return "end of line";
  if (byte < 0x20 || byte > 0x7e) return `byte 0x${byte.toString(16).padStart(2, "0")}`;
  return `"${String.fromCharCode(byte)}"`;
}

function latin1(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}
