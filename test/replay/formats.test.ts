// Readers of other tools' formats, synthetic traces, and the records that only they make.

import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { zipSync } from "fflate";
import {
  Batch,
  generateTrace,
  interleave,
  openTrace,
  patternNames,
  replay,
  TraceWriter,
  writerOf,
} from "../../dist/index.js";
import { assert, rejects, skip, suite } from "../kit.ts";
import { batchOf, chance, chunks, gzip, utf8 } from "./traces.ts";

const test = suite("formats");

const NAMES =
  "fetch fetch load load store store store store store modify modify modify modify modify out in halt exit share private dmaout dmain";

async function lines(trace: Awaited<ReturnType<typeof openTrace>>, batch = new Batch()) {
  const out: string[] = [];
  while ((await trace.next(batch)) > 0) {
    const view = new DataView(batch.words.buffer, batch.words.byteOffset);
    for (let i = 0; i < batch.length; i++) {
      const op = NAMES.split(" ")[view.getUint8(16 * i + 12)];
      out.push(
        `${op} ${view.getBigUint64(16 * i, true).toString(16)} ${view.getUint32(16 * i + 8, true)}`,
      );
    }
  }
  return out;
}

const read = async (text: string | Uint8Array, chunk = 7, records = 3, format?: "champsim") =>
  lines(
    await openTrace(chunks(typeof text === "string" ? utf8(text) : text, chunk), "t", format),
    batchOf(records),
  );

const SCRATCH = "700000000000";
const table: [string, string, string[]][] = [
  ["dramsim3", "0x1040 READ 3\n0x2047 WRITE 9\n", ["load 1040 64", "store 2040 64"]],
  ["ramulator", "0x1040 R\n0x2040 W", ["load 1040 64", "store 2040 64"]],
  ["ramulator 2", "LD 0x1040\nST 0x2040\n", ["load 1040 64", "store 2040 64"]],
  ["ramulator CPU", "3 4160 8256\n", ["load 1040 64", "store 2040 64"]],
  [
    "pinatrace",
    "0x10: R 0x20\n0x10: W 0x28 4\n0x14: R 0x30\n#eof\n",
    ["fetch 10 1", "load 20 8", "store 28 4", "fetch 14 1", "load 30 8"],
  ],
  [
    "fio 2",
    "fio version 2 iolog\nf add\nf open\nf read 0 4096\nf write 4096 512\nf sync 0 0\nf wait 100 0\nf close\n",
    [`in ${SCRATCH} 4096`, `out ${SCRATCH} 512`, "halt 0 0"],
  ],
  ["fio 3", "fio version 3 iolog\n0 f add\n5 f read 0 4096\n", [`in ${SCRATCH} 4096`]],
  [
    "blkparse",
    "  8,0    3        1     0.000000000   697  Q   W 223490 + 8 [kjournald]\n  8,0    3        2     0.000001000   697  D   W 223490 + 8 [kjournald]\n  8,0    3        3     0.000002000   697  D   R 8 + 1 [x]\nCPU0 (8,0):\n Reads Queued: 1\n",
    [`out ${SCRATCH} 4096`, `in ${SCRATCH} 512`],
  ],
  [
    "kvm",
    "# tracer: nop\n q-1 [000] d..1 1.5: kvm_exit: vcpu 0 reason npf rip 0x1 info1 0x0000000100000006 info2 0x0000000000005008\n q-1 [000] d..1 1.6: kvm_page_fault: vcpu 0 rip 0x1 address 0x0000000000005008 error_code 0x6\n q-1 [000] d..1 1.7: kvm_exit: vcpu 0 reason cpuid rip 0x1 info1 0x0 info2 0x0\n q-1 [000] d..1 1.8: kvm_exit: vcpu 0 reason vmgexit rip 0x1 info1 0x0 info2 0x0\n q-1 [000] d..1 1.9: kvm_vmgexit_enter: vcpu 0, exit_reason 7c, exit_info1 0, exit_info2 0\n",
    ["store 5008 8", "exit 0 114", "exit 0 124"],
  ],
];

for (const [name, text, expected] of table) {
  test(`${name} is told from content, however the stream is cut`, async () => {
    for (const [chunk, records] of [
      [1, 1],
      [7, 3],
      [4096, 65536],
    ] as const)
      assert.equal(await read(text, chunk, records), expected, `chunks of ${chunk}`);
  });
}

