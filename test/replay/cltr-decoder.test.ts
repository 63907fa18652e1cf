// The core's parser of .cltr against its slow twin, and two readers that take turns with it.
import * as Cltr from "../../dist/abi/cltr.js";
import { Batch, interleave, openTrace, type TraceReader, TraceWriter } from "../../dist/index.js";
import { CltrDecoder } from "../../dist/replay/reader/cltr-decoder.js";
import { type Kind, kindOf, noCounts, operation } from "../../dist/replay/record.js";
import { Chance } from "../core.ts";
import { assert, suite } from "../kit.ts";
import { decode } from "../oracle/cltr.ts";
import { batchOf, chunks } from "./traces.ts";

const test = suite(".cltr in the core");

const HALF = 1n << 47n;
const varint = (value: bigint): number[] =>
  value < 0x80n ? [Number(value)] : [Number(value & 0x7fn) | 0x80, ...varint(value >> 7n)];

/** One record of any kind, well-formed or at an edge: what the format allows, and what it just does not. */
function record(chance: Chance): number[] {
  const kind = chance.once(4) ? chance.below(13) : chance.below(4);
  if (kind === Cltr.KIND_HALT) return [chance.once(9) ? 0x86 : kind];
  const late = kind > Cltr.KIND_END;
  const size = chance.pick([1, 2, 4, 8, 3, 15, 16, 64, 4096, chance.once(9) ? 4097 : 5]);
  const coded = late || size > 15 || chance.once(9) ? 0 : size;
  const near = BigInt(chance.below(256));
  const far = chance.pick([near, near, near << 12n, near << 32n, 2n * HALF - 1n - near]);
  const wild = chance.once(30) ? chance.pick([2n * HALF + near, 4n * HALF, (1n << 56n) - 1n]) : far;
  const expected = chance.once(2) ? 0x80 : 0;
  const head = late ? 7 | ((kind - 7) << 3) : kind | (coded << 3);
  const bytes = coded === 0 ? varint(BigInt(size)) : [];
  return [head | expected, ...bytes, ...(expected ? [] : varint(wild))];
}

/** Well-formed for the most part; now and then with bytes that were changed. */
function file(chance: Chance, records: number): Uint8Array {
  const bytes = Uint8Array.from(Array.from({ length: records }, () => record(chance)).flat());
  for (let changes = chance.below(3); changes > 0; changes--)
    bytes[chance.below(bytes.length)] = chance.below(256);
  return bytes;
}

test("4000 files changed at random: the core takes what its slow twin takes, record by record, and stops where it does", () => {
  let whole = 0;
  let records = 0;
  for (let seed = 0; seed < 4000; seed++) {
    const chance = new Chance(BigInt(seed));
    const bytes = file(chance, 1 + chance.below(60));
    const version = 1 + chance.below(2);
    const wanted = decode(bytes, version);
    const decoder = new CltrDecoder(version > 1);
    const batch = batchOf(64);
    const counts = noCounts();
    // Cut at a random place: what is not whole is left for the rest.
    const cut = chance.below(bytes.length + 1);
    const first = decoder.decode(bytes.subarray(0, cut), 0, batch, counts);
    const taken = first + decoder.decode(bytes.subarray(first), first, batch, counts);
    const where = `seed ${seed}, cut at ${cut}`;
    assert.is(taken, wanted.end, where);
    assert.is(counts.records, batch.length, where);
    const view = new DataView(batch.words.buffer);
    const seen = Array.from({ length: batch.length }, (_, i) => ({
      kind: kindOf(batch.words[4 * i + 3]!),
      gva: view.getBigInt64(16 * i, true),
      bytes: BigInt(batch.words[4 * i + 2]!),
      at: decoder.offsets[i],
    }));
    assert.equal(seen, wanted.records, where);
    for (const [i, { kind, bytes }] of wanted.records.entries())
      assert.is(batch.words[4 * i + 3], operation(kind as Kind, Number(bytes)), where);
    if (wanted.end === bytes.length) whole++;
    records += seen.length;
  }
  assert.ok(whole > 200 && whole < 3500 && records > 20_000, `${whole} whole, ${records} records`);
});

/** Fetches and loads that walk from `base`. */
function walk(base: number, records: number): { file: Uint8Array; batch: Batch } {
  const batch = batchOf(records);
  for (let i = 0; i < records; i++)
    batch.push(base + (i % 2 ? 8 * i : i % 60), 0, i % 2 ? 8 : 3, operation((i % 2) as Kind, 3));
  const writer = new TraceWriter();
  const parts = [writer.start(), writer.encode(batch), writer.end()];
  return { file: new Uint8Array(Buffer.concat(parts)), batch };
}

test("readers that take turns each find their own expected addresses again", async () => {
  const walks = [0x1000, 0x100_0000, 0x2000_0000].map((base) => walk(base, 25_000));
  const readers: TraceReader[] = [];
  for (const { file } of walks) readers.push(await openTrace(chunks(file, 777), "t.cltr"));
  const trace = interleave(readers, "all");
  const batch = new Batch();
  const seen = walks.map(() => 0);
  for (let turn = 0; (await trace.next(batch)) > 0; turn++) {
    const reader = turn % 3;
    const from = 4 * seen[reader]!;
    const wanted = walks[reader]!.batch.words.subarray(from, from + 4 * batch.length);
    assert.equal(batch.words.subarray(0, 4 * batch.length), wanted, `turn ${turn}`);
    seen[reader]! += batch.length;
  }
  assert.equal(seen, [25_000, 25_000, 25_000]);
});
