// node examples/convert-trace.mjs IN OUT [--command TEXT] [--skip N] [--limit N] [--sampled TEXT]: any trace to .cltr.gz.
import { createReadStream, createWriteStream } from "node:fs";
import { rm } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { parseArgs } from "node:util";
import { createGzip } from "node:zlib";
import { Batch, openTrace, TraceWriter, windowOf } from "cloister";

const text = { type: "string" };
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { command: text, sampled: text, skip: text, limit: text },
});
const [from, to] = positionals;
const whole = await openTrace(createReadStream(from), from);
const trace = windowOf(whole, Number(values.skip ?? 0), Number(values.limit ?? Infinity));

async function* encoded() {
  const writer = new TraceWriter({ command: whole.command, sampled: whole.sampled, ...values });
  const batch = new Batch();
  yield writer.start();
  while ((await trace.next(batch)) > 0) yield writer.encode(batch);
  yield writer.end();
}

try {
  await pipeline(encoded, createGzip({ level: 9 }), createWriteStream(to));
  console.log(JSON.stringify(trace.counts));
} catch (error) {
  await rm(to, { force: true });
  console.error(error.message);
  process.exitCode = 2;
}