test("every malformed line is refused by its place", async () => {
  const bad: [string, RegExp][] = [
    ["0x1040 READ 3\n0x1040 LOOK 3\n", /^t:2:8: "LOOK", expected READ or WRITE$/],
    ["0x1040 R\nx\n", /^t:2:1: "x", expected/],
    ["0x10: R 0x20\nnonsense\n", /^t:2:1: "nonsense", expected/],
    ["fio version 2 iolog\nf read x 1\n", /^t:2:.*expected FILE ACTION/],
    ["fio version 9 iolog\n", /^t:1:1: .*expected "fio version 2 iolog" or 3/],
    [
      "q [0] 1.0: kvm_exit: reason EPT_VIOLATION rip 0x1 info1 0 info2 0\n",
      /exit reason "EPT_VIOLATION", expected one of KVM's on AMD/,
    ],
    ["0x800000000000 R\n", /canonical/],
  ];
  for (const [text, message] of bad) await rejects(read(text), message);
  await rejects(
    openTrace(chunks(utf8("0x1 R\n"), 9), "t", "cltr"),
    /^t: byte 0: ramulator, expected cltr as --format says/,
  );
  await rejects(read(Uint8Array.of(0xfd, 0x37, 0x7a, 0x58, 0x5a)), /xz data, expected it unpacked/);
});

/** Random accesses as drmemtrace, and what they are. */
function drmemtrace(seed: number, count: number) {
  const below = chance(seed);
  const out = [
    [25, 8, 3n],
    [22, 4, 1n],
    [24, 4, 1n],
  ] as [number, number, bigint][];
  const expected: string[] = [];
  for (let i = 0; i < count; i++) {
    const type = [0, 1, 10, 16, 28, 29, 47, 48][below(8)]!;
    const gva = BigInt(below(1 << 30)) * 16n;
    const kind = { 0: "load", 1: "store", 10: "fetch", 16: "fetch", 48: "fetch" }[type];
    out.push([type, 1 + below(8), gva]);
    if (kind) expected.push(`${kind} ${gva.toString(16)} ${out.at(-1)![1]}`);
  }
  out.push([23, 4, 1n], [26, 0, 0n]);
  const view = new DataView(new ArrayBuffer(12 * out.length));
  for (const [i, [type, size, gva]] of out.entries()) {
    view.setUint16(12 * i, type, true);
    view.setUint16(12 * i + 2, size, true);
    view.setBigUint64(12 * i + 4, gva, true);
  }
  return { bytes: new Uint8Array(view.buffer), expected };
}

test("drmemtrace reads raw, gzipped and from a zip of chunks alike", async () => {
  const { bytes, expected } = drmemtrace(31, 900);
  const half = 12 * 450;
  const zip = zipSync({
    "chunk.0000": bytes.subarray(0, half),
    "chunk.0001": bytes.subarray(half),
  });
  for (const packed of [bytes, await gzip(bytes), zip])
    for (const chunk of [1, 1000])
      assert.equal((await read(packed, chunk, 11)).join(), expected.join(), "seed 31");
  await rejects(
    read(bytes.subarray(0, bytes.length - 12), 99),
    /the file ends here, expected a footer/,
  );
  await rejects(
    read(bytes.subarray(0, bytes.length - 5), 99),
    /the file ends in a record, expected 12 bytes/,
  );
  await rejects(read(zip.subarray(0, zip.length >> 1), 99), /cut short|ends in a record|ends here/);
});

// zstd -19 of the first 300 lines of: cloister generate trace stream --footprint 1MiB --records 50000 --seed 3 -o - --to lackey
const ZSTD =
  "KLUv/QRoHQcAco0aEqA5Y+2P7nDxbjYSNosW9u25Aq8m8t9FweFXMTC9baJ57yKaRL+Hi8LvUjH4" +
  "VSbavy6ix+/g4fJrk0vl91Qm/yIX+RUcPH4Dk+tvzVPt6IE7m8hU1VjQ3aWj0Dng42stVTOFAe6o" +
  "JlJjiGqoEZDdlfbf0FM6EkAgCCgQDIQAIUgIHiFAqETBtzWBH7DhvvpFXQrVR26IpafBoyphQHnb" +
  "Ifu2QrJ7Yaepm1KNsBxPgkZdiqqbhaGwiFux8rdgKBaxVlY+diOWPA1P6RdueViVmcr30w0gy0V6" +
  "28Qgn9SQ31VUBWvS";

test("zstd is unpacked, frame after frame, and refused where it is cut short", async () => {
  const packed = Uint8Array.from(Buffer.from(ZSTD, "base64"));
  const made = await lines(
    generateTrace("stream", { footprint: 2 ** 20, records: 300, seed: 3 }),
    batchOf(100),
  );
  assert.equal(await read(packed, 17), made);
  const twice = new Uint8Array([...packed, ...packed]);
  assert.equal(await read(twice, 4096), [...made, ...made]);
  for (const end of [5, 60, packed.length - 1])
    await rejects(read(packed.subarray(0, end), 17), /zstd data is (cut short or )?damaged/);
});

