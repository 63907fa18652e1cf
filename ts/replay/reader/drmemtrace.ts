// DynamoRIO's offline memory trace: 12 bytes a record, u16 type, u16 size, u64 address. DynamoRIO, drmemtrace "Trace Format".

import * as Layouts from "../../abi/decode.ts";
import type { Batch } from "../record.ts";
import * as Records from "../record.ts";
import * as Decode from "./decode.ts";
import { accessAt, type Layout } from "./fixed.ts";

const READ = 0;
const WRITE = 1;
export const HEADER = 25;
const FOOTER = 26;
const BUNDLE = 17;
// Instructions: plain, jumps, calls and returns; may-fetch; sysenter; conditional jumps taken and not.
const INSTRUCTIONS = [10, 11, 12, 13, 14, 15, 16, 30, 31, 48, 49];
// Of these, some are hints (prefetches, flushes), some say where the trace is (threads, markers), one is a further round of a string
// instruction that is not fetched again (29), one holds an instruction's bytes (47).
const KNOWN: number = Layouts.DRMEMTRACE_TYPES;

// What the core's parser makes of each type without us.
const KINDS: Uint8Array = new Uint8Array(KNOWN).fill(Layouts.SKIP);
KINDS[READ] = Records.LOAD;
KINDS[WRITE] = Records.STORE;
for (const type of INSTRUCTIONS) KINDS[type] = Records.FETCH;
KINDS[BUNDLE] = Layouts.STOP;

const FETCHES: Uint8Array = new Uint8Array(KNOWN);
for (const type of INSTRUCTIONS) FETCHES[type] = 1;

export class Drmemtrace implements Layout {
  readonly format = "drmemtrace";
  readonly size: number = Layouts.DRMEMTRACE_SIZE;
  readonly most = 1;
  readonly #seen: Float64Array = new Float64Array(KNOWN);
  #last = HEADER;

  record(view: DataView, at: number, out: Batch): string | undefined {
    const type = view.getUint16(at, true);
    if (type >= KNOWN) return `record type ${type}, expected at most ${KNOWN - 1}`;
    if (this.#seen[HEADER] === 0 && type !== HEADER)
      return `record type ${type}, expected ${HEADER}, a header`;
    this.#seen[type]!++;
    this.#last = type;
    if (type === READ) return this.#access(view, at, Records.LOAD, out);
    if (type === WRITE) return this.#access(view, at, Records.STORE, out);
    if (FETCHES[type] === 1) return this.#access(view, at, Records.FETCH, out);
    if (type === BUNDLE) return "an instruction bundle, expected an offline trace";
    return undefined;
  }

  many(bytes: Uint8Array, at: number, end: number, out: Batch, note: (at: number) => void): number {
    // Before the header every record is looked at.
    if (this.#seen[HEADER] === 0) return 0;
    const whole = Math.min(Decode.PIECE, end - at);
    const piece = bytes.subarray(at, at + whole - (whole % this.size));
    const { taken, seen } = Decode.drmemtrace(piece, KINDS, out, note);
    for (const [type, count] of seen.entries()) this.#seen[type]! += count;
    if (taken > 0) this.#last = piece[taken - this.size]! | (piece[taken - this.size + 1]! << 8);
    return taken;
  }

  end(): string | undefined {
    return this.#last === FOOTER ? undefined : "the file ends here, expected a footer record";
  }

  get types(): ReadonlyMap<number, number> {
    const seen = Array.from(this.#seen, (count, type): [number, number] => [type, count]);
    return new Map(seen.filter(([, count]) => count > 0));
  }

  #access(view: DataView, at: number, kind: Records.Kind, out: Batch): string | undefined {
    return accessAt(view, at + 4, kind, view.getUint16(at + 2, true), out);
  }
}
