// Opens a trace of any known format, told from its first bytes, gzipped or not. Needs no file system: a source is a stream.
import * as Cltr from "../../abi/cltr.ts";
import { BadInput } from "../../error.ts";
import { CltrReader } from "./cltr.ts";
import { Input } from "./input.ts";
import { LackeyReader } from "./lackey.ts";
import type { ByteSource, TraceReader } from "./reader.ts";

/** The reader of a trace; `name` is how messages call it. */
export async function openTrace(source: ByteSource, name: string): Promise<TraceReader> {
  const input = new Input(source, name);
  try {
    return await readerOf(input);
  } catch (error) {
    await input.close();
    throw error;
  }
}

async function readerOf(input: Input): Promise<TraceReader> {
  await input.ensure(4);
  if (input.end >= 2 && input.buffer[0] === 0x1f && input.buffer[1] === 0x8b) {
    input.gunzip();
    await input.ensure(4);
  }
  if (input.end === 0) throw new BadInput(`${input.name}: empty, expected a trace`);
  const view = new DataView(input.buffer.buffer);
  if (input.end >= 4 && view.getUint32(0, true) === Cltr.MAGIC_VALUE) {
    return CltrReader.open(input);
  }
  if (looksLikeText(input.buffer.subarray(0, Math.min(input.end, 4))))
    return new LackeyReader(input);
  const seen = Array.from(input.buffer.subarray(0, Math.min(input.end, 4)), (byte) =>
    byte.toString(16).padStart(2, "0"),
  );
  throw new BadInput(
    `${input.name}: byte 0: ${seen.join(" ")}, expected valgrind lackey text, .cltr, or either gzipped`,
  );
}

/** Printable, or an end of line: the lackey parser then names the line it cannot read. */
function looksLikeText(bytes: Uint8Array): boolean {
  return bytes.every((byte) => (byte >= 0x20 && byte < 0x7f) || byte === 10 || byte === 13);
}
