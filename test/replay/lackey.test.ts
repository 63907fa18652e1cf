// valgrind lackey text: every rule of docs/trace-format.md, and every way to break one.
import { readFileSync } from "node:fs";
import { assert, rejects, suite } from "../kit.ts";
import { parse } from "../oracle/lackey.ts";
import { batchOf, randomLog, read, same, utf8 } from "./traces.ts";

const test = suite("lackey");

const at = (kind: string, gva: bigint, bytes: number, line: number) => ({ kind, gva, bytes, line });

test("each of the four lines is its record", async () => {
  const log = "I  04001000,3\n L 1ffefff640,8\n S 0,4096\n M ffffffffffffffff,1\n";
  assert.equal(await read(log), [
    at("fetch", 0x04001000n, 3, 1),
    at("load", 0x1ffefff640n, 8, 2),
    at("store", 0n, 4096, 3),
    at("modify", -1n, 1, 4),
  ]);
});

test("CR LF, a missing last end of line, capitals and leading zeros change nothing", async () => {
  const plain =
    "==1== x\nI  04ab,3\nSYSCALL[1,1](1) sys_write ( 3, 0x10, 4 )[sync] --> Success(0x4)\n L 5,8\n";
  const expected = await read(plain);
  assert.is(expected.length, 3);
  assert.equal(await read(plain.replaceAll("\n", "\r\n")), expected);
  assert.equal(await read(plain.trimEnd()), expected);
  assert.equal(await read(plain.replaceAll("\n", "\r\n").slice(0, -2)), expected);
  assert.equal(await read(plain.replace("04ab,3", "00000000000004AB,0003")), expected);
});

test("the records of seeded random logs are the slow twin's, however the stream is cut", async () => {
  for (const seed of [1, 2, 3, 4, 5, 6]) {
    const log = randomLog(seed, 800);
    const expected = parse(log);
    for (const [chunk, records] of [
      [1, 65536],
      [7, 3],
      [4096, 1],
      [1 << 20, 100],
    ] as const) {
      const seen = await read(log, { chunk, batch: batchOf(records) });
      same(seen, expected, `seed ${seed}, chunks of ${chunk}, batches of ${records}`);
    }
    const halts = expected.filter(({ kind }) => kind === "halt").length;
    assert.is(halts > 5 && expected.length > 500, true, `seed ${seed} tests something`);
  }
});

test("a log larger than every buffer is read in parts", async () => {
  const log = randomLog(7, 60_000);
  assert.is(log.length > 3 << 18, true);
  same(await read(log, { chunk: 100_001, batch: batchOf(999) }), parse(log), "seed 7");
});

const vector = (name: string): string => readFileSync(`test/vectors/lackey/${name}.txt`, "latin1");

test("valgrind's own log of every kind of call gives the transfers and halts the program made", async () => {
  const seen = (await read(vector("parent"))).filter(({ kind }) => /in|out|halt/.test(kind));
  const big = 0x10d1a0n;
  const scratch = 0x7000_0000_0000n;
  // calls.c, in its order; the loader's four reads come first
  const expected: [string, number, bigint?][] = [
    ["out", 8192, big],
    ["out", 300, scratch],
    ["out", 10, big],
    ["out", 300, scratch],
    ["in", 300, scratch],
    ["in", 17, big],
    ["in", 300, scratch],
    ["in", 300, scratch],
    ["out", 300, scratch],
    ["out", 500, scratch],
    ["out", 600, scratch],
    ["halt", 0],
    ["out", 5],
    ["halt", 0],
    ["in", 5],
    ["halt", 0],
    ["out", 2],
    ["in", 2, big],
    ["out", 300, scratch],
    ["in", 300, scratch],
    ...Array.from({ length: 8 }, (): [string, number] => ["halt", 0]),
  ];
  const calls = seen.slice(4);
  assert.is(calls.length, expected.length);
  expected.forEach(([kind, bytes, gva], index) => {
    assert.equal([calls[index]!.kind, calls[index]!.bytes], [kind, bytes], `call ${index}`);
    if (gva !== undefined) assert.is(calls[index]!.gva, gva, `call ${index}`);
  });
  same(await read(vector("parent")), parse(vector("parent")), "parent");
  same(await read(vector("child")), parse(vector("child")), "child");
});

