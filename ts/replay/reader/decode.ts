// The core's parsers (assembly/parse/) over an instance of their own, which holds nothing between two calls but what it lent.
import * as Layout from "../../abi/decode.ts";
import * as Line from "../../abi/lackey-line.ts";
import * as Memory from "../../abi/memory.ts";
import type { Silicon } from "../../core/silicon.ts";
import {
  ACCESS_OPERATIONS,
  type Batch,
  type Counts,
  type Kind,
  operation,
  WORDS,
} from "../record.ts";
import { decoding, MEMORY } from "./decoding.ts";

/** The longest piece of a trace that is decoded at once, in bytes, where it does not lie in a room. */
export const PIECE = 0x10000;

const NEWLINE = 0x0a;

/** What lackey's lines begin with: fetches, loads, stores and modifies. */
export const LACKEY: readonly string[] = ["I  ", " L ", " S ", " M "];

const scratch = (at: number): number => Memory.SCRATCH + at;

interface Decoder extends Silicon {
  words: Uint32Array;
}

let made: Decoder | undefined;

function decoder(): Decoder {
  if (!made) {
    const fresh = decoding();
    fresh.bytes.set(ACCESS_OPERATIONS, scratch(Layout.OPERATIONS));
    for (const [kind, prefix] of LACKEY.entries()) setLine(fresh, prefix, kind as Kind);
    made = { ...fresh, words: new Uint32Array(fresh.bytes.buffer) };
  }
  return made;
}

function setLine({ bytes, view }: Silicon, prefix: string, kind: Kind): void {
  const characters = new TextEncoder().encode(prefix);
  const row = scratch(Layout.LINES) + (characters[1]! % Line.ROWS) * Line.SIZE;
  bytes.set(characters, row + Line.PREFIX);
  view.setUint32(row + Line.COUNT, 1 << (8 * kind), true);
  for (let size = 1; size <= Line.NARROW; size++) {
    const half = row + Line.HALVES + 8 * (size - 1);
    view.setUint32(half, size, true);
    view.setUint32(half + 4, operation(kind, size), true);
  }
}

// Rooms where a reader holds its text, which then is decoded where it lies. Nothing else of an instance that decodes lies behind
// FRAME_TABLE.
const ROOM = 0x100000;
const rooms: number[] = [];
for (let at = Memory.FRAME_TABLE; at + ROOM <= MEMORY; at += ROOM) rooms.push(at);

/** Lends up to 1 MiB of the memory in which traces are decoded; nothing where all is lent. */
export function lend(bytes: number): Uint8Array | undefined {
  const at = rooms.pop();
  return at === undefined ? undefined : decoder().bytes.subarray(at, at + bytes);
}

export function giveBack(room: Uint8Array): void {
  rooms.push(room.byteOffset);
}

// As many records as Memory.BATCH holds.
const STAGED = 0x10000;

function take({ words }: Decoder, records: number, out: Batch): void {
  const from = Memory.BATCH / 4;
  out.words.set(words.subarray(from, from + records * WORDS), out.length * WORDS);
  out.length += records;
}

/** Decodes lackey's lines of a text from one offset to another (behind a newline) into the batch, and counts them. Answers the bytes
 *  taken: less than all before a line that is no well-formed access, where the batch is full, and behind a piece that was enough for
 *  one call. */
export function lackey(
  text: Uint8Array,
  from: number,
  end: number,
  out: Batch,
  counts: Counts,
): number {
  const instance = decoder();
  const { exports, bytes, words, view } = instance;
  let [at, until] = [text.byteOffset + from, text.byteOffset + end];
  if (text.buffer !== bytes.buffer) {
    const piece = text.subarray(from, Math.min(end, from + PIECE));
    const length = piece.lastIndexOf(NEWLINE) + 1;
    bytes.set(piece, Memory.WINDOW);
    [at, until] = [Memory.WINDOW, Memory.WINDOW + length];
  }
  const records = exports.parseLackey(
    at,
    until,
    Memory.BATCH,
    Math.min(out.capacity - out.length, STAGED),
  );
  take(instance, records, out);
  const kinds = scratch(Layout.COUNTS) / 4;
  counts.fetches += words[kinds]!;
  counts.loads += words[kinds + 1]!;
  counts.stores += words[kinds + 2]!;
  counts.modifies += words[kinds + 3]!;
  counts.records += records;
  return view.getUint32(scratch(Layout.TAKEN), true);
}

/** Decodes records of drmemtrace. `note` hears the offset of each that made a record. */
export function drmemtrace(
  piece: Uint8Array,
  kinds: Uint8Array,
  out: Batch,
  note: (at: number) => void,
): { taken: number; seen: Uint32Array } {
  const instance = decoder();
  const { exports, bytes, view, words } = instance;
  bytes.set(piece, Memory.WINDOW);
  bytes.set(kinds, scratch(Layout.KINDS));
  bytes.fill(0, scratch(Layout.SEEN), scratch(Layout.TAKEN));
  const end = Memory.WINDOW + piece.length;
  const records = exports.parseDrmemtrace(Memory.WINDOW, end, out.capacity - out.length);
  take(instance, records, out);
  for (let i = 0; i < records; i++) note(words[Memory.EXPECTED / 4 + i]!);
  const seen = scratch(Layout.SEEN) / 4;
  return {
    taken: view.getUint32(scratch(Layout.TAKEN), true),
    seen: words.subarray(seen, seen + Layout.DRMEMTRACE_TYPES),
  };
}
