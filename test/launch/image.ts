// Firmware images made for tests: a table of GUIDs, SEV metadata, and nothing else in them.
import { concat } from "../../ts/attest/bytes.ts";
import { guidBytes } from "../../ts/launch/image/guid.ts";

export const FOOTER = "96b582de-1fb2-45f7-baea-a366c55a082d";
export const RESET_BLOCK = "00f771de-1a7e-4fcb-890e-68c77e2fb44e";
export const HASH_TABLE = "7255371f-3a3b-4b04-927b-1da6efa8d454";
export const METADATA = "dc886566-984a-4798-a75e-5585a7bf67cc";
export const SVSM_INFO = "a789a612-0597-4c4b-a49f-cbb1fe9d1ddd";

export const words = (...values: number[]): Uint8Array =>
  new Uint8Array(Uint32Array.from(values).buffer);

export type Entry = [guid: string, data: Uint8Array, length?: number];
export type SectionRow = [gpa: number, bytes: number, type: number];

/** An entry: data, length, GUID. `length` may lie. */
const entry = ([guid, data, length = data.length + 18]: Entry) =>
  concat(data, Uint8Array.of(length & 0xff, length >> 8), guidBytes(guid));

/** Where metadata stand in every image that `imageOf` makes with sections, from its end. */
export const FROM_END = 0x800;

export const SECTIONS: readonly SectionRow[] = [
  [0x800000, 0x3000, 1],
  [0x80d000, 0x1000, 2],
  [0x80e000, 0x1000, 3],
  [0x810000, 0x1000, 0x10],
];

export interface ImageOptions {
  size?: number;
  entries?: Entry[];
  sections?: readonly SectionRow[] | undefined;
  /** Length of the whole table, in the footer; default the truth. */
  footerLength?: number;
  /** Signature, length, version and count of the metadata; default the truth. */
  head?: (number | undefined)[];
}

export const ENTRIES: Entry[] = [
  [RESET_BLOCK, words(0x80b004)],
  [HASH_TABLE, words(0x810c00, 0x400)],
];

export function imageOf(options: ImageOptions = {}): Uint8Array {
  const { size = 0x2000, sections = SECTIONS, head = [] } = options;
  const entries = [...(options.entries ?? ENTRIES)];
  const image = new Uint8Array(size).fill(0x5a);
  if (sections.length > 0) {
    if (!entries.some(([guid]) => guid === METADATA)) entries.push([METADATA, words(FROM_END)]);
    const truth = [0x56455341, 16 + 12 * sections.length, 1, sections.length];
    const start = truth.map((value, i) => head[i] ?? value);
    image.set(words(...start, ...sections.flat()), size - FROM_END);
  }
  const body = concat(...entries.reverse().map(entry));
  const footer = entry([FOOTER, new Uint8Array(0), options.footerLength ?? body.length + 18]);
  image.set(concat(body, footer), size - 32 - footer.length - body.length);
  return image;
}

/** examples/firmware/tables.fd: what AmdSev's OVMF has in its tables, with nothing behind them. */
export const exampleImage = (): Uint8Array =>
  imageOf({
    size: 0x1000,
    sections: [
      [0x800000, 0x9000, 1],
      [0x80a000, 0x3000, 1],
      [0x80d000, 0x1000, 2],
      [0x80e000, 0x1000, 3],
      [0x80f000, 0x1000, 4],
      [0x810000, 0x1000, 0x10],
      [0x811000, 0xf000, 1],
    ],
  });
