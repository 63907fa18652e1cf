// cloister replay: a real program's trace through the generations.
import Table from "cli-table3";
import type { Command } from "commander";
import { type ChipName, chipNames, type Generation, generations } from "../chip/chip.ts";
import { wallClock } from "../clock.ts";
import { Misuse } from "../error.ts";
import type { PageSize } from "../hypervisor/vm.ts";
import { repeated } from "../replay/compare.ts";
import type { Numa } from "../replay/cost/charges.ts";
import type { Backing } from "../replay/cost/model.ts";
import { windowOf } from "../replay/reader/window.ts";
import type { GenerationReport, ReplayReport } from "../replay/report.ts";
import { type ReplayOptions, replay as run } from "../replay/run.ts";
import { compareTable } from "./compare.ts";
import { readCostsFile } from "./costs.ts";
import { type Exports, exportOptions, writeExports } from "./export-options.ts";
import { modelTable } from "./model-table.ts";
import { chip, generationList, oneOf, pageSize, size, whole } from "./option.ts";
import { print, writeWhole } from "./output.ts";
import { progress } from "./progress.ts";
import { openTraceFile } from "./trace-file.ts";

interface Options extends Exports {
  generations?: Generation[];
  chip: ChipName;
  pageSize: PageSize;
  seed: number;
  resident: number;
  skip: number;
  limit?: number;
  check: "digest" | "each";
  model: boolean;
  numa: Numa;
  backing: Backing;
  vms: number;
  costs?: string;
  repeat: number;
  json?: boolean;
  out?: string;
}

const INTERRUPTED = 130;

export function replay(program: Command): void {
  const command = program
    .command("replay")
    .description("run a memory trace through the generations and check every value it loads")
    .argument(
      "<traces...>",
      'valgrind lackey text or .cltr, gzipped or not; "-" for standard input',
    )
    .option("--generations <list>", `of ${generations.join(",")}`, generationList)
    .option("--chip <name>", chipNames.join(", "), chip, "turin")
    .option("--page-size <size>", "4k or 2m: guest, nested and RMP pages", pageSize, "4k")
    .option("--seed <n>", "all contents and keys follow from it", whole("--seed", 0), 1)
    .option("--resident <size>", "memory for each machine", size("--resident"), 512 * 2 ** 20)
    .option("--skip <n>", "leave out the first records", whole("--skip", 0), 0)
    .option("--limit <n>", "run at most so many records", whole("--limit", 1))
    .option(
      "--check <how>",
      "digest at the end, or each value, naming the first that differs",
      oneOf("--check", ["digest", "each"] as const),
      "digest",
    )
    .option("--json", "print the report as JSON")
    .option("--out <file>", "write the report as JSON to a file as well")
    .option("--repeat <n>", "run so often; seconds are medians", whole("--repeat", 1), 1)
    .option("--no-model", "count only, charge nothing")
    .option("--numa <node>", "local or remote memory", oneOf("--numa", NUMA), "local")
    .option(
      "--backing <when>",
      "prefaulted, or lazy: memory is accepted when first touched, and charged",
      oneOf("--backing", BACKING),
      "prefaulted",
    )
    .option("--vms <n>", "VMs on the socket that do the same", whole("--vms", 1), 1)
    .option("--costs <file>", "JSON of the model's constants to replace (cloister costs)");
  exportOptions(command).action(act);
}

const NUMA = ["local", "remote"] as const;
const BACKING = ["prefaulted", "lazy"] as const;

