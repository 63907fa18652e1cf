// Opens a trace of any known format, told from its content, packed or not. Needs no file system: a source is a stream.
import * as Cltr from "../../abi/cltr.ts";
import { BadInput } from "../../error.ts";
import type { CoreModule } from "../../structural.ts";
import { Blkparse, FioLog } from "./block-text.ts";
import { ChampSim, looksLikeChampSim } from "./champsim.ts";
import { CltrReader } from "./cltr.ts";
import { decodeWith } from "./decoding.ts";
import { dramsim3, ramulator } from "./dram-text.ts";
import { Drmemtrace, HEADER } from "./drmemtrace.ts";
import { FixedReader } from "./fixed.ts";
import { Input } from "./input.ts";
import { KvmTrace } from "./kvm.ts";
import { LackeyReader } from "./lackey.ts";
import { LineReader } from "./lines.ts";
import { Pinatrace } from "./pinatrace.ts";
import type { ByteSource, TraceFormat, TraceReader } from "./reader.ts";
import { formatOfLine } from "./sniff.ts";
import type { Packing } from "./unpack.ts";

const READERS: Record<TraceFormat, (input: Input) => TraceReader | Promise<TraceReader>> = {
  cltr: (input) => CltrReader.open(input),
  lackey: (input) => new LackeyReader(input),
  drmemtrace: (input) => new FixedReader(input, new Drmemtrace()),
  champsim: (input) => new FixedReader(input, new ChampSim()),
  dramsim3: (input) => new LineReader(input, dramsim3),
  ramulator: (input) => new LineReader(input, ramulator),
  pinatrace: (input) => new LineReader(input, new Pinatrace()),
  fio: (input) => new LineReader(input, new FioLog()),
  blkparse: (input) => new LineReader(input, new Blkparse()),
  kvm: (input) => new LineReader(input, new KvmTrace()),
};

export const traceFormats: readonly TraceFormat[] = Object.keys(READERS) as TraceFormat[];

/** The reader of a trace; `name` is how messages call it. A `format` that the content contradicts is refused. Where compiling is
 *  forbidden, `module` is what traces are decoded with: the first that is given, for all. */
export async function openTrace(
  source: ByteSource,
  name: string,
  format?: TraceFormat,
  module?: CoreModule,
): Promise<TraceReader> {
  if (module) decodeWith(module);
  const input = new Input(source, name);
  try {
    return await readerOf(input, format);
  } catch (error) {
    await input.close();
    throw error;
  }
}

const PACKINGS: readonly [number[], Packing][] = [
  [[0x1f, 0x8b], "gzip"],
  [[0x50, 0x4b, 0x03, 0x04], "zip"],
  [[0x28, 0xb5, 0x2f, 0xfd], "zstd"],
];
const FOREIGN: readonly [number[], string][] = [
  [[0xfd, 0x37, 0x7a, 0x58], "xz"],
  [[0x42, 0x5a, 0x68], "bzip2"],
];

async function readerOf(input: Input, asked: TraceFormat | undefined): Promise<TraceReader> {
  await input.ensure(4);
  const begins = ([mark]: readonly [number[], string]) =>
    input.end >= mark.length && mark.every((byte, i) => input.buffer[i] === byte);
  const foreign = FOREIGN.find(begins);
  if (foreign)
    throw new BadInput(
      `${input.name}: byte 0: ${foreign[1]} data, expected it unpacked: ${foreign[1]} -dc FILE | cloister ... -`,
    );
  const packing = PACKINGS.find(begins);
  if (packing) {
    input.unpack(packing[1]);
    await input.ensure(4);
  }
  if (input.end === 0) throw new BadInput(`${input.name}: empty, expected a trace`);
  const seen = await formatOf(input, asked);
  if (asked && seen && seen !== asked)
    throw new BadInput(`${input.name}: byte 0: ${seen}, expected ${asked} as --format says`);
  const format = asked ?? seen;
  if (format) return READERS[format](input);
  const first = Array.from(input.buffer.subarray(0, Math.min(input.end, 4)), (byte) =>
    byte.toString(16).padStart(2, "0"),
  );
  throw new BadInput(
    `${input.name}: byte 0: ${first.join(" ")}, expected valgrind lackey text, .cltr, or another of ${traceFormats.join(", ")}`,
  );
}

const SNIFFED = 4096;
const TEXT: readonly TraceFormat[] = traceFormats.filter(
  (format) => format !== "cltr" && format !== "drmemtrace" && format !== "champsim",
);

/** What the content says the format is. Text of an asked format is left to its parser, which names the line. */
async function formatOf(input: Input, asked?: TraceFormat): Promise<TraceFormat | undefined> {
  const view = new DataView(input.buffer.buffer);
  if (input.end >= 4 && view.getUint32(0, true) === Cltr.MAGIC_VALUE) return "cltr";
  if (looksLikeText(input.buffer.subarray(0, Math.min(input.end, 4)))) {
    return asked && TEXT.includes(asked) ? asked : sniff(input);
  }
  if (input.end >= 4 && view.getUint16(0, true) === HEADER && view.getUint16(2, true) <= 8)
    return "drmemtrace";
  await input.ensure(SNIFFED);
  if (looksLikeChampSim(input.buffer.subarray(0, input.end))) return "champsim";
  return asked && !TEXT.includes(asked) && asked !== "cltr" ? asked : undefined;
}

/** Reads no further than the first line that tells. */
async function sniff(input: Input): Promise<TraceFormat> {
  const decoder = new TextDecoder("latin1");
  for (;;) {
    const lines = decoder.decode(input.buffer.subarray(0, input.end)).split(/\r?\n/);
    const more = input.end < SNIFFED && (await input.ensure(input.end + 1));
    // The last may go on.
    for (const line of more ? lines.slice(0, -1) : lines) {
      const format = formatOfLine(line);
      if (format) return format;
    }
    if (!more) return "lackey";
  }
}

/** Printable, or an end of line: a parser then names the line it cannot read. */
function looksLikeText(bytes: Uint8Array): boolean {
  return bytes.every((byte) => (byte >= 0x20 && byte < 0x7f) || (byte >= 9 && byte <= 13));
}
