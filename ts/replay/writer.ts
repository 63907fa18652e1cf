// Writes records in formats of other tools. What a format cannot say is refused by name, never dropped.
import { BadInput } from "../error.ts";
import { type TraceNotes, TraceWriter } from "./reader/cltr-writer.ts";
import type { Batch, Kind } from "./record.ts";
import * as Records from "./record.ts";

/** Makes a file's bytes: `start`, then `encode` for each batch, then `end`. */
export interface Writer {
  start(): Uint8Array;
  encode(batch: Batch): Uint8Array;
  end(): Uint8Array;
}

export type WrittenFormat =
  | "cltr"
  | "lackey"
  | "drmemtrace"
  | "dramsim3"
  | "ramulator"
  | "pinatrace";

export const writtenFormats: readonly WrittenFormat[] = [
  "cltr",
  "lackey",
  "drmemtrace",
  "dramsim3",
  "ramulator",
  "pinatrace",
];

/** A writer of a format. */
export function writerOf(format: WrittenFormat, notes: TraceNotes): Writer {
  if (format === "cltr") return new TraceWriter(notes);
  if (format === "drmemtrace") return new DrmemtraceWriter();
  return new TextWriter(format);
}

const NAMES: Record<Kind, string> = {
  0: "fetch",
  1: "load",
  2: "store",
  3: "modify",
  4: "transfer out",
  5: "transfer in",
  6: "halt",
  8: "exit",
  9: "page shared",
  10: "page taken back",
  11: "DMA out",
  12: "DMA in",
};

interface Said {
  kind: Kind;
  gva: bigint;
  bytes: number;
}

function* recordsOf(batch: Batch): Generator<Said> {
  for (let word = 0; word < batch.length * Records.WORDS; word += Records.WORDS) {
    const high = BigInt(batch.words[word + Records.GVA_HIGH]!);
    yield {
      kind: Records.kindOf(batch.words[word + Records.OP]! & 0xff),
      gva: (high << 32n) | BigInt(batch.words[word + Records.GVA_LOW]!),
      bytes: batch.words[word + Records.BYTES]!,
    };
  }
}

function unsaid(number: number, kind: Kind, format: string): BadInput {
  return new BadInput(
    `record ${number}: ${NAMES[kind]}, expected what ${format} can say (fetches, loads, stores, modifies)`,
  );
}

const LETTERS = ["I ", " L", " S", " M"];
const LINE = 64n;

class TextWriter implements Writer {
  readonly #format: WrittenFormat;
  #records = 0;
  #instruction = 0n;

  constructor(format: WrittenFormat) {
    this.#format = format;
  }

  start(): Uint8Array {
    return new Uint8Array(0);
  }

  encode(batch: Batch): Uint8Array {
    const lines: string[] = [];
    for (const record of recordsOf(batch)) {
      if (record.kind > Records.MODIFY) throw unsaid(this.#records, record.kind, this.#format);
      lines.push(...this.#lines(record));
      this.#records++;
    }
    return new TextEncoder().encode(lines.map((line) => `${line}\n`).join(""));
  }

  end(): Uint8Array {
    return new TextEncoder().encode(this.#format === "pinatrace" ? "#eof\n" : "");
  }

  #lines(record: Said): string[] {
    const { kind, gva, bytes } = record;
    if (this.#format === "lackey")
      return [`${LETTERS[kind]} ${gva.toString(16).padStart(8, "0")},${bytes}`];
    if (kind === Records.FETCH) this.#instruction = gva;
    const directions = kind === Records.MODIFY ? "RW" : kind === Records.STORE ? "W" : "R";
    if (this.#format === "pinatrace") {
      if (kind === Records.FETCH) return [];
      const at = `0x${this.#instruction.toString(16)}`;
      return [...directions].map((way) => `${at}: ${way} 0x${gva.toString(16)} ${bytes}`);
    }
    return this.#dram(record, directions);
  }

  /** One request for each line of memory that the access meets, without the caches that would answer most of them. */
  #dram({ gva, bytes }: Said, directions: string): string[] {
    const lines: string[] = [];
    for (let at = gva & -LINE; at < gva + BigInt(bytes); at += LINE) {
      for (const way of directions) {
        const address = `0x${at.toString(16)}`;
        const word = way === "R" ? "READ" : "WRITE";
        lines.push(
          this.#format === "ramulator"
            ? `${address} ${way}`
            : `${address} ${word} ${this.#records}`,
        );
      }
    }
    return lines;
  }
}

const ENTRY = 12;
// Types of DynamoRIO's records: read, write, instruction, thread, thread exit, process, header, footer; and its format's version.
const TYPES = { read: 0, write: 1, instruction: 10, thread: 22, exit: 23, process: 24 };
const [HEADER, FOOTER, VERSION] = [25, 26, 3];

class DrmemtraceWriter implements Writer {
  #records = 0;

  start(): Uint8Array {
    return entries([
      [HEADER, 8, BigInt(VERSION)],
      [TYPES.thread, 4, 1n],
      [TYPES.process, 4, 1n],
    ]);
  }

  encode(batch: Batch): Uint8Array {
    const out: [number, number, bigint][] = [];
    for (const { kind, gva, bytes } of recordsOf(batch)) {
      if (kind > Records.MODIFY) throw unsaid(this.#records, kind, "drmemtrace");
      if (kind === Records.FETCH) out.push([TYPES.instruction, bytes, gva]);
      if (kind === Records.LOAD || kind === Records.MODIFY) out.push([TYPES.read, bytes, gva]);
      if (kind === Records.STORE || kind === Records.MODIFY) out.push([TYPES.write, bytes, gva]);
      this.#records++;
    }
    return entries(out);
  }

  end(): Uint8Array {
    return entries([
      [TYPES.exit, 4, 1n],
      [FOOTER, 0, 0n],
    ]);
  }
}

function entries(list: readonly (readonly [number, number, bigint])[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(ENTRY * list.length));
  for (const [i, [type, size, gva]] of list.entries()) {
    view.setUint16(ENTRY * i, type, true);
    view.setUint16(ENTRY * i + 2, size, true);
    view.setBigUint64(ENTRY * i + 4, gva, true);
  }
  return new Uint8Array(view.buffer);
}
