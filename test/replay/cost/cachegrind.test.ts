// The model's caches against valgrind's cachegrind: the same program, the same geometry, the same number of misses within 2 %.
import { spawn, spawnSync } from "node:child_process";
import * as Layout from "../../../dist/abi/model.js";
import { featuresOf } from "../../../dist/chip/chip.js";
import { openTrace } from "../../../dist/index.js";
import { costsOf } from "../../../dist/replay/cost/costs.js";
import { Model } from "../../../dist/replay/cost/model.js";
import { Batch } from "../../../dist/replay/record.js";
import { assert, skip, suite } from "../../kit.ts";

const test = suite("caches against cachegrind");

const PROGRAM = ["gzip", "-1", "-c", "LICENSE"];
// Without a terminal or an environment, both runs have the same stack.
const ENVIRONMENT = { PATH: process.env["PATH"] ?? "", LC_ALL: "C" };
const WITHIN = 0.02;

const GEOMETRIES = [
  { l1: [8192, 4], last: [131072, 8] },
  { l1: [32768, 8], last: [524288, 8] },
] as const;

interface Misses {
  i1: number;
  d1: number;
  lli: number;
  lld: number;
}

function cachegrind(l1: readonly [number, number], last: readonly [number, number]): Misses {
  const shape = ([bytes, ways]: readonly [number, number]) => `${bytes},${ways},64`;
  const args = [`--I1=${shape(l1)}`, `--D1=${shape(l1)}`, `--LL=${shape(last)}`];
  const run = spawnSync(
    "valgrind",
    [
      "--tool=cachegrind",
      "--cache-sim=yes",
      "--cachegrind-out-file=/dev/null",
      ...args,
      ...PROGRAM,
    ],
    { env: ENVIRONMENT, maxBuffer: 1 << 28 },
  );
  const said = run.stderr.toString();
  const number = (name: string) => {
    const [, digits] = new RegExp(`${name} +misses: +([0-9,]+)`).exec(said) ?? [];
    if (!digits) throw new Error(`cachegrind printed no ${name} misses: ${said}`);
    return Number(digits.replaceAll(",", ""));
  };
  return { i1: number("I1"), d1: number("D1"), lli: number("LLi"), lld: number("LLd") };
}

/** The same program's trace, straight from valgrind's lackey, through a model of each geometry. */
async function modelled(models: Model[]): Promise<void> {
  const args = ["--tool=lackey", "--trace-mem=yes", "--log-fd=3", ...PROGRAM];
  const child = spawn("valgrind", args, {
    env: ENVIRONMENT,
    stdio: ["ignore", "ignore", "ignore", "pipe"],
  });
  const pipe = child.stdio[3] as NodeJS.ReadableStream;
  const trace = await openTrace(pipe as AsyncIterable<Uint8Array>, "lackey");
  const batch = new Batch();
  for (let length = await trace.next(batch); length > 0; length = await trace.next(batch)) {
    const records = new Uint8Array(batch.words.buffer, batch.words.byteOffset, 16 * length);
    for (const model of models) model.run(records, length);
  }
}

function missesOf(model: Model): Misses {
  const sum = (readers: number[], from: number) => {
    let misses = 0;
    for (const reader of readers) {
      for (let level = from; level < Layout.LEVELS; level++) {
        misses += model.reads(reader, level, false) + model.reads(reader, level, true);
      }
    }
    return misses;
  };
  const data = [Layout.LOAD, Layout.STORE];
  return {
    ...{ i1: sum([Layout.FETCH], 1), d1: sum(data, 1) },
    ...{ lli: sum([Layout.FETCH], 2), lld: sum(data, 2) },
  };
}

function modelOf(l1: readonly [number, number], last: readonly [number, number]): Model {
  const costs = costsOf("genoa", {
    ...{ l1iBytes: l1[0], l1iWays: l1[1], l1dBytes: l1[0], l1dWays: l1[1] },
    ...{ l2Bytes: last[0], l2Ways: last[1], pageFilling: 0 },
  });
  // Cachegrind has no TLB and no kernel: large pages keep table reads out of the last level, and nothing is filled.
  return new Model({
    ...{ costs, features: featuresOf("none"), pageSize: "2m", numa: "local" },
    ...{ backing: "prefaulted", vms: 1 },
  });
}

test("misses of every level are within 2 % of cachegrind's on the same program", async () => {
  if (spawnSync("valgrind", ["--version"]).status !== 0) return skip("cachegrind", "no valgrind");
  const models = GEOMETRIES.map(({ l1, last }) => modelOf(l1, last));
  await modelled(models);
  GEOMETRIES.forEach(({ l1, last }, index) => {
    const wanted = cachegrind(l1, last);
    const seen = missesOf(models[index] as Model);
    for (const level of ["i1", "d1", "lli", "lld"] as const) {
      const far = Math.abs(seen[level] / wanted[level] - 1);
      const where = `L1 ${l1}, last ${last}: ${level} ${seen[level]}, cachegrind ${wanted[level]}`;
      assert.ok(wanted[level] > 400, where);
      assert.ok(far <= WITHIN, where);
      if (process.env["CLOISTER_SHOW"]) console.log(where);
    }
  });
});
