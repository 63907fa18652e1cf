// What should come out of the cost model (reference/cost-figures.md), with no constant of a generation's own.
import { createReadStream } from "node:fs";
import {
  costRows,
  generateTrace,
  openTrace,
  type ReplayOptions,
  type ReplayReport,
  replay,
} from "../../../dist/index.js";
import { windowOf } from "../../../dist/replay/reader/window.js";
import { assert, suite } from "../../kit.ts";
import { chase, compute, type Made, traceOf, transfers, triad } from "./traces.ts";

const test = suite("what hardware would charge");

type Generation = "none" | "sme" | "sev" | "sev-es" | "sev-snp" | "sev-tio";

function run(records: Iterable<Made>, options: ReplayOptions): Promise<ReplayReport> {
  return replay(traceOf("made", records), { resident: 384 << 20, ...options });
}

interface Part {
  skip?: number;
  limit?: number;
}

async function shipped(name: string, options: ReplayOptions, part: Part = {}) {
  const path = `examples/traces/${name}.cltr.gz`;
  const whole = await openTrace(createReadStream(path), path);
  const trace = windowOf(whole, part.skip ?? 0, part.limit);
  try {
    return await replay(trace, options);
  } finally {
    await trace.close();
  }
}

function modelled(report: ReplayReport, generation: Generation) {
  const found = report.generations.find((row) => row.generation === generation)?.modelled;
  if (!found) throw new Error(`${generation}: not modelled`);
  return found;
}

const overhead = (report: ReplayReport, generation: Generation) =>
  modelled(report, generation).overheadPercent;

const SNP: ReplayOptions = { generations: ["none", "sev-snp"] };

test("the lines of every breakdown sum to the total, and the baseline's overhead is 0", async () => {
  for (const options of [{}, { backing: "lazy", chip: "genoa", vms: 64 }] as ReplayOptions[]) {
    const report = await run(transfers(6, 9000, 50), options);
    for (const { generation, refused, modelled: row } of report.generations) {
      if (refused) continue;
      const lines = Object.values(row!.breakdown);
      assert.is(
        lines.reduce((sum, line) => sum + line, 0),
        row!.nanoseconds,
        generation,
      );
      assert.ok(
        lines.every((line) => Number.isInteger(line) && line >= 0),
        generation,
      );
    }
    assert.is(overhead(report, "none"), 0);
  }
});

test("the histogram holds every access of the program once", async () => {
  const report = await run(chase(1 << 20, 20000), SNP);
  const { latency } = modelled(report, "sev-snp");
  assert.is(
    latency.reduce((sum, bucket) => sum + bucket.accesses, 0),
    80000,
  );
  assert.ok(latency.every(({ below }, i) => i === 0 || below > latency[i - 1]!.below));
});

for (const chip of ["genoa", "turin"] as const) {
  test(`the triad beyond the last-level cache pays at least 3 times what CPU-bound work pays under SNP: ${chip}`, async () => {
    const options = { ...SNP, chip };
    const triad = overhead(await shipped("triad", options), "sev-snp");
    const deflate = overhead(await shipped("deflate", options), "sev-snp");
    assert.ok(triad >= 3 * deflate, `triad ${triad} %, deflate ${deflate} %`);
    assert.ok(triad >= 5 && triad <= 15, `triad ${triad} %, the guide says 5 to 15 %`);
    assert.ok(deflate > 0 && deflate <= 2, `deflate ${deflate} %, the guide says 0 to 2 %`);
  });
}

test("work that fits the caches and does not exit pays at most 2 %", async () => {
  const report = await run(compute(0x8000, 100000), SNP);
  assert.ok(overhead(report, "sev-snp") <= 2 && overhead(report, "sev-snp") > 0);
});

const EXIT_HEAVY: [string, Part][] = [
  ["sqlite", {}],
  ["redis", { limit: 1_000_000 }],
];
for (const [name, part] of EXIT_HEAVY) {
  test(`exit-heavy work pays more under SEV-ES and SNP than under SEV, and less under TIO than under SNP: ${name}`, async () => {
    const report = await shipped(name, {}, part);
    const paid = (generation: Generation) => overhead(report, generation);
    assert.ok(paid("sev-es") > paid("sev"));
    assert.ok(paid("sev-snp") > paid("sev"));
    assert.ok(paid("sev-es") <= paid("sev-snp"), "no CPUID exits, so ES is not above SNP");
    assert.ok(paid("sev-tio") < paid("sev-snp"));
  });
}

