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

// What the shipped trace is of; cachegrind runs it over more of the same, so that its start does not count.
const TRACE = "examples/traces/gzip.cltr.gz";
const PROGRAM = ["gzip", "-9", "-c", ...new Array<string>(30).fill("LICENSE")];

/** References a second of one model, reading of the trace included. */
async function modelRate(): Promise<number> {
  const settings = { pageSize: "4k", numa: "local", backing: "prefaulted", vms: 1 } as const;
  const model = new Model({
    ...settings,
    ...{ costs: costsOf("genoa"), features: featuresOf("sev-snp") },
  });
  const before = performance.now();
  const trace = await openTrace(createReadStream(TRACE), TRACE);
  const batch = new Batch();
  let references = 0;
  for (let length = await trace.next(batch); length > 0; length = await trace.next(batch)) {
    model.run(new Uint8Array(batch.words.buffer, batch.words.byteOffset, 16 * length), length);
    references += length;
  }
  return references / ((performance.now() - before) / 1000);
}

/** References a second of cachegrind, running of the program included; 0 without valgrind. */
function cachegrindRate(): number {
  const tool = ["--tool=cachegrind", "--cache-sim=yes", "--cachegrind-out-file=/dev/null"];
  const before = performance.now();
  const run = spawnSync("valgrind", [...tool, ...PROGRAM], { maxBuffer: 2 ** 28 });
  if (run.error) return 0;
  const seconds = (performance.now() - before) / 1000;
  const said = run.stderr.toString();
  const refs = ["I +refs", "D +refs"].map((name) =>
    Number(new RegExp(`${name}: +([0-9,]+)`).exec(said)?.[1]?.replaceAll(",", "")),
  );
  return ((refs[0] as number) + (refs[1] as number)) / seconds;
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

const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1] as number;

export async function modelFigures(quick: boolean): Promise<Figure[]> {
  const [ours, theirs]: [number[], number[]] = [[], []];
  for (let round = 0; round < (quick ? 1 : 5); round++) {
    ours.push(await modelRate());
    theirs.push(cachegrindRate());
  }
  const [rate, peer] = [median(ours), median(theirs)];
  return [
    {
      name: "replay-cachesim",
      value: rate,
      unit: "references/s through one part's caches and TLBs, reading of the trace included",
      peer: "cachegrind, the same program",
      peerValue: peer,
      ratio: peer > 0 ? rate / peer : 0,
      spread: (Math.max(...ours) - Math.min(...ours)) / 2 / rate,
    },
    ...longFigures("long-replay", quick ? 20_000_000 : 1_000_000_000, false),
    ...longFigures("long-replay-modelled", quick ? 10_000_000 : 100_000_000, true),
  ];
}
