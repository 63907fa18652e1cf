// Writes .cltr, Cloister's own trace format. docs/trace-format.md.
import * as Cltr from "../../abi/cltr.ts";
import { Misuse } from "../../error.ts";
import type { Batch } from "../record.ts";
import * as Records from "../record.ts";
import { Expected } from "./cltr-expected.ts";

const BYTES_MASK = (1 << Cltr.BYTES_WIDTH) - 1;
const EXPECTED = 1 << Cltr.EXPECTED_BIT;

export interface TraceNotes {
  /** The command that captured the trace. */
  command?: string | undefined;
  /** Which part of the run the trace holds, if not all of it. */
  sampled?: string | undefined;
}

/** Makes the bytes of a .cltr file: `start`, then `encode` for each batch, then `end`. */
export class TraceWriter {
  readonly #notes: TraceNotes;
  readonly #expected = new Expected();
  #out: Uint8Array = new Uint8Array(Cltr.RECORD_LIMIT);
  #at = 0;
  #records = 0;

  constructor(notes: TraceNotes = {}) {
    this.#notes = notes;
  }

  /** The header. */
  start(): Uint8Array {
    const command = noteBytes(this.#notes.command, "command");
    const sampled = noteBytes(this.#notes.sampled, "sampled");
    const out = new Uint8Array(Cltr.SIZE + command.length + sampled.length);
    const view = new DataView(out.buffer);
    view.setUint32(Cltr.MAGIC, Cltr.MAGIC_VALUE, true);
    view.setUint16(Cltr.VERSION, Cltr.VERSION_VALUE, true);
    view.setUint32(Cltr.COMMAND_BYTES, command.length, true);
    view.setUint32(Cltr.SAMPLED_BYTES, sampled.length, true);
    out.set(command, Cltr.SIZE);
    out.set(sampled, Cltr.SIZE + command.length);
    return out;
  }

  /** The records of a batch. */
  encode(batch: Batch): Uint8Array {
    if (this.#out.length < batch.length * Cltr.RECORD_LIMIT) {
      this.#out = new Uint8Array(batch.capacity * Cltr.RECORD_LIMIT);
    }
    this.#at = 0;
    for (let ordinal = 0; ordinal < batch.length; ordinal++) {
      const word = ordinal * Records.WORDS;
      this.#record(
        Records.kindOf(batch.words[word + Records.OP]!),
        batch.words[word + Records.BYTES]!,
        (batch.words[word + Records.GVA_HIGH]! | 0) * 2 ** 32 +
          batch.words[word + Records.GVA_LOW]!,
      );
    }
    this.#records += batch.length;
    return this.#out.slice(0, this.#at);
  }

  /** The end marker, without which a reader calls the file cut short. */
  end(): Uint8Array {
    this.#at = 0;
    this.#out[this.#at++] = Cltr.KIND_END;
    this.#varint(this.#records);
    return this.#out.slice(0, this.#at);
  }

  #record(kind: Records.Kind, bytes: number, gva: number): void {
    if (kind === Records.HALT) {
      this.#out[this.#at++] = kind;
      return;
    }
    if (kind > Cltr.KIND_END) return this.#late(kind, bytes, gva);
    const row = this.#expected.row(kind);
    const delta = gva - this.#expected.gva(row);
    const coded = bytes <= BYTES_MASK ? bytes : 0;
    const head = kind | (coded << Cltr.BYTES_LSB);
    this.#out[this.#at++] = delta === 0 ? head | EXPECTED : head;
    if (coded === 0) this.#varint(bytes);
    if (delta !== 0) this.#varint(delta < 0 ? -2 * delta - 1 : 2 * delta);
    this.#expected.saw(row, kind, gva, bytes);
  }

  /** A kind that version 1 did not have. */
  #late(kind: Records.Kind, bytes: number, gva: number): void {
    const row = this.#expected.row(kind);
    const delta = gva - this.#expected.gva(row);
    const head = Cltr.KIND_END | ((kind - Cltr.KIND_END) << Cltr.BYTES_LSB);
    this.#out[this.#at++] = delta === 0 ? head | EXPECTED : head;
    this.#varint(bytes);
    if (delta !== 0) this.#varint(delta < 0 ? -2 * delta - 1 : 2 * delta);
    this.#expected.saw(row, kind, gva, kind === Records.EXIT ? 0 : bytes);
  }

  #varint(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.#out[this.#at++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#out[this.#at++] = rest;
  }
}

function noteBytes(text: string | undefined, what: string): Uint8Array {
  const bytes = new TextEncoder().encode(text ?? "");
  if (bytes.length <= Cltr.TEXT_LIMIT) return bytes;
  throw new Misuse(`${what}: ${bytes.length} bytes, expected at most ${Cltr.TEXT_LIMIT}`);
}
