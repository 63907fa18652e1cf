// The core's parser of .cltr (assembly/parse/cltr.ts) over one instance for all readers. It holds where one of them expects
// accesses: the one that decoded last.
import * as Cltr from "../../abi/cltr.ts";
import * as Layout from "../../abi/cltr-decoder.ts";
import * as Memory from "../../abi/memory.ts";
import type { Silicon } from "../../core/silicon.ts";
import * as Records from "../record.ts";
import { Batch, type Counts, type Kind } from "../record.ts";
import { rowOf } from "./cltr-expected.ts";
import { decoding } from "./decoding.ts";

const at = (offset: number): number => Memory.FRAME_TABLE + offset;
const low = (width: number): number => 2 ** width - 1;
// The longest piece of a trace that is decoded at once, and as many records as stay in the first-level cache until they are copied.
const PIECE = 0x10000;
const AT_ONCE = 2048;

interface Instance extends Silicon {
  words: Uint32Array;
  owner: CltrDecoder | undefined;
}

let made: Instance | undefined;

function instance(): Instance {
  if (!made) {
    const fresh = decoding();
    layHandlers(fresh.bytes);
    made = { ...fresh, words: new Uint32Array(fresh.bytes.buffer), owner: undefined };
  }
  return made;
}

function layHandlers(bytes: Uint8Array): void {
  for (let kind = 0; kind < Cltr.KIND_LIMIT; kind++) {
    if (kind === Cltr.KIND_END) continue;
    const row = at(Layout.OPERATIONS) + kind * Layout.COLUMNS;
    for (let size = 0; size < Layout.COLUMNS; size++)
      bytes[row + size] = Records.operation(kind as Kind, size);
  }
  for (let head = 0; head < 1 << Cltr.EXPECTED_BIT; head++) {
    const kind = head & low(Cltr.KIND_WIDTH);
    const size = head >> Cltr.BYTES_LSB;
    const usual = kind <= Cltr.KIND_MODIFY && size > 0;
    bytes[at(Layout.HANDLERS) + head] = usual
      ? Records.operation(kind as Kind, size)
      : Layout.UNUSUAL;
  }
}

/** One reader's. */
export class CltrDecoder {
  /** Where the records of the batch filled last lie in the trace. */
  offsets: Uint32Array = new Uint32Array(Batch.RECORDS);

  readonly #late: boolean;
  // Where accesses are expected, while another reader decodes.
  #kept: Uint8Array | undefined;

  /** `late`: whether the trace may have kinds that version 1 had not. */
  constructor(late: boolean) {
    this.#late = late;
  }

  /** Decodes records from the start of `bytes` into the batch, as many as there are and it has room for, and counts them; `before`
   *  goes onto their offsets. Answers the bytes taken: less than all before what is no record or not whole, or past PIECE. */
  decode(bytes: Uint8Array, before: number, out: Batch, counts: Counts): number {
    const { exports, bytes: memory, words } = this.#own();
    const length = Math.min(bytes.length, PIECE, (out.capacity - out.length) * Cltr.RECORD_LIMIT);
    if (this.offsets.length < out.capacity) this.offsets = new Uint32Array(out.capacity);
    memory.set(bytes.subarray(0, length), Memory.WINDOW);
    const kinds = words.subarray(at(Layout.COUNTS) / 4, at(Layout.COUNTS) / 4 + Cltr.KIND_LIMIT);
    kinds.fill(0);
    const end = Memory.WINDOW + length;
    let taken = 0;
    for (let records = -1; records !== 0 && taken < length; ) {
      const room = Math.min(out.capacity - out.length, AT_ONCE);
      const from = Memory.WINDOW + taken;
      const answer = exports.parseCltr(from, end, room, before + taken, this.#late);
      records = answer >>> Layout.MADE_LSB;
      taken += answer & low(Layout.TAKEN_WIDTH);
      const [first, offset] = [Memory.BATCH / 4, Memory.EXPECTED / 4];
      this.offsets.set(words.subarray(offset, offset + records), out.length);
      out.words.set(
        words.subarray(first, first + records * Records.WORDS),
        out.length * Records.WORDS,
      );
      out.length += records;
    }
    Records.countKinds(counts, kinds);
    return taken;
  }

  /** Keeps nothing: the trace has ended. */
  end(): void {
    if (made?.owner === this) made.owner = undefined;
    this.#kept = undefined;
  }

  /** Where the next access of a kind is expected. */
  expected(kind: number): number {
    const { view } = this.#own();
    const row = rowOf(kind, view.getUint32(at(Layout.FETCHED), true));
    return Number(view.getBigInt64(at(Layout.ENDS) + 8 * row, true));
  }

  /** The instance, with what this reader expects in it. */
  #own(): Instance {
    const shared = instance();
    if (shared.owner === this) return shared;
    const state = shared.bytes.subarray(at(Layout.ENDS), at(Layout.HANDLERS));
    if (shared.owner) shared.owner.#kept = state.slice();
    if (this.#kept) state.set(this.#kept);
    else state.fill(0);
    this.#kept = undefined;
    shared.owner = this;
    return shared;
  }
}
