// Lackey text to records: the reader, whose lines the core decodes, against a plain JavaScript parser of the same bytes.
import { Input } from "../dist/replay/reader/input.js";
import { LackeyReader } from "../dist/replay/reader/lackey.js";
import { Batch, operation } from "../dist/replay/record.js";
import type { Figure } from "./figure.ts";
import { lackeyText } from "./lackey.ts";
import { against, interleaved, type Measured, type Task } from "./measure.ts";
import { same } from "./native.ts";

const LINES = 500_000;
const CHUNK = 1 << 18;

async function textOf(lines: number): Promise<Uint8Array> {
  const pieces: string[] = [];
  for await (const piece of lackeyText(lines)) pieces.push(piece);
  return new TextEncoder().encode(pieces.join(""));
}

const HEX: Uint8Array = new Uint8Array(256).fill(99);
for (let digit = 0; digit < 16; digit++) HEX[digit.toString(16).charCodeAt(0)] = digit;

const KINDS: Record<string, 0 | 1 | 2 | 3> = { I: 0, L: 1, S: 2, M: 3 };
const kindOf: Uint8Array = new Uint8Array(256);
for (const [letter, kind] of Object.entries(KINDS)) kindOf[letter.charCodeAt(0)] = kind;

/** The plain parser: a byte at a time, no string, no check but what the loop needs. */
function plain(text: Uint8Array, batch: Batch, sum: (batch: Batch) => void): void {
  let at = 0;
  while (at < text.length) {
    const kind = kindOf[text[at] === 0x49 ? 0x49 : text[at + 1]!] as 0 | 1 | 2 | 3;
    at += 3;
    let low = 0;
    let high = 0;
    for (let digit = HEX[text[at]!]!; digit < 16; digit = HEX[text[++at]!]!) {
      high = (high << 4) | (low >>> 28);
      low = (low << 4) | digit;
    }
    let bytes = 0;
    for (let digit = HEX[text[++at]!]!; digit < 10; digit = HEX[text[++at]!]!)
      bytes = bytes * 10 + digit;
    at++;
    batch.push(low, high, bytes, operation(kind, bytes));
    if (batch.length === batch.capacity) sum(batch);
  }
  sum(batch);
}

/** A sum over a batch's records, each word weighted by its place, to compare what both sides made. */
class Sum {
  #total = 0;
  #last = "";
  readonly add = (batch: Batch): void => {
    let total = this.#total;
    for (let i = 0; i < 4 * batch.length; i += 512)
      total = (Math.imul(total, 31) + batch.words[i]!) | 0;
    this.#total = (total + batch.length) | 0;
    batch.length = 0;
  };
  end(): void {
    this.#last = String(this.#total);
    this.#total = 0;
  }
  get last(): string {
    return this.#last;
  }
}

async function* chunks(text: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < text.length; at += CHUNK) yield text.subarray(at, at + CHUNK);
}

export async function parseFigures(quick: boolean): Promise<Figure[]> {
  const text = await textOf(LINES);
  const batch = new Batch();
  const [ours, theirs] = [new Sum(), new Sum()];
  const reader: Task = {
    name: "the reader",
    units: LINES,
    async run() {
      const trace = new LackeyReader(new Input(chunks(text), "bench"));
      while ((await trace.next(batch)) > 0) ours.add(batch);
      ours.end();
    },
  };
  const peer: Task = {
    name: "a plain JavaScript byte parser",
    units: LINES,
    run() {
      plain(text, batch, theirs.add);
      theirs.end();
    },
  };
  // A round takes 20 ms: after five of them engines still compile what runs once for thousands of lines.
  const rounds = quick ? 21 : 61;
  const [row, beside] = (await interleaved([reader, peer], rounds)) as [Measured, Measured];
  same("parse-lackey", ours.last, theirs.last);
  return [against("parse-lackey", "records/s", row, beside)];
}
