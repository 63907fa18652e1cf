// Verification of a report with its chain, beside go-sev-guest on the same machine: interleaved samples, medians.
// By itself: `node --import tsx bench/attest.ts [--json]`. Without Go it says so and times Cloister alone.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { Bench } from "tinybench";
import { evidenceDirectory, type Manifest } from "../dist/attest/evidence/index.js";
import {
  evidenceOfExtended,
  parseReport,
  verify,
  verifyChain,
  verifyReport,
} from "../dist/attest/index.js";

import type { Figure } from "./figure.ts";

export interface AttestFigures {
  readonly cpu: string;
  readonly node: string;
  /** Medians, in milliseconds for one verification. */
  readonly cloister: number;
  readonly goSevGuest: number | undefined;
  /** go-sev-guest's time over Cloister's: the median of the pairs. */
  readonly ratio: number | undefined;
  readonly parts: Record<string, number>;
}

const PAIRS = 41;
const ROUNDS = 20;
const dir = resolve("node_modules/.cache/bench-attest");

const median = (values: number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;

async function writeEvidence(): Promise<Manifest> {
  const at = Math.floor(Date.now() / 1000) * 1000;
  for await (const { name, bytes } of evidenceDirectory("bench", at)) {
    mkdirSync(dirname(join(dir, name)), { recursive: true });
    writeFileSync(join(dir, name), bytes);
  }
  return JSON.parse(readFileSync(join(dir, "manifest.json"), "utf8")) as Manifest;
}

/** go-sev-guest as a process that times one sample for each line it is sent. */
async function startGo(): Promise<{ sample: () => Promise<number>; stop: () => void } | undefined> {
  const { buildGo, run } = await import("../test/interop/tools.ts");
  if (run("go", ["version"]).code !== 0) return undefined;
  const child: ChildProcess = spawn(buildGo(), [dir, String(ROUNDS)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  return {
    sample: async () => {
      child.stdin!.write("\n");
      return Number((await lines.next()).value);
    },
    stop: () => child.stdin!.end(),
  };
}

/** The parts by themselves, by tinybench: medians in milliseconds. */
async function partsOf(file: Uint8Array, roots: Uint8Array[], now: number) {
  const evidence = evidenceOfExtended(file);
  const chain = await verifyChain(evidence, { roots, now });
  const bench = new Bench({ time: 400, warmupTime: 100 });
  bench.add("parse a report", () => void parseReport(evidence.report), { async: false });
  bench.add("a chain with its list", () => verifyChain(evidence, { roots, now }), { async: true });
  bench.add("a report on a known chain", () => verifyReport(evidence.report, chain), {
    async: true,
  });
  await bench.run();
  return Object.fromEntries(
    bench.tasks.map(({ name, result }) => [name, "latency" in result ? result.latency.p50 : NaN]),
  );
}

export async function attestBench(): Promise<AttestFigures> {
  const manifest = await writeEvidence();
  const [good] = manifest.cases;
  if (good === undefined) throw new Error("no evidence was made");
  const file = new Uint8Array(readFileSync(join(dir, good.file)));
  const roots = [new Uint8Array(readFileSync(join(dir, manifest.roots[good.product]!)))];
  const now = Date.parse(manifest.at);
  const { crl: _, ...evidence } = evidenceOfExtended(file);
  const ours = async () => {
    const start = performance.now();
    for (let i = 0; i < ROUNDS; i++) {
      const { accepted, says } = await verify(evidence, { roots, now });
      if (!accepted) throw new Error(says);
    }
    return (performance.now() - start) / ROUNDS;
  };
  const go = await startGo();
  const pairs: [number, number][] = [];
  for (let i = 0; i < PAIRS; i++) pairs.push([await ours(), (await go?.sample()) ?? Number.NaN]);
  go?.stop();
  // The first pairs warm up both.
  const kept = pairs.slice(5);
  const cpu = existsSync("/proc/cpuinfo")
    ? (/model name\s*:\s*(.*)/.exec(readFileSync("/proc/cpuinfo", "utf8"))?.[1] ?? "unknown")
    : "unknown";
  return {
    cpu,
    node: process.version,
    cloister: median(kept.map(([a]) => a)),
    goSevGuest: go && median(kept.map(([, b]) => b)),
    ratio: go && median(kept.map(([a, b]) => b / a)),
    parts: await partsOf(file, roots, now),
  };
}

/** One figure: verifications a second against go-sev-guest's, where Go is there to build it. */
export async function attestFigures(): Promise<Figure[]> {
  const { cloister, goSevGuest, ratio } = await attestBench();
  if (goSevGuest === undefined || ratio === undefined) {
    process.stderr.write("SKIPPED: attest: no Go to build go-sev-guest with\n");
    return [];
  }
  const [value, peerValue] = [1000 / cloister, 1000 / goSevGuest];
  const unit = "reports with chain/s";
  return [{ name: "verify", value, unit, peer: "go-sev-guest", peerValue, ratio, spread: 0 }];
}

const ms = (value: number) => `${value.toFixed(3)} ms`;

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const figures = await attestBench();
  if (process.argv.includes("--json")) console.log(JSON.stringify(figures, null, 2));
  else {
    console.log(`${figures.cpu}, Node ${figures.node}; medians of ${PAIRS - 5} interleaved pairs`);
    console.log(`cloister, report and chain      ${ms(figures.cloister)}`);
    if (figures.goSevGuest === undefined) console.log("go-sev-guest: Go is missing, not timed");
    else console.log(`go-sev-guest, the same          ${ms(figures.goSevGuest)}`);
    if (figures.ratio !== undefined)
      console.log(`speed against go-sev-guest      ${figures.ratio.toFixed(2)}x`);
    for (const [name, value] of Object.entries(figures.parts))
      console.log(`${name.padEnd(32)}${ms(value)}`);
  }
}
