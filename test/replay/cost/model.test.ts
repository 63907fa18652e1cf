// The model of caches and TLBs against its slow twin, on seeded traces over tables small enough to overflow.
import { featuresOf, generations, lacks } from "../../../dist/chip/chip.js";
import { chips } from "../../../dist/chip/index.js";
import type { ChipName, Costs, Generation, PageSize } from "../../../dist/index.js";
import { chargeOf } from "../../../dist/replay/cost/charges.js";
import { costsOf, geometriesOf } from "../../../dist/replay/cost/costs.js";
import { type Backing, Model } from "../../../dist/replay/cost/model.js";
import { Batch, type Kind, operation } from "../../../dist/replay/record.js";
import { assert, suite } from "../../kit.ts";
import { ModelTwin, type Prices } from "../../oracle/model.ts";

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

/** Random accesses near and far in both halves, some of them wide, runs of strides, code that goes on, transfers and halts. */
function* records(seed: number, many: number): Generator<[Kind, number, number]> {
  const draw = chance(seed);
  const sizes = [1, 2, 4, 8, 16, 32];
  for (let made = 0; made < many; ) {
    const half = draw(20) === 0 ? -0x80000000 : 0x10000000;
    const base = half + 0x200000 * draw(30) + 64 * draw(256);
    const rare = draw(80);
    const kind = (rare < 3 ? [4 + draw(2), 9 + draw(2), 6][rare] : draw(4)) as Kind;
    const stride = [0, 8, 64, 72, 128, -64, 4096, 4032, 5, 11][draw(10)]!;
    const run = kind > 3 ? 1 : 1 + draw(30);
    for (let i = 0; i < run; i++, made++) {
      const wide = draw(60) === 0 ? [63, 64, 65, 130, 4096][draw(5)] : undefined;
      const bytes = kind > 3 ? 1 + draw(9000) : (wide ?? sizes[draw(6)]!);
      if (kind === 6) yield [kind, 0, 0];
      else yield [kind, base + stride * i + draw(3), bytes];
    }
  }
}

function batchOf(made: [Kind, number, number][]): Batch {
  const batch = new Batch();
  for (const [kind, gva, bytes] of made) {
    batch.push(gva >>> 0, Math.floor(gva / 2 ** 32) >>> 0, bytes, operation(kind, bytes));
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

interface Case {
  chip: ChipName;
  costs: Costs;
  generation: Generation;
  pageSize: PageSize;
  backing: Backing;
}

function twinOf(
  { costs, generation, pageSize, backing }: Case,
  tlb2: Prices["itlb2"][],
): ModelTwin {
  const features = featuresOf(generation);
  const large = pageSize === "2m";
  const flushAll = features.snp && backing === "lazy" && costs.rmpFlush === 1;
  const stateFlush = features.snp ? (costs.rmpFlush ? "all" : "page") : "never";
  const bounce = features.sev && !features.tio;
  const set = { large, rmp: features.snp, bounce, flushAll, fill: true, stateFlush } as const;
  return new ModelTwin(geometriesOf(costs), set, {
    charge(reader, level, stream) {
      const { base, remote, encryption } = chargeOf(
        costs,
        features,
        "local",
        reader,
        level,
        stream,
      );
      return base + remote + encryption;
    },
    itlb2: tlb2[0]!,
    dtlb2: tlb2[1]!,
    hit: Math.round((1000 * costs.l1Latency) / costs.clock),
  });
}

/** Runs records through both, cut at random, and compares every counter. */
function compare(what: Case, seed: number, many: number): ModelTwin {
  const { costs, generation, pageSize, backing } = what;
  const features = featuresOf(generation);
  const model = new Model({ costs, features, pageSize, backing, numa: "local", vms: 1 });
  const twin = twinOf(what, Object.values(model.tlb2()));
  const made = [...records(seed, many)];
  const { words, length } = batchOf(made);
  const draw = chance(seed);
  for (let from = 0; from < length; ) {
    const piece = Math.min(length - from, 1 + draw(5000));
    model.run(new Uint8Array(words.buffer, 16 * from, 16 * piece), piece);
    from += piece;
  }
  for (const [kind, gva, bytes] of made)
    twin.run(kind, BigInt.asUintN(64, BigInt(gva)), BigInt(bytes));
  const where = `${what.chip} ${generation} seed ${seed}`;
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
  const kinds = (from: number, to: number) =>
    made.filter(([kind]) => kind >= from && kind <= to).length;
  for (const [name, wanted] of [
    ["WALKS", counts.walks],
    ["STREAM_WALKS", counts.streamWalks],
    ["WRITTEN_BACK", counts.written],
    ["WRITTEN_BACK_SHARED", counts.writtenShared],
    ["FLUSHES", counts.flushes],
    ["ITLB2_HITS", counts.itlb2],
    ["DTLB2_HITS", counts.dtlb2],
    ["PAGES_FILLED", counts.filled],
    ["FETCHES", kinds(0, 0)],
    ["ACCESSES", kinds(1, 3)],
    ["HALTS", kinds(6, 6)],
    ["PICOSECONDS", twin.picoseconds],
  ] as const)
    assert.is(model.counter(name), wanted, `${where}: ${name}`);
  assert.equal(model.histogram(), twin.histogram, where);
  return twin;
}

for (const { generation, pageSize, backing, rmpFlush = 1 } of CASES) {
  test(`every counter equals the slow twin's: ${generation}, ${pageSize}, ${backing}, flush ${rmpFlush}`, () => {
    const costs = costsOf("genoa", { ...SMALL, rmpFlush });
    for (let seed = 1; seed <= 2; seed++) {
      const what = { chip: "genoa", costs, generation, pageSize, backing } as const;
      const { counts, set } = compare(what, seed, 12000);
      assert.ok(counts.walks > 100 && counts.written > 100, `seed ${seed}: too small to tell`);
      // A flush for each new page leaves the second level nothing to answer.
      if (set.flushAll) continue;
      assert.ok(counts.itlb2 > 0 && counts.dtlb2 > 0, `seed ${seed}: no second-level TLB hits`);
    }
  });
}

test("every counter equals the slow twin's on every part, as each of its generations uses it", () => {
  for (const [chip, part] of Object.entries(chips)) {
    for (const generation of generations.filter((wanted) => !lacks(part, wanted))) {
      const costs = costsOf(chip as ChipName);
      const [pageSize, backing] = [generation === "sev" ? "2m" : "4k", "prefaulted"] as const;
      compare({ chip: chip as ChipName, costs, generation, pageSize, backing }, 7, 6000);
    }
  }
});