test("a line that runs into the next where a thread was made is both, and a line may break behind a call that waits", async () => {
  const log = [
    "SYSCALL[9,1](56) sys_clone ( 3d0f00, 0x69ff470, 0x1 ) --> [pre-success] Success(0x77e5) I  0532db42,3",
    "SYSCALL[9,2](0) sys_read ( 3, 0x1000, 64 ) --> [async] ... ",
    "",
    "SYSCALL[9,1](56) sys_clone ( 3d0f00, 0x69ff470, 0x1 ) --> [pre-success] Success(0x77e7) SYSCALL[9,2](0) ... [async] --> Success(0x5) ",
    "SYSCALL[9,1](435) sys_clone3 ( 0x1, 88 ) --> [pre-success] Success(0x77e9)  S 10,8",
    "I  20,2\n",
  ].join("\n");
  const expected = [
    at("fetch", 0x532db42n, 3, 1),
    at("in", 0x1000n, 5, 4),
    at("store", 0x10n, 8, 5),
    at("fetch", 0x20n, 2, 6),
  ];
  for (const chunk of [1, 50, 4096]) assert.equal(await read(log, { chunk }), expected);
  assert.equal(parse(log), expected);
  const twice = "SYSCALL[9,2](0) sys_read ( 3, 0x1000, 64 ) --> [async] ... \n\n\nI  20,2\n";
  await rejects(read(twice), /^trace\.txt:3:1: "", expected/);
});

test("two threads' results find their own calls", async () => {
  const log = [
    "SYSCALL[9,1](0) sys_read ( 3, 0x1000, 64 ) --> [async] ... ",
    "SYSCALL[9,2](1) sys_write ( 3, 0x2000, 64 ) --> [async] ... ",
    "SYSCALL[8,1](0) sys_read ( 3, 0x3000, 64 ) --> [async] ... ",
    "SYSCALL[9,1](0) ... [async] --> Success(0x1) ",
    "SYSCALL[8,1](0) ... [async] --> Success(0x3) ",
    "SYSCALL[9,2](1) ... [async] --> Success(0x2) ",
    "SYSCALL[9,2](1) ... [async] --> Success(0x2) ",
    "SYSCALL[9,3](1) ... [async] --> Success(0x2) ",
  ].join("\n");
  const expected = [at("in", 0x1000n, 1, 4), at("in", 0x3000n, 3, 5), at("out", 0x2000n, 2, 6)];
  assert.equal(await read(log), expected);
});