// A part of each; of those made for a loop, a part of the loop.
const PARTS: Record<string, Part> = {
  ...{ deflate: { limit: 600_000 }, gzip: { limit: 600_000 }, redis: { limit: 600_000 } },
  sqlite: { skip: 2_000_000, limit: 600_000 },
  triad: { skip: 6_000_000, limit: 600_000 },
  chase: { skip: 11_000_000, limit: 600_000 },
};

for (const [name, part] of Object.entries(PARTS)) {
  test(`2 MiB pages pay less than 4 KiB, the other node more than one's own: ${name}`, async () => {
    const options: ReplayOptions = { ...SNP, chip: "genoa" };
    const small = await shipped(name, options, part);
    const large = await shipped(name, { ...options, pageSize: "2m" }, part);
    const remote = await shipped(name, { ...options, numa: "remote" }, part);
    assert.ok(overhead(large, "sev-snp") < overhead(small, "sev-snp"));
    assert.ok(overhead(remote, "sev-snp") > overhead(small, "sev-snp"));
    assert.ok(overhead(remote, "none") > 0);
  });
}

test("an exit is charged as what it was for, and CPUID from the SNP page as no exit: there SEV-ES pays more than SNP", async () => {
  const boot = generateTrace("boot", { footprint: 1 << 18, records: 20000, seed: 1 });
  const report = await replay(boot, { chip: "genoa" });
  const costs = Object.fromEntries(costRows("genoa").map(({ key, value }) => [key, value]));
  // by reason: what a plain VM pays, and what an encrypted one does
  const prices: Record<string, [number, number]> = {
    cpuid: [costs["cpuidExit"]!, costs["cpuidVmgexit"]!],
    msr: [costs["msrExit"]!, costs["msrVmgexit"]!],
    io: [costs["portExit"]!, costs["portVmgexit"]!],
    interrupt: [1255, 1255 + 1652],
    hlt: [1255, 1255 + 1652],
  };
  for (const generation of ["sev", "sev-es", "sev-snp"] as const) {
    const row = report.generations.find((found) => found.generation === generation)!;
    let [plain, more] = [0, 0];
    for (const { reason, by, exits } of row.exitReasons!) {
      const [vm, guarded] = prices[reason]!;
      if (by === "guest") more += exits * costs["cpuidPage"]!;
      else plain += exits * vm;
      if (by !== "guest" && generation !== "sev") more += exits * (guarded - vm);
    }
    assert.is(row.modelled!.breakdown.exits, plain, generation);
    // Pages that the guest's kernel has the host make shared at its start are exits of their own.
    const { exitsEncrypted } = row.modelled!.breakdown;
    assert.is((exitsEncrypted - more) % costs["hypercallVmgexit"]!, 0, generation);
    assert.ok(exitsEncrypted >= more, generation);
  }
  assert.ok(overhead(report, "sev-es") > overhead(report, "sev-snp"));
});

test("memory accepted when first touched costs Turin less than Genoa: fewer TLB flushes", async () => {
  const lazy: ReplayOptions = { ...SNP, backing: "lazy" };
  const walks = async (options: ReplayOptions) => {
    const before = modelled(await run(triad(1 << 20), { ...SNP, ...options }), "sev-snp");
    const after = modelled(await run(triad(1 << 20), { ...lazy, ...options }), "sev-snp");
    assert.ok(after.breakdown.acceptance > 0 && before.breakdown.acceptance === 0);
    return after.mpki.tlb - before.mpki.tlb;
  };
  assert.is(await walks({ chip: "turin" }), 0);
  assert.ok((await walks({ chip: "genoa" })) > 0);
});

