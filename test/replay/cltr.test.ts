// .cltr: what is written is read back, and nothing else passes for it.
import { Batch, openTrace, TraceWriter } from "../../dist/index.js";
import { assert, rejects, suite } from "../kit.ts";
import { parse } from "../oracle/lackey.ts";
import { batchOf, chunks, drain, randomLog, read, same, utf8 } from "./traces.ts";

const test = suite(".cltr");

const join = (parts: Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));

async function converted(log: string, notes = {}, batch = new Batch()): Promise<Uint8Array> {
  const trace = await openTrace(chunks(utf8(log), 1 << 16), "trace.txt");
  const writer = new TraceWriter(notes);
  const parts = [writer.start()];
  while ((await trace.next(batch)) > 0) parts.push(writer.encode(batch));
  return join([...parts, writer.end()]);
}

const file = (...records: number[]): Uint8Array =>
  join([new TraceWriter().start(), Uint8Array.from(records)]);

const open = (bytes: Uint8Array, chunk = 1 << 16) => openTrace(chunks(bytes, chunk), "t.cltr");
const unlined = (log: string) => parse(log).map((access) => ({ ...access, line: 0 }));

test("seeded random logs come back record by record, however the stream is cut", async () => {
  for (const seed of [11, 12, 13]) {
    const log = randomLog(seed, 700);
    const bytes = await converted(log, {}, batchOf(97));
    assert.equal(bytes, await converted(log), `seed ${seed}: batches leave no trace in the file`);
    for (const [chunk, records] of [
      [1, 65536],
      [13, 5],
      [1 << 20, 1],
    ] as const) {
      const seen = await read(bytes, { chunk, batch: batchOf(records) });
      same(seen, unlined(log), `seed ${seed}, chunks of ${chunk}, batches of ${records}`);
    }
  }
});

test("a file larger than every buffer comes back", async () => {
  const log = randomLog(14, 70_000);
  const bytes = await converted(log);
  assert.is(bytes.length > 1 << 18, true);
  same(await read(bytes, { chunk: 99_991 }), unlined(log), "seed 14");
});

test("the header keeps the command and the sampled note, and both may be absent", async () => {
  const notes = { command: "valgrind … ls", sampled: "records 5 to 9" };
  const noted = await open(await converted("I  10,1\n", notes), 1);
  assert.equal(
    [noted.command, noted.sampled, noted.format],
    [notes.command, notes.sampled, "cltr"],
  );
  const bare = await open(await converted("I  10,1\n"));
  assert.equal([bare.command, bare.sampled], [undefined, undefined]);
  const long = new TraceWriter({ command: "x".repeat(65537) });
  assert.throws(() => long.start(), /command: 65537 bytes, expected at most 65536/);
});

test("the bytes are those of docs/trace-format.md", async () => {
  const log = "I  1000,3\nI  1003,3\n L 8,8\nI  1000,3\n L 10,32\n S ffffffffffffffff,1\n";
  const expected = file(
    0x18,
    0x80,
    0x40, // fetch of 3: +0x1000
    0x98, // fetch of 3, expected
    0x41,
    0x10, // load of 8: +8
    0x18,
    0x0b, // fetch of 3: -6
    0x01,
    0x20,
    0x20, // load of 32 by another instruction: +16
    0x0a,
    0x01, // store of 1: -1
    0x07,
    0x06,
  );
  assert.equal(await converted(log), expected);
});

test("every file cut short is refused at its last byte", async () => {
  const bytes = await converted(randomLog(15, 40), { command: "c", sampled: "s" });
  for (let length = 4; length < bytes.length; length++) {
    const cut = async () => drain(await open(bytes.subarray(0, length), 1 + (length % 5)));
    await rejects(cut(), new RegExp(`^t\\.cltr: byte ${length}: the file ends in a `));
  }
});

const varint8 = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80];
const WRONG: [string, Uint8Array, RegExp][] = [
  ["no record", file(7, 0), /^t\.cltr: no record, expected at least one$/],
  [
    "a wrong count",
    file(0x18, 2, 7, 9),
    /^t\.cltr: byte 18: 1 records, expected 9 by the end marker$/,
  ],
  ["data behind the end", file(0x18, 2, 7, 1, 0), /^t\.cltr: byte 20: data after the end marker$/],
  [
    "a halt with a size",
    file(0x0e, 7, 1),
    /^t\.cltr: byte 16: head byte 0xe, expected no size on it$/,
  ],
  ["a size of 0", file(0x00, 0, 2, 7, 1), /^t\.cltr: byte 16: size 0, expected 1 to 4096$/],
  [
    "a size of 4097",
    file(0x01, 0x81, 0x20, 2, 7, 1),
    /^t\.cltr: byte 16: size 4097, expected 1 to 4096$/,
  ],
  ["an endless size", file(0x01, ...varint8, 2, 7, 1), /byte 16: size of over 8 bytes, expected 1/],
  [
    "a transfer of 2^31 + 1",
    file(0x04, 0x81, 0x80, 0x80, 0x80, 0x08, 2, 7, 1),
    /size 2147483649, expected 1 to 2147483648$/,
  ],
  [
    "an endless address",
    file(0x09, ...varint8, 2, 7, 1),
    /byte 16: address difference of over 8 bytes/,
  ],
  [
    "an address of 2^47",
    file(0x09, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x40, 7, 1),
    /byte 16: address 140737488355328, expected a canonical/,
  ],
];

test("a damaged file is refused by offset, however the stream is cut", async () => {
  for (const [what, bytes, message] of WRONG) {
    for (const chunk of [1, 1 << 16]) {
      const whole = async () => drain(await open(bytes, chunk));
      await rejects(whole(), message).catch((error) => {
        throw new Error(`${what}: ${error.message}`);
      });
    }
  }
});

test("a version, flags or text of another time is refused", async () => {
  const changed = (offset: number, value: number): Uint8Array => {
    const bytes = join([new TraceWriter({ command: "cc" }).start(), Uint8Array.of(0x18, 2, 7, 1)]);
    bytes[offset] = value;
    return bytes;
  };
  await rejects(open(changed(4, 3)), /^t\.cltr: byte 4: \.cltr version 3, expected 1 or 2$/);
  await rejects(open(changed(6, 1)), /^t\.cltr: byte 6: \.cltr flags 1, expected 0$/);
  await rejects(
    open(changed(10, 2)),
    /^t\.cltr: byte 16: command of 131074 bytes, expected at most/,
  );
  await rejects(open(changed(16, 0xff)), /^t\.cltr: byte 16: command is not UTF-8, expected text$/);
  await rejects(open(changed(8, 99)), /^t\.cltr: byte 22: the file ends in a command/);
});

test("a record is located by its offset", async () => {
  const trace = await open(file(0x18, 0x80, 0x40, 0x98, 0x06, 0x98, 7, 4));
  const batch = new Batch();
  assert.is(await trace.next(batch), 4);
  assert.equal(
    [0, 1, 2, 3].map((ordinal) => trace.locate(ordinal)),
    ["t.cltr: byte 16", "t.cltr: byte 19", "t.cltr: byte 20", "t.cltr: byte 21"],
  );
});
