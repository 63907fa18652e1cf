// Reads a trace of binary records that all have one size; what a record means is the layout's business. docs/trace-format.md.
import { BadInput } from "../../error.ts";
import * as Records from "../record.ts";
import { Batch, type Counts, type Kind } from "../record.ts";
import type { Input } from "./input.ts";
import type { TraceFormat, TraceReader } from "./reader.ts";

/** One binary format. */
export interface Layout {
  readonly format: TraceFormat;
  readonly size: number;
  /** Most records that one of the file's makes. */
  readonly most: number;
  /** Adds what the record at `at` is; answers what is wrong with it, "seen, expected ...". */
  record(view: DataView, at: number, out: Batch): string | undefined;
  /** Adds as many records from `at` to `end` as it can at once, and their offsets to `offsets`; answers the bytes taken. */
  many?(
    bytes: Uint8Array,
    at: number,
    end: number,
    out: Batch,
    offsets: (at: number) => void,
  ): number;
  /** What is wrong with the end of the file here. */
  end?(): string | undefined;
  /** How often each of the format's own record types was seen. */
  readonly types?: ReadonlyMap<number, number>;
}

export class FixedReader implements TraceReader {
  readonly format: TraceFormat;
  readonly sampled = undefined;
  readonly command = undefined;
  readonly counts: Counts = Records.noCounts();
  readonly #input: Input;
  readonly #view: DataView;
  readonly #layout: Layout;
  readonly #made: Batch;
  #given = 0;
  #offsets: Float64Array = new Float64Array(Batch.RECORDS);
  #ended = false;

  constructor(input: Input, layout: Layout) {
    this.#input = input;
    this.#view = new DataView(input.buffer.buffer, input.buffer.byteOffset);
    this.#layout = layout;
    this.#made = new Batch(new Uint32Array(layout.most * Records.WORDS));
    this.format = layout.format;
  }

  get name(): string {
    return this.#input.name;
  }

  get bytes(): number {
    return this.#input.bytes;
  }

  get types(): ReadonlyMap<number, number> | undefined {
    return this.#layout.types;
  }

  async next(batch: Batch): Promise<number> {
    const input = this.#input;
    batch.length = 0;
    if (this.#offsets.length < batch.capacity) this.#offsets = new Float64Array(batch.capacity);
    for (;;) {
      this.#give(batch);
      if (batch.length === batch.capacity) break;
      if (input.end - input.at >= this.#layout.size) this.#decode(batch);
      else if (this.#ended || !(await input.more())) break;
    }
    if (batch.length === 0) this.#finish();
    Records.count(this.counts, batch);
    return batch.length;
  }

  locate(ordinal: number): string {
    return this.#input.position(this.#offsets[ordinal]!);
  }

  close(): Promise<void> {
    return this.#input.close();
  }

  /** Decodes what the buffer holds, as long as the batch has room for the most that a record makes. */
  #decode(batch: Batch): void {
    const input = this.#input;
    const { size, most } = this.#layout;
    do {
      const first = input.base + input.at;
      let made = batch.length;
      input.at +=
        this.#layout.many?.(input.buffer, input.at, input.end, batch, (at) => {
          this.#offsets[made++] = first + at;
        }) ?? 0;
      if (input.end - input.at < size || batch.length === batch.capacity) return;
      const roomy = batch.capacity - batch.length >= most;
      const out = roomy ? batch : this.#made;
      const before = out.length;
      const offset = input.base + input.at;
      const wrong = this.#layout.record(this.#view, input.at, out);
      if (wrong) throw new BadInput(`${input.position(offset)}: ${wrong}`);
      input.at += size;
      if (!roomy) return;
      for (let made = before; made < batch.length; made++) this.#offsets[made] = offset;
    } while (input.end - input.at >= size && batch.length < batch.capacity);
  }

  #give(batch: Batch): void {
    const { words } = this.#made;
    while (this.#given < this.#made.length && batch.length < batch.capacity) {
      const word = this.#given++ * Records.WORDS;
      this.#offsets[batch.length] = this.#input.offset - this.#layout.size;
      batch.push(words[word]!, words[word + 1]!, words[word + 2]!, words[word + 3]!);
    }
    if (this.#given < this.#made.length) return;
    this.#made.length = 0;
    this.#given = 0;
  }

  #finish(): void {
    const input = this.#input;
    this.#ended = true;
    const where = input.position(input.offset);
    if (input.end > input.at)
      throw new BadInput(
        `${where}: the file ends in a record, expected ${this.#layout.size} bytes of ${this.format}`,
      );
    const wrong = this.#layout.end?.();
    if (wrong) throw new BadInput(`${where}: ${wrong}`);
    if (this.counts.records === 0)
      throw new BadInput(`${this.name}: no record, expected at least one`);
  }
}

/** Adds an access at a 64-bit little-endian address; answers what is wrong with it. */
export function accessAt(
  view: DataView,
  at: number,
  kind: Kind,
  bytes: number,
  out: Batch,
): string | undefined {
  const low = view.getUint32(at, true);
  const high = view.getUint32(at + 4, true);
  if (bytes < 1 || bytes > Records.ACCESS_LIMIT)
    return `size ${bytes}, expected 1 to ${Records.ACCESS_LIMIT}`;
  if ((high >= 0x7fff || high < 0) && !Records.isCanonical(high, low, bytes)) {
    const gva = (BigInt(high) << 32n) | BigInt(low);
    return `${bytes} bytes at 0x${gva.toString(16)}, expected a canonical address (bits 63 to 47 equal) to the last byte`;
  }
  out.push(low, high, bytes, Records.operation(kind, bytes));
  return undefined;
}
