// The cost model at work: references a second against valgrind's cachegrind on the same program, and the memory of long replays:
// a billion records counted only, a hundred million with the model on. Without --quick some five minutes.
import { spawnSync } from "node:child_process";
import { createReadStream } from "node:fs";
import { featuresOf } from "../dist/chip/chip.js";
import { openTrace } from "../dist/index.js";
import { costsOf } from "../dist/replay/cost/costs.js";
import { Model } from "../dist/replay/cost/model.js";
import { Batch } from "../dist/replay/record.js";
import type { Figure } from "./figure.ts";
import { against, interleaved, type Measured, type Task } from "./measure.ts";

// What the shipped trace is of. Both sides run over the same again and again, and neither's start counts.
const TRACE = "examples/traces/gzip.cltr.gz";
const PROGRAM = ["gzip", "-9", "-c"];
const FILE = "LICENSE";
const [FEW, MANY] = [10, 110];
const PASSES = 5;

function genoa(): Model {
  const settings = { pageSize: "4k", numa: "local", backing: "prefaulted", vms: 1 } as const;
  return new Model({ ...settings, costs: costsOf("genoa"), features: featuresOf("sev-snp") });
}

const batch = new Batch();

/** Reads the trace, and gives each batch out as bytes and records. */
async function pass(run: (records: Uint8Array, length: number) => void): Promise<number> {
  const trace = await openTrace(createReadStream(TRACE), TRACE);
  const bytes = new Uint8Array(batch.words.buffer);
  for (let length = await trace.next(batch); length > 0; length = await trace.next(batch))
    run(bytes.subarray(0, 16 * length), length);
  return trace.counts.records;
}

/** The trace through a model: from the file each time, and as records that lie in memory. */
async function ours(): Promise<Task[]> {
  const held: [Uint8Array, number][] = [];
  const records = await pass((bytes, length) => void held.push([bytes.slice(), length]));
  const units = PASSES * records;
  const [whole, alone] = [genoa(), genoa()];
  return [
    {
      name: "replay-cachesim",
      units,
      async run() {
        for (let i = 0; i < PASSES; i++) await pass((bytes, length) => whole.run(bytes, length));
      },
    },
    {
      name: "replay-cachesim-model",
      units,
      run() {
        for (let i = 0; i < PASSES; i++)
          for (const [bytes, length] of held) alone.run(bytes, length);
      },
    },
  ];
}

interface Run {
  references: number;
  seconds: number;
}

/** What cachegrind counts over so many files, and its processor time; undefined without valgrind. */
function cachegrind(files: number): Run | undefined {
  const tool = ["--tool=cachegrind", "--cache-sim=yes", "--cachegrind-out-file=/dev/null"];
  const words = [...tool, ...PROGRAM, ...new Array<string>(files).fill(FILE)];
  // The shell's last line is what its children took: minutes and seconds, of the program's own and of the kernel's.
  const run = spawnSync("sh", ["-c", 'valgrind "$@" >/dev/null; times', "sh", ...words]);
  const said = run.stderr.toString();
  const refs = ["I +refs", "D +refs"].map((name) =>
    Number(new RegExp(`${name}: +([0-9,]+)`).exec(said)?.[1]?.replaceAll(",", "")),
  ) as [number, number];
  const times = run.stdout.toString().trim().split("\n").at(-1) ?? "";
  const taken = [...times.matchAll(/(\d+)m([\d.]+)s/g)].map(
    ([, m, s]) => 60 * Number(m) + Number(s),
  );
  const references = refs[0] + refs[1];
  if (!references) return undefined;
  return { references, seconds: (taken[0] as number) + (taken[1] as number) };
}

/** Cachegrind over many files less cachegrind over few: no start, and nothing that is translated for the first time. */
function theirs(): Task[] {
  const [few, many] = [cachegrind(FEW), cachegrind(MANY)];
  if (!few || !many) {
    process.stderr.write("SKIPPED: cachegrind: no valgrind, or no gzip\n");
    return [];
  }
  return [
    {
      name: "cachegrind, the same program",
      units: many.references - few.references,
      run: () => (cachegrind(MANY) as Run).seconds - (cachegrind(FEW) as Run).seconds,
    },
  ];
}

async function rates(rounds: number): Promise<Figure[]> {
  const measured = await interleaved([...(await ours()), ...theirs()], rounds);
  const [whole, alone, peer] = measured as [Measured, Measured, Measured | undefined];
  const unit = "references/s through one part's caches and TLBs";
  const figure = (row: Measured, what: string): Figure => {
    const made = against(row.name, `${unit}, ${what}`, row, peer ?? row);
    return peer ? made : { ...made, peer: "none: no valgrind", peerValue: 0, ratio: 0 };
  };
  return [figure(whole, "reading of the trace included"), figure(alone, "records in memory")];
}

interface Long {
  residentKiB: number;
  perSecond: number;
}

/** Replays so many synthetic records under SEV-SNP in a process of its own. */
function long(records: number, model: boolean): Long {
  const script = `
    const { generateTrace, replay } = await import("./dist/index.js");
    const before = performance.now();
    const trace = generateTrace("stream", { footprint: 2 ** 22, records: ${records}, seed: 1 });
    const { generations } = await replay(trace, { generations: ["sev-snp"], model: ${model} });
    const seconds = (performance.now() - before) / 1000;
    if (Boolean(generations[0].modelled) !== ${model}) throw new Error("modelled, or not");
    console.log(process.resourceUsage().maxRSS, seconds);`;
  const run = spawnSync(process.execPath, ["--input-type=module", "-e", script]);
  const [resident, seconds] = run.stdout.toString().trim().split(" ").map(Number);
  if (run.status !== 0 || !resident || !seconds) throw new Error(run.stderr.toString());
  return { residentKiB: resident, perSecond: records / seconds };
}

/** Memory and speed of a long replay beside one a tenth as long. */
function longFigures(name: string, records: number, model: boolean): Figure[] {
  const [short, full] = [long(records / 10, model), long(records, model)];
  const peer = `${records / 10} records`;
  const what = model ? "sev-snp, with the models of none and sev-snp" : "sev-snp";
  return [
    {
      name: `${name}-memory`,
      value: full.residentKiB,
      unit: `KiB at most with ${records} records, ${what}`,
      peer,
      peerValue: short.residentKiB,
      ratio: full.residentKiB / short.residentKiB,
      spread: 0,
    },
    {
      name,
      value: full.perSecond,
      unit: `records/s: made, flat, ${what}`,
      peer,
      peerValue: short.perSecond,
      ratio: full.perSecond / short.perSecond,
      spread: 0,
    },
  ];
}

export async function modelFigures(quick: boolean): Promise<Figure[]> {
  return [
    ...(await rates(quick ? 5 : 15)),
    ...longFigures("long-replay", quick ? 20_000_000 : 1_000_000_000, false),
    ...longFigures("long-replay-modelled", quick ? 10_000_000 : 100_000_000, true),
  ];
}
