// Reads a trace that is text, a line at a time; what a line means is the grammar's business. docs/trace-format.md.
import { BadInput } from "../../error.ts";
import * as Records from "../record.ts";
import { Batch, type Counts, type Kind } from "../record.ts";
import type { Input } from "./input.ts";
import type { TraceFormat, TraceReader } from "./reader.ts";

/** What is wrong with a line, and at which character of it. */
export interface Fault {
  at: number;
  seen: string;
  expected: string;
}

/** One text format: takes a line, adds records to the batch (up to LINE_RECORDS) or says why it cannot. */
export interface Grammar {
  readonly format: TraceFormat;
  line(text: string, out: Batch): Fault | undefined;
  /** What the last lines left open. */
  end?(out: Batch): void;
}

export const LINE_RECORDS = 4096;
const NEWLINE = 0x0a;
const RETURN = 0x0d;

export class LineReader implements TraceReader {
  readonly format: TraceFormat;
  readonly sampled = undefined;
  readonly command = undefined;
  readonly counts: Counts = Records.noCounts();
  readonly #input: Input;
  readonly #grammar: Grammar;
  // The records of one line, given out as the batch has room.
  readonly #made = new Batch(new Uint32Array(LINE_RECORDS * Records.WORDS));
  #given = 0;
  #lines = 0;
  #ended = false;
  #recordLines: Float64Array = new Float64Array(Batch.RECORDS);

  constructor(input: Input, grammar: Grammar) {
    this.#input = input;
    this.#grammar = grammar;
    this.format = grammar.format;
  }

  get name(): string {
    return this.#input.name;
  }

  get bytes(): number {
    return this.#input.bytes;
  }

  async next(batch: Batch): Promise<number> {
    batch.length = 0;
    if (this.#recordLines.length < batch.capacity)
      this.#recordLines = new Float64Array(batch.capacity);
    for (;;) {
      this.#give(batch);
      if (batch.length === batch.capacity) break;
      const end = this.#input.buffer.indexOf(NEWLINE, this.#input.at);
      if (end >= 0 && end < this.#input.end) this.#line(end);
      else if (!(await this.#more())) break;
    }
    Records.count(this.counts, batch);
    if (this.counts.records === 0)
      throw new BadInput(
        `${this.name}: no record in ${this.#lines} lines of ${this.format}, expected at least one`,
      );
    return batch.length;
  }

  locate(ordinal: number): string {
    return `${this.name}:${this.#recordLines[ordinal]!}`;
  }

  close(): Promise<void> {
    return this.#input.close();
  }

  #give(batch: Batch): void {
    const { words } = this.#made;
    while (this.#given < this.#made.length && batch.length < batch.capacity) {
      const word = this.#given++ * Records.WORDS;
      this.#recordLines[batch.length] = this.#lines;
      batch.push(words[word]!, words[word + 1]!, words[word + 2]!, words[word + 3]!);
    }
    if (this.#given < this.#made.length) return;
    this.#made.length = 0;
    this.#given = 0;
  }

  #line(end: number): void {
    const { buffer, at } = this.#input;
    this.#lines++;
    const text = latin1(
      buffer.subarray(at, buffer[end - 1] === RETURN && end > at ? end - 1 : end),
    );
    this.#input.at = end + 1;
    const fault = this.#grammar.line(text, this.#made);
    if (fault) {
      const where = `${this.name}:${this.#lines}:${fault.at + 1}`;
      throw new BadInput(`${where}: ${fault.seen}, expected ${fault.expected}`);
    }
  }

  async #more(): Promise<boolean> {
    const input = this.#input;
    if (this.#ended) return false;
    if (input.full)
      throw new BadInput(
        `${this.name}:${this.#lines + 1}: a line of over 256 KiB, expected a shorter one`,
      );
    if (await input.more()) return true;
    this.#ended = true;
    if (input.at < input.end) input.buffer[input.end++] = NEWLINE;
    else this.#grammar.end?.(this.#made);
    if (input.at < input.end) {
      this.#line(input.end - 1);
      this.#grammar.end?.(this.#made);
    }
    return true;
  }
}

function latin1(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i++) text += String.fromCharCode(bytes[i]!);
  return text;
}

/** A piece of a line as a message shows it. */
export function shown(text: string): string {
  const printable = text.replace(/[^\x20-\x7e]/g, "?");
  return `"${printable.length > 40 ? `${printable.slice(0, 40)}...` : printable}"`;
}

/** Adds an access at an address in hexadecimal (with 0x or not) or, where `decimal`, in either. Answers what is wrong with it. */
export function access(
  out: Batch,
  kind: Kind,
  digits: string,
  bytes: number,
  { at = 0, decimal = false, line = 0 }: { at?: number; decimal?: boolean; line?: number } = {},
): Fault | undefined {
  const hex = /^0x/i.test(digits) ? digits.slice(2) : decimal ? decimalToHex(digits) : digits;
  if (hex === "" || hex.length > 16 || !/^[0-9a-f]+$/i.test(hex))
    return { at, seen: shown(digits), expected: "an address of up to 64 bits" };
  const padded = hex.padStart(16, "0");
  const high = Number.parseInt(padded.slice(0, 8), 16);
  let low = Number.parseInt(padded.slice(8), 16);
  if (line) low = (low & -line) >>> 0;
  if (!Records.isCanonical(high, low, bytes)) {
    const seen = `${bytes} bytes at 0x${hex.replace(/^0+(?=.)/, "")}`;
    return { at, seen, expected: "a canonical address (bits 63 to 47 equal) to the last byte" };
  }
  out.push(low, high, bytes, Records.operation(kind, bytes));
  return undefined;
}

function decimalToHex(digits: string): string {
  return /^\d{1,20}$/.test(digits) ? BigInt(digits).toString(16) : "";
}