async function act(paths: string[], options: Options): Promise<void> {
  const { csv: _, markdown: __, exportJson: ___, json, out, repeat, costs, ...rest } = options;
  if (paths.includes("-") && (repeat > 1 || paths.indexOf("-") !== paths.lastIndexOf("-")))
    throw new Misuse('"-": standard input can be read once, expected a file');
  const overrides = costs ? readCostsFile(costs) : {};
  const interrupt = new AbortController();
  const onInterrupt = () => interrupt.abort();
  process.once("SIGINT", onInterrupt);
  try {
    const reports: { name: string; report: ReplayReport }[] = [];
    for (const path of paths) {
      const runs: ReplayReport[] = [];
      while (runs.length < repeat && (runs.length === 0 || !interrupt.signal.aborted))
        runs.push(await runFile(path, { ...rest, costs: overrides }, interrupt.signal));
      reports.push({ name: path, report: repeated(runs) });
      if (interrupt.signal.aborted) break;
    }
    const whole = reports.map(({ report }) => report);
    const text = JSON.stringify(whole.length === 1 ? whole[0] : whole, null, 2);
    if (out) writeWhole(out, `${text}\n`);
    writeExports(options, reports);
    await print(
      json ? text : reports.map(({ name, report }) => tableOf(report, name)).join("\n\n"),
    );
    if (!json && reports.length > 1) await print(compareTable(reports));
    if (interrupt.signal.aborted) process.exitCode = INTERRUPTED;
  } finally {
    process.removeListener("SIGINT", onInterrupt);
  }
}

async function runFile(
  path: string,
  { skip, limit, ...options }: ReplayOptions & { skip: number; limit?: number },
  signal: AbortSignal,
): Promise<ReplayReport> {
  const { trace: whole, bytes } = await openTraceFile(path);
  const trace = windowOf(whole, skip, limit);
  const shown = progress(bytes, wallClock.now);
  try {
    const onProgress = (records: number) => shown.update(trace.bytes, records);
    return await run(trace, { ...options, signal, onProgress });
  } finally {
    shown.stop();
    // An interrupted read of a pipe never ends, and closing would wait for it; the process ends instead.
    if (!signal.aborted) await trace.close();
  }
}

const count = new Intl.NumberFormat("en-US");

/** The report for a person. */
export function tableOf(report: ReplayReport, name: string): string {
  const { trace, chip, pageSize, generations: rows } = report;
  const sampled = report.sampled ? `\nsampled: ${report.sampled}` : "";
  const head =
    `${name}: ${count.format(trace.records)} records over ${count.format(trace.pages)} pages ` +
    `(${count.format(trace.fetches)} fetches, ${count.format(trace.loads)} loads, ` +
    `${count.format(trace.stores)} stores, ${count.format(trace.modifies)} modifies, ` +
    `${count.format(trace.syscalls)} system calls)${sampled}\n${chip}, ${pageSize} pages, seed ${report.seed}`;
  const ran = rows.filter((row) => !row.refused);
  const table = new Table({
    head: ["", ...ran.map((row) => row.generation)],
    style: { head: [], border: [], compact: true },
    colAligns: ["left", ...ran.map(() => "right" as const)],
  });
  for (const [title, cell] of LINES) table.push([title, ...ran.map(cell)]);
  const refused = rows.flatMap((row) => (row.refused ? [`${row.generation}: ${row.refused}`] : []));
  const shown = ran.length > 0 ? [table.toString()] : [];
  const model = modelTable(report);
  return [head, ...shown, ...refused, verdictOf(ran), ...(model ? [model] : [])].join("\n");
}

type Cell = (row: GenerationReport) => string;
const event = (name: keyof NonNullable<GenerationReport["events"]>): Cell => {
  return ({ events }) => count.format(events?.[name] ?? 0);
};

const LINES: [string, Cell][] = [
  ["seconds", ({ wallSeconds }) => (wallSeconds ?? 0).toFixed(3)],
  ["million accesses/s", ({ accessesPerSecond }) => ((accessesPerSecond ?? 0) / 1e6).toFixed(1)],
  ["walks", event("walks")],
  ["RMP checks", event("rmpChecks")],
  ["#NPF", event("npf")],
  ["exits", event("exits")],
  ["RMPUPDATE", event("rmpupdates")],
  ["PVALIDATE", event("pvalidates")],
  ["lines decrypted", event("linesDecrypted")],
  ["lines encrypted", event("linesEncrypted")],
  ["bytes bounced", event("bytesBounced")],
  ["bytes by DMA", event("bytesDma")],
];

function verdictOf(rows: GenerationReport[]): string {
  const digests = rows.filter((row) => row.digest).map((row) => row.digest);
  if (digests.length === 0) return "no generation ran";
  return `every value equals the flat reference's in ${digests.length} of ${rows.length} generations\ndigest ${digests[0]}`;
}