test("drmemtrace threads take turns of ten thousand records", async () => {
  const [one, two] = [drmemtrace(32, 30_000), drmemtrace(33, 100)];
  const threads = [];
  for (const { bytes } of [one, two]) threads.push(await openTrace(chunks(bytes, 5000), "t"));
  const seen = await lines(interleave(threads, "both"));
  const expected = [
    ...one.expected.slice(0, 10_000),
    ...two.expected,
    ...one.expected.slice(10_000),
  ];
  assert.is(seen.join(), expected.join(), "seeds 32 and 33");
});

test("ChampSim's instructions become a fetch, loads and stores", async () => {
  const view = new DataView(new ArrayBuffer(128));
  for (const at of [0, 64]) {
    view.setBigUint64(at, 0x401000n + BigInt(at), true);
    view.setBigUint64(at + 16, 0x5000n, true);
    view.setBigUint64(at + 32, 0x6000n, true);
  }
  const bytes = new Uint8Array(view.buffer);
  const expected = [
    "fetch 401000 4",
    "load 6000 8",
    "store 5000 8",
    "fetch 401040 4",
    "load 6000 8",
    "store 5000 8",
  ];
  for (const records of [1, 100]) assert.equal(await read(bytes, 33, records), expected);
  bytes[72] = 7;
  await rejects(
    read(bytes, 33, 3, "champsim"),
    /^t: byte 64: is_branch 7, branch_taken 0, expected 0 or 1 each$/,
  );
});

test("every pattern gives equal digests in all generations, and the same bytes for the same seed", async () => {
  for (const name of patternNames) {
    const make = (seed: number) => generateTrace(name, { footprint: 1 << 18, records: 5001, seed });
    const report = await replay(make(1), { resident: 64 << 20, check: "each" });
    assert.is(report.trace.records, 5001);
    assert.is(new Set(report.generations.map(({ digest }) => digest)).size, 1, name);
    assert.is((await lines(make(1), batchOf(77))).join(), (await lines(make(1))).join(), name);
  }
});

test("a page state change is RMPUPDATE and PVALIDATE under SNP, and .cltr keeps every new kind", async () => {
  const make = (name: "psc" | "virtio") =>
    generateTrace(name, { footprint: 1 << 18, records: 4000, seed: 2 });
  for (const name of ["psc", "virtio"] as const) {
    const [writer, batch, trace] = [new TraceWriter(), new Batch(), make(name)];
    const parts = [writer.start()];
    while ((await trace.next(batch)) > 0) parts.push(writer.encode(batch));
    const file = new Uint8Array(Buffer.concat([...parts, writer.end()]));
    assert.is((await read(file, 13, 5)).join(), (await lines(make(name))).join(), name);
  }
  const { generations, trace } = await replay(make("psc"), { resident: 64 << 20 });
  const [none, snp] = [generations[0]!, generations[4]!];
  assert.is(none.events!.rmpupdates, 0);
  assert.is(snp.events!.rmpupdates >= trace.pageStates, true);
  assert.is(snp.events!.pvalidates >= trace.pageStates, true);
});

test("CPUID leaves no SNP guest, and what a format cannot say is refused", async () => {
  const boot = generateTrace("boot", { footprint: 1 << 18, records: 3000, seed: 1 });
  const { generations } = await replay(boot, { resident: 64 << 20 });
  const ways = (i: number) =>
    generations[i]!.exitReasons!.find(({ reason }) => reason === "cpuid")!.by;
  assert.equal([0, 2, 3, 4].map(ways), ["vmexit", "vmexit", "vmgexit", "guest"]);
  const [again, batch] = [
    generateTrace("boot", { footprint: 1 << 18, records: 9, seed: 1 }),
    new Batch(),
  ];
  await again.next(batch);
  assert.throws(
    () => writerOf("lackey", {}).encode(batch),
    /record 4: exit, expected what lackey can say/,
  );
});

const COUNTS = {
  0: 15219806,
  1: 17411738,
  10: 13264766,
  11: 200818,
  12: 200149,
  14: 201681,
  15: 114,
  16: 201843,
  22: 21,
  23: 21,
  24: 21,
  25: 21,
  26: 21,
  28: 424727,
  29: 12600066,
  47: 16022,
  48: 806862,
  49: 1009014,
};

test("DynamoRIO's sample has the counts that cost-figures.md gives", async () => {
  if (process.env["CLOISTER_DRMEMTRACE"] === undefined) {
    return skip("DynamoRIO's sample trace", "CLOISTER_DRMEMTRACE names no folder of it");
  }
  const folder = process.env["CLOISTER_DRMEMTRACE"];
  const names = readdirSync(folder).filter((name) => /\.trace\.zip$/.test(name));
  const info = JSON.parse(
    execFileSync(process.execPath, ["dist/cli/main.js", "trace", "info", folder, "--json"], {
      encoding: "utf8",
    }),
  );
  assert.is(names.length, 21);
  assert.equal(info.types, COUNTS);
});