const long = "f".repeat(17);
const MALFORMED: [string, RegExp][] = [
  ["I  04001000,3\nX 1,2\n", /^trace\.txt:2:1: "X 1,2", expected "I {2}", " L ", .*"==pid=="$/],
  [" L 1,2\n\n", /^trace\.txt:2:1: "", expected /],
  ["I 04001000,3\n", /^trace\.txt:1:1: "I 04001000,3", expected /],
  [
    "hello from the program I  04001000,3\n",
    /^trace\.txt:1:1: "hello from the program I\.\.\.", expected /,
  ],
  [" L ,8\n", /^trace\.txt:1:4: ",", expected an address$/],
  [" L 12g4,8\n", /^trace\.txt:1:6: "g", expected a digit or ","$/],
  [" L 1234\n", /^trace\.txt:1:8: end of line, expected a digit or ","$/],
  [" L 12\x004,8\n", /^trace\.txt:1:6: byte 0x00, expected a digit or ","$/],
  [` L ${long},8\n`, /^trace\.txt:1:4: 17 digits, expected an address of up to 16$/],
  [" L 1234,\n", /^trace\.txt:1:9: size "", expected 1 to 4096$/],
  [" L 1234,x\n", /^trace\.txt:1:9: size "", expected 1 to 4096$/],
  [" L 1234,0\n", /^trace\.txt:1:9: size "0", expected 1 to 4096$/],
  ["I  1234,4097\n", /^trace\.txt:1:9: size "4097", expected 1 to 4096$/],
  [` S 1234,${"9".repeat(400)}\n`, /^trace\.txt:1:9: size of 400 digits, expected 1 to 4096$/],
  [" M 1234,8 \n", /^trace\.txt:1:10: " ", expected the end of the line$/],
  [" M 1234,8\r\r\n", /^trace\.txt:1:11: byte 0x0d, expected the end of the line$/],
  [
    " L 800000000000,8\n",
    /^trace\.txt:1:4: 8 bytes at 0x800000000000, expected a canonical address/,
  ],
  [" L 7fffffffffff,2\n", /^trace\.txt:1:4: 2 bytes at 0x7fffffffffff, expected a canonical/],
  [" S ffff7fffffffffff,1\n", /^trace\.txt:1:4: 1 bytes at 0xffff7fffffffffff, expected/],
  [" S ffffffffffffffff,2\n", /^trace\.txt:1:4: 2 bytes at 0xffffffffffffffff, expected/],
  ["SYSCALL[x,1](0) sys_read\n", /^trace\.txt:1:1: "SYSCALL\[x,1\]/],
  ["SYSCALL[1,1](4) sys_write ( 1 )\nsys_write ( 1 )\n\x01\n", /^trace\.txt:3:1: "\?", expected/],
  [
    "SYSCALL[1,1](0) sys_restart_syscall ( )\n",
    /:1:17: call 0 is restart_syscall, expected x86-64's read$/,
  ],
  [
    "SYSCALL[1,1](0) sys_read ( 3 )[sync] --> Success(0x1)\n",
    /:1:1: read "sys_read .*, expected a buffer's address$/,
  ],
  [
    "SYSCALL[1,1](1) sys_write ( 1, 0x10, 9 )[sync] --> Success(0x80000001)\n",
    /:1:52: write of 0x80000001 bytes, expected at most 2\^31$/,
  ],
  [
    "SYSCALL[1,1](20) sys_writev ( 1, 0x10, 9 ) --> [async] ... \nSYSCALL[1,1](20) ... [async] --> Success(0xffffffffffff) \n",
    /^trace\.txt:2:\d+: writev of 0xffffffffffff bytes/,
  ],
  [
    "SYSCALL[1,1](1) sys_write ( 1, 0x800000000000, 9 )[sync] --> Success(0x1)\n",
    /:1:1: write of 1 bytes at 0x800000000000, expected a canonical/,
  ],
  [
    "SYSCALL[1,1](1) sys_write ( 1, 0x7fffffffffff, 9 )[sync] --> Success(0x2)\n",
    /:1:1: write of 2 bytes at 0x7fffffffffff, expected a canonical/,
  ],
];

test("a malformed line is refused by file, line and column, however the stream is cut", async () => {
  for (const [log, message] of MALFORMED) {
    for (const chunk of [1, 1 << 16]) await rejects(read(log, { chunk }), message);
    await rejects(read(` L 1234,8\n${log}`), /^trace\.txt:\d+:\d+: /);
  }
});

test("a message is one line", async () => {
  for (const [log] of MALFORMED) {
    const message = await read(log).then(
      () => "nothing",
      (error: Error) => `${error.name} ${error.message}`,
    );
    assert.match(message, /^BadInput [^\n\r]*$/);
  }
});

test("a transfer of 2^31 bytes is the largest", async () => {
  const log = "SYSCALL[1,1](1) sys_write ( 1, 0x10, 9 )[sync] --> Success(0x80000000)\n";
  assert.equal(await read(log), [at("out", 0x10n, 2 ** 31, 1)]);
});

test("a line without an end is refused before it fills the memory", async () => {
  const bytes = utf8("x".repeat(1 << 19));
  await rejects(read(bytes, { chunk: 1000 }), /^trace\.txt:1:1: a line of over 256 KiB, expected/);
});

test("a log without a record is refused", async () => {
  await rejects(
    read("==1== x\n==1== \n"),
    /^trace\.txt: no record in 2 lines, expected at least one$/,
  );
  const failed = "SYSCALL[1,1](1) sys_write ( 1, 0x10, 9 )[sync] --> Failure(0x9)\n";
  await rejects(read(failed), /no record in 1 lines/);
  await rejects(read("\n"), /^trace\.txt:1:1: ""/);
});
