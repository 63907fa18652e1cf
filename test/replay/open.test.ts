// Opening a trace: format and compression from content, windows, failures of the source, and the two traces shipped.
import { readFileSync, statSync } from "node:fs";
import { Batch, openTrace, windowOf } from "../../dist/index.js";
import { assert, rejects, suite } from "../kit.ts";
import { parse } from "../oracle/lackey.ts";
import { batchOf, chance, chunks, drain, gzip, randomLog, read, same, utf8 } from "./traces.ts";

const test = suite("opening a trace");

const open = (bytes: Uint8Array, chunk = 1 << 16) => openTrace(chunks(bytes, chunk), "t");

test("gzip is told from content, however the stream is cut", async () => {
  const log = randomLog(21, 500);
  const zipped = await gzip(utf8(log));
  for (const chunk of [1, 1000, 1 << 20])
    same(await read(zipped, { chunk }), parse(log), "seed 21");
});

test("a ReadableStream serves as well as an iterable", async () => {
  const log = "I  10,1\n L 20,8\n";
  const trace = await openTrace(new Blob([log]).stream(), "blob");
  assert.equal([trace.format, trace.name], ["lackey", "blob"]);
  same(await drain(trace), parse(log), "blob");
  assert.is(trace.bytes, log.length);
});

test("bytes taken are the compressed ones, counts are by kind", async () => {
  const zipped = await gzip(utf8("I  10,1\n L 20,8\n L 28,8\n S 1,1\n M 1,1\n"));
  const trace = await open(zipped, 5);
  await drain(trace);
  assert.is(trace.bytes, zipped.length);
  assert.equal(trace.counts, {
    records: 5,
    fetches: 1,
    loads: 2,
    stores: 1,
    modifies: 1,
    syscalls: 0,
    exits: 0,
    pageStates: 0,
    dmas: 0,
  });
  await trace.close();
});

test("every truncated gzip is refused at its last byte", async () => {
  const zipped = await gzip(utf8(randomLog(22, 30)));
  for (let length = 2; length < zipped.length; length += 1 + (length >> 4)) {
    const message = new RegExp(`^trace\\.txt: byte ${length}: gzip data is cut short`);
    await rejects(read(zipped.subarray(0, length), { chunk: 50 }), message);
  }
});

test("damaged gzip is refused", async () => {
  const zipped = await gzip(utf8(randomLog(23, 300)));
  zipped[zipped.length >> 1]! ^= 0xff;
  await rejects(
    read(zipped),
    /^trace\.txt: (before )?byte \d+: gzip data is .* expected a whole gzip file$|^trace\.txt:\d+:\d+: /,
  );
  const message = await read(Uint8Array.of(0x1f, 0x8b, 1, 2, 3)).catch((error) => error.message);
  assert.match(message, /^trace\.txt: (before )?byte 5: gzip data is [^\n]*$/);
});

test("an error behind gzip says that its place is after decompression", async () => {
  const zipped = await gzip(Uint8Array.of(0x43, 0x4c, 0x54, 0x52, 9, 0, ...new Array(10).fill(0)));
  await rejects(
    read(zipped),
    /^trace\.txt: byte 4 after decompression: \.cltr version 9, expected 1 or 2$/,
  );
});

test("random bytes, and nothing, are no traces", async () => {
  await rejects(open(new Uint8Array(0)), /^t: empty, expected a trace$/);
  await rejects(open(await gzip(new Uint8Array(0))), /^t: empty, expected a trace$/);
  await rejects(
    open(utf8("\x01\x02\x03\x04....")),
    /^t: byte 0: 01 02 03 04, expected valgrind lackey text/,
  );
  for (let seed = 1; seed <= 50; seed++) {
    const below = chance(seed * 77);
    const noise = Uint8Array.from({ length: 5000 }, () => below(256));
    const error = await read(noise).catch((thrown: Error) => thrown);
    assert.is(error instanceof Error && error.name === "BadInput", true, `seed ${seed * 77}`);
    assert.match((error as Error).message, /^[^\n]+$/, `seed ${seed * 77}`);
  }
});

test("a source that fails is heard in its own words, gzipped or not", async () => {
  async function* failing(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
    yield bytes;
    throw new Error("EISDIR: illegal operation on a directory, read");
  }
  const zipped = await gzip(utf8(randomLog(24, 100)));
  for (const bytes of [utf8("I  10,1\n"), zipped.subarray(0, 60)]) {
    const whole = async () => drain(await openTrace(failing(bytes), "t"));
    await rejects(whole(), /^EISDIR: illegal operation/);
  }
});

test("a refused source is closed", async () => {
  let closed = false;
  async function* source(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) yield Uint8Array.of(0, 1, 2, 3, 4);
    } finally {
      closed = true;
    }
  }
  await rejects(openTrace(source(), "t"), /byte 0/);
  assert.is(closed, true);
});

test("a window is the records from skip on, limit of them", async () => {
  const log = randomLog(25, 300);
  const all = parse(log);
  for (const [skip, limit] of [
    [0, 7],
    [5, 1],
    [10, 100],
    [99, 1e9],
    [all.length - 1, 1],
  ] as const) {
    for (const records of [1, 7, 65536]) {
      const trace = windowOf(await open(utf8(log)), skip, limit);
      const seen = await drain(trace, batchOf(records));
      same(
        seen,
        all.slice(skip, skip + limit),
        `skip ${skip}, limit ${limit}, batches of ${records}`,
      );
      assert.is(trace.counts.records, seen.length);
    }
  }
  const beyond = windowOf(await open(utf8("I  1,1\n")), 1, 5);
  await rejects(drain(beyond), /^t: 1 records, expected more than the 1 to skip$/);
});

// The counts that examples/convert-trace.mjs printed, from the page that says how the traces were captured.
const printed = readFileSync("test/vectors/README.md", "utf8").match(/^\{"records".*$/gm) ?? [];

for (const [index, name] of ["gzip", "sqlite"].entries()) {
  test(`the shipped ${name} trace is whole, small, and counts as its page says`, async () => {
    const path = `examples/traces/${name}.cltr.gz`;
    assert.is(statSync(path).size <= 1 << 20, true, "at most 1 MiB");
    const trace = await open(readFileSync(path), 10_007);
    const batch = new Batch();
    while ((await trace.next(batch)) > 0);
    assert.equal(trace.counts, JSON.parse(printed[index]!));
    assert.is(trace.sampled, undefined);
    assert.is(readFileSync("test/vectors/README.md", "utf8").includes(`${trace.command}\n`), true);
  });
}
