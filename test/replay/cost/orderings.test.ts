// What should come out of the cost model (reference/cost-figures.md), with no constant of a generation's own.
import { createReadStream } from "node:fs";
import { openTrace, type ReplayOptions, type ReplayReport, replay } from "../../../dist/index.js";
import { assert, suite } from "../../kit.ts";
import { chase, compute, type Made, traceOf, transfers, triad } from "./traces.ts";

const test = suite("what hardware would charge");

type Generation = "none" | "sme" | "sev" | "sev-es" | "sev-snp" | "sev-tio";

// Beyond the 32 MiB of the parts' L3.
const TRIAD = 12 << 20;

function run(records: Iterable<Made>, options: ReplayOptions): Promise<ReplayReport> {
  return replay(traceOf("made", records), { resident: 384 << 20, ...options });
}

async function shipped(name: string, options: ReplayOptions): Promise<ReplayReport> {
  const path = `examples/traces/${name}.cltr.gz`;
  const trace = await openTrace(createReadStream(path), path);
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

test("a triad beyond the last-level cache pays at least 3 times what gzip pays under SNP", async () => {
  const stream = await run(triad(TRIAD), SNP);
  const cpu = await shipped("gzip", SNP);
  const [paid, gzip] = [overhead(stream, "sev-snp"), overhead(cpu, "sev-snp")];
  assert.ok(paid >= 3 * gzip, `triad ${paid} %, gzip ${gzip} %`);
  assert.ok(
    paid >= 5 && paid <= 15,
    `the guide's band for STREAM is 5 to 15 %, the triad ${paid} %`,
  );
});

test("work that fits the caches and does not exit pays at most 2 %", async () => {
  const report = await run(compute(0x8000, 100000), SNP);
  assert.ok(overhead(report, "sev-snp") <= 2 && overhead(report, "sev-snp") > 0);
});

test("exit-heavy work pays more under SEV-ES and SNP than under SEV, and less under TIO than under SNP", async () => {
  const report = await shipped("sqlite", {});
  const paid = (generation: Generation) => overhead(report, generation);
  assert.ok(paid("sev-es") > paid("sev"));
  assert.ok(paid("sev-snp") > paid("sev"));
  assert.ok(paid("sev-es") <= paid("sev-snp"), "no CPUID exits, so ES is not above SNP");
  assert.ok(paid("sev-tio") < paid("sev-snp"));
});

test("2 MiB pages pay less than 4 KiB, the other node more than one's own", async () => {
  for (const made of [() => triad(2 << 20), () => chase(16 << 20, 30000)]) {
    const [small, large, remote] = await Promise.all([
      run(made(), SNP),
      run(made(), { ...SNP, pageSize: "2m" }),
      run(made(), { ...SNP, numa: "remote" }),
    ]);
    assert.ok(overhead(large!, "sev-snp") < overhead(small!, "sev-snp"));
    assert.ok(overhead(remote!, "sev-snp") > overhead(small!, "sev-snp"));
    assert.ok(overhead(remote!, "none") > 0);
  }
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
