// The access road against the same loop in native C (bench/native/engine.c), which gets a copy of the machine's linear memory: same
// tables, TLB, RMP and records. Both sides must come to the same digest and count the same walks and RMP checks.
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeHeader } from "./abi.ts";
import type { Figure } from "./figure.ts";
import { anywhere, type Bench, inRuns, machineOf, owned, type Trace, traceOf } from "./guest.ts";
import { against, interleaved, type Measured, type Task } from "./measure.ts";
import { BINARIES, type Native, native, same } from "./native.ts";
import { run, type What } from "./road.ts";

const RECORDS = 65536;
const MIB_PAGES = 256;

/** Processor seconds of this process. */
function seconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** Whatever memory holds, for another process: what is zero is left out, as holes of the file. */
export function dump(folder: string, { made }: Bench, traces: Trace[]): string[] {
  const paths = ["memory", ...traces.map((_, i) => `trace-${i}`)].map((name) => join(folder, name));
  [made.bytes, ...traces.map(({ file }) => file)].forEach((bytes, i) => {
    writeFileSync(paths[i] as string, bytes);
  });
  return paths;
}

/** A folder in memory where there is one. */
export function scratch(): string {
  let base = tmpdir();
  try {
    if (statSync("/dev/shm").isDirectory()) base = "/dev/shm";
  } catch {}
  return mkdtempSync(join(base, "cloister-bench-"));
}

interface Pair {
  name: string;
  what: What;
  trace: number;
}

/** Each pair measured on both sides; undefined peers where there is no compiler. */
async function measured(
  bench: Bench,
  traces: Trace[],
  pairs: Pair[],
  rounds: number,
): Promise<Map<string, { ours: Measured; peer: Measured | undefined }>> {
  const folder = scratch();
  const came = new Map<string, string>();
  let peer: Native | undefined;
  try {
    // In the same state on both sides: once before, as the native side gets it.
    for (const { what, trace } of pairs) run(bench, what, traces[trace] as Trace, seconds);
    mkdirSync(BINARIES, { recursive: true });
    await writeHeader(join(BINARIES, "abi.h"));
    const words = dump(folder, bench, traces);
    peer = native("engine", { libraries: ["pthread"], words });
    const tasks = pairs.flatMap(({ name, what, trace }): Task[] => {
      const units = (traces[trace] as Trace).batches.length * (traces[trace] as Trace).records;
      const ours: Task = {
        name,
        units,
        run() {
          const outcome = run(bench, what, traces[trace] as Trace, seconds);
          came.set(name, outcome.came);
          return outcome.seconds;
        },
      };
      const line = `${what} ${trace} 0`;
      const theirs: Task = {
        name: `native C: ${name}`,
        units,
        async run() {
          const answer = await (peer as Native).ask(line);
          came.set(`native C: ${name}`, answer.words.join(" "));
          return answer.seconds;
        },
      };
      return peer ? [ours, theirs] : [ours];
    });
    const rows = await interleaved(tasks, rounds);
    const row = (name: string) => rows.find((each) => each.name === name);
    if (peer)
      for (const { name } of pairs) same(name, came.get(name)!, came.get(`native C: ${name}`));
    return new Map(
      pairs.map(({ name }) => [
        name,
        { ours: row(name) as Measured, peer: row(`native C: ${name}`) },
      ]),
    );
  } finally {
    peer?.stop();
    rmSync(folder, { recursive: true });
  }
}

/** The parts of an access, over 64 MiB of one guest. */
async function parts(quick: boolean): Promise<Figure[]> {
  const bench = machineOf(1, 64 * MIB_PAGES);
  const batches = quick ? 4 : 16;
  const { guests } = bench;
  const traces = [
    traceOf(guests, batches, RECORDS, inRuns(4 * MIB_PAGES)),
    traceOf(guests, batches, RECORDS, anywhere()),
    traceOf(guests, batches, RECORDS, owned()),
  ];
  const pairs: Pair[] = [
    { name: "replay-local", what: "replay", trace: 0 },
    { name: "replay-random", what: "replay", trace: 1 },
    { name: "walk-full", what: "walk-full", trace: 1 },
    { name: "walk-cached", what: "walk-cached", trace: 1 },
    { name: "rmp-check", what: "rmp-check", trace: 2 },
  ];
  const rows = await measured(bench, traces, pairs, quick ? 5 : 41);
  const units: Record<string, string> = { replay: "accesses/s", walk: "walks/s", rmp: "checks/s" };
  const native = pairs.flatMap(({ name }) => {
    const { ours, peer } = rows.get(name)!;
    const unit = units[name.split("-")[0] as string] as string;
    const shown = name === "walk-cached" ? "walk-cached-native" : name;
    return peer ? [against(shown, unit, ours, peer)] : [];
  });
  const [plain, cached] = [rows.get("walk-full")!.ours, rows.get("walk-cached")!.ours];
  return [
    ...native,
    against("walk-cached", "walks/s", cached, { ...plain, name: "the plain walk" }),
  ];
}

/** Cost of an access, ours over native C's: 1.3 is the most that it may be. */
function curve(name: string, ours: Measured, peer: Measured): Figure {
  const nanoseconds = (row: Measured): Measured => ({
    ...row,
    rate: 1e9 / row.rate,
    rates: row.rates.map((rate) => 1e9 / rate),
  });
  return against(name, "ns an access", nanoseconds(ours), nanoseconds(peer));
}

/** Random accesses as the working set of one VM grows, then as VMs of 4 MiB are added, which run in turn. */
async function scale(quick: boolean): Promise<Figure[]> {
  const sizes = quick ? [4, 64, 256] : [4, 16, 64, 256, 1024];
  const vms = quick ? [1, 16] : [1, 4, 16, 64];
  const points = [
    ...sizes.map((mib) => ({ name: `scale-${mib}-mib`, guests: 1, pages: mib * MIB_PAGES })),
    ...vms.map((count) => ({ name: `scale-${count}-vms`, guests: count, pages: 4 * MIB_PAGES })),
  ];
  const figures: Figure[] = [];
  for (const { name, guests, pages } of points) {
    const bench = machineOf(guests, pages);
    const trace =
      guests > 1 || name.endsWith("vms")
        ? traceOf(bench.guests, quick ? 32 : 128, 8192, anywhere())
        : traceOf(bench.guests, quick ? 4 : 16, RECORDS, anywhere());
    const pairs: Pair[] = [{ name, what: "replay", trace: 0 }];
    const { ours, peer } = (await measured(bench, [trace], pairs, quick ? 3 : 21)).get(name)!;
    if (peer) figures.push(curve(name, ours, peer));
  }
  return figures;
}

export async function engineFigures(quick: boolean): Promise<Figure[]> {
  return [...(await parts(quick)), ...(await scale(quick))];
}
