// The model of caches and TLBs against its slow twin, on seeded traces over tables small enough to overflow.
import { featuresOf } from "../../../dist/chip/chip.js";
import type { Costs, Generation, PageSize } from "../../../dist/index.js";
import { costsOf, geometriesOf } from "../../../dist/replay/cost/costs.js";
import { type Backing, Model } from "../../../dist/replay/cost/model.js";
import { Batch, type Kind, operation } from "../../../dist/replay/record.js";
import { assert, suite } from "../../kit.ts";
import { ModelTwin } from "../../oracle/model.ts";

const test = suite("the part's caches and TLBs");

const SMALL: Partial<Costs> = {
  ...{ l1iBytes: 2048, l1iWays: 2, l1dBytes: 4096, l1dWays: 4, l2Bytes: 16384, l2Ways: 8 },
  ...{ l3Bytes: 65536, l3Ways: 16, itlb1Entries: 4, itlb2Entries: 16, itlb2Ways: 4 },
  ...{ dtlb1Entries: 6, dtlb2Entries: 24, dtlb2Ways: 3, directoryEntries: 4 },
};

/** The repository's generators are 64-bit; here a small one is enough. */
function chance(seed: number): (below: number) => number {
  let state = seed >>> 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** Random accesses near and far, runs of strides, and transfers. */
function* records(seed: number, many: number): Generator<[Kind, number, number]> {
  const draw = chance(seed);
  const sizes = [1, 2, 4, 8, 16, 32];
  for (let made = 0; made < many; ) {
    const base = 0x10000000 + 0x200000 * draw(30) + 64 * draw(256);
    const rare = draw(80);
    const kind = (rare === 0 ? 4 + draw(2) : rare === 1 ? 9 + draw(2) : draw(4)) as Kind;
    const stride = [0, 8, 64, 72, 128, -64, 4096, 4032][draw(8)]!;
    const run = kind > 3 ? 1 : 1 + draw(30);
    for (let i = 0; i < run; i++, made++) {
      const bytes = kind > 3 ? 1 + draw(9000) : sizes[draw(6)]!;
      yield [kind, base + stride * i + draw(3), bytes];
    }
  }
}

function batchOf(made: [Kind, number, number][]): Batch {
  const batch = new Batch();
  for (const [kind, gva, bytes] of made) {
    batch.push(gva >>> 0, Math.floor(gva / 2 ** 32), bytes, operation(kind, bytes));
  }
  return batch;
}

const CASES = [
  { generation: "none", pageSize: "4k", backing: "prefaulted" },
  { generation: "sev-snp", pageSize: "4k", backing: "prefaulted" },
  { generation: "sev-snp", pageSize: "4k", backing: "prefaulted", rmpFlush: 0 },
  { generation: "sev-snp", pageSize: "4k", backing: "lazy" },
  { generation: "sev-snp", pageSize: "2m", backing: "lazy" },
  { generation: "sev-tio", pageSize: "2m", backing: "prefaulted" },
] as { generation: Generation; pageSize: PageSize; backing: Backing; rmpFlush?: number }[];

for (const { generation, pageSize, backing, rmpFlush = 1 } of CASES) {
  test(`every counter equals the slow twin's: ${generation}, ${pageSize}, ${backing}, flush ${rmpFlush}`, () => {
    const costs = costsOf("genoa", { ...SMALL, rmpFlush });
    const features = featuresOf(generation);
    const settings = { costs, features, pageSize, backing, numa: "local", vms: 1 } as const;
    const bounce = features.sev && !features.tio;
    for (let seed = 1; seed <= 2; seed++) {
      const model = new Model(settings);
      const large = pageSize === "2m";
      const flushAll = features.snp && backing === "lazy";
      const stateFlush = features.snp ? (rmpFlush ? "all" : "page") : "never";
      const set = { large, rmp: features.snp, bounce, flushAll, fill: true, stateFlush } as const;
      const twin = new ModelTwin(geometriesOf(costs), set);
      const made = [...records(seed, 12000)];
      const { words, length } = batchOf(made);
      model.run(new Uint8Array(words.buffer, 0, 16 * length), length);
      for (const [kind, gva, bytes] of made) twin.run(kind, BigInt(gva), BigInt(bytes));
      const where = `seed ${seed}`;
      for (let reader = 0; reader < 9; reader++) {
        for (let level = 0; level < 4; level++) {
          for (const stream of [false, true]) {
            const seen = model.reads(reader, level, stream);
            const wanted = twin.reads.get(`${reader}.${level}.${stream}`) ?? 0;
            assert.is(seen, wanted, `${where}: reader ${reader}, level ${level}, stream ${stream}`);
          }
        }
      }
      const { counts } = twin;
      assert.is(model.counter("WALKS"), counts.walks, where);
      assert.is(model.counter("STREAM_WALKS"), counts.streamWalks, where);
      assert.is(model.counter("WRITTEN_BACK"), counts.written, where);
      assert.is(model.counter("WRITTEN_BACK_SHARED"), counts.writtenShared, where);
      assert.is(model.counter("FLUSHES"), counts.flushes, where);
      assert.is(model.counter("ITLB2_HITS"), counts.itlb2, where);
      assert.is(model.counter("DTLB2_HITS"), counts.dtlb2, where);
      assert.is(model.counter("PAGES_FILLED"), counts.filled, where);
      assert.ok(counts.walks > 100 && counts.written > 100, `${where}: too small to tell`);
      // A flush for each new page leaves the second level nothing to answer.
      if (flushAll) continue;
      assert.ok(counts.itlb2 > 0 && counts.dtlb2 > 0, `${where}: no second-level TLB hits`);
    }
  });
}