test("a page that the guest gives away or takes back costs an RMPUPDATE and a PVALIDATE under SNP, whenever memory was backed", async () => {
  const storm = () => generateTrace("psc", { footprint: 1 << 17, records: 600, seed: 1 });
  const costs = { rmpupdate: 7, pvalidate: 11 };
  const report = await replay(storm(), { costs, chip: "genoa" });
  // Of six records two change a page's state: no page is shared twice in a row.
  assert.is(modelled(report, "sev-snp").breakdown.acceptance, 200 * (7 + 11));
  for (const generation of ["none", "sme", "sev", "sev-es"] as const)
    assert.is(modelled(report, generation).breakdown.acceptance, 0, generation);
  const lazy = await replay(storm(), { costs, backing: "lazy", chip: "genoa" });
  const { rmpupdates, pvalidates } = lazy.generations.at(-2)!.events!;
  assert.ok(rmpupdates > 200 && pvalidates > 200);
  assert.ok(modelled(lazy, "sev-snp").breakdown.acceptance >= rmpupdates * 7 + pvalidates * 11);
});

test("a page that changes its state flushes all of Genoa's translations, and on Turin its own", async () => {
  const PAGE = 0x1000;
  const [ROUNDS, PAGES] = [20, 16];
  function* rounds(): Generator<Made> {
    for (let round = 0; round < ROUNDS; round++) {
      for (let page = 0; page < PAGES; page++) yield [1, 0x10000000 + PAGE * page, 8];
      yield [9, 0x20000000, PAGE];
      yield [10, 0x20000000, PAGE];
    }
  }
  const walks = async (chip: "genoa" | "turin") => {
    const { mpki, instructions } = modelled(await run(rounds(), { ...SNP, chip }), "sev-snp");
    return Math.round((mpki.tlb * instructions) / 1000);
  };
  assert.is(await walks("genoa"), ROUNDS * PAGES);
  assert.is(await walks("turin"), PAGES);
});

test("DMA is copied under SNP and not under TIO, and nobody waits for the device", async () => {
  const ring = generateTrace("virtio", { footprint: 1 << 18, records: 4000, seed: 1 });
  const report = await replay(ring, {});
  const bounced = report.generations.find((row) => row.generation === "sev-snp")!.events!;
  assert.ok(bounced.bytesBounced > 1_000_000);
  assert.ok(modelled(report, "sev-snp").breakdown.bounce > 0.03 * bounced.bytesBounced);
  assert.is(modelled(report, "sev-tio").breakdown.bounce, 0);
  assert.ok(overhead(report, "sev-tio") < overhead(report, "sev-snp"));
  for (const { modelled: row } of report.generations) assert.is(row!.breakdown.device, 0);
});

test("the memory engine's ceiling is met when VMs fill the socket, and Turin's is higher than Genoa's", async () => {
  const of = async (chip: "genoa" | "turin", vms: number) =>
    modelled(await run(triad(2 << 20), { ...SNP, chip, vms }), "sev-snp");
  assert.is((await of("genoa", 1)).breakdown.bandwidth, 0);
  const [genoa, turin] = [await of("genoa", 32), await of("turin", 32)];
  assert.ok(genoa.breakdown.bandwidth > 0);
  assert.ok(turin.nanoseconds < genoa.nanoseconds);
});

test("a constant that is overridden changes its own line and no other", async () => {
  const plain = modelled(await run(triad(1 << 20), SNP), "sev-snp").breakdown;
  const costs = { aes: 17 };
  const report = await run(triad(1 << 20), { ...SNP, costs });
  const doubled = modelled(report, "sev-snp").breakdown;
  assert.equal(report.model?.costs, costs);
  assert.ok(Math.abs(doubled.encryption / plain.encryption - 2) < 0.02);
  assert.equal({ ...doubled, encryption: 0 }, { ...plain, encryption: 0 });
});

test("an overhead is over none even when none was not asked for", async () => {
  const alone = await run(chase(1 << 20, 2000), { generations: ["sev-snp"] });
  const beside = await run(chase(1 << 20, 2000), SNP);
  assert.is(alone.generations.length, 1);
  assert.is(overhead(alone, "sev-snp"), overhead(beside, "sev-snp"));
});
