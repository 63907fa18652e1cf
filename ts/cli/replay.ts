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
import { generateTrace, type PatternName, patternNames } from "../replay/generate/index.ts";
import { traceFormats } from "../replay/reader/open.ts";
import type { TraceFormat } from "../replay/reader/reader.ts";
import { windowOf } from "../replay/reader/window.ts";
import type { GenerationReport, ReplayReport } from "../replay/report.ts";
import { type ReplayOptions, replay as run } from "../replay/run.ts";
import { compareTable } from "./compare.ts";
import { readCostsFile } from "./costs.ts";
import { type Exports, exportOptions, writeExports } from "./export-options.ts";
import { DEFAULT_FOOTPRINT, DEFAULT_RECORDS } from "./generate.ts";
import { interruptible, onAbort } from "./interrupt.ts";
import { modelTable } from "./model-table.ts";
import { chip, generationList, oneOf, pageSize, size, whole } from "./option.ts";
import { print, writeWhole } from "./output.ts";
import { progress } from "./progress.ts";
import { threads } from "./threads.ts";
import { Timeline } from "./timeline.ts";
import { openTraceFile, type TraceFile } from "./trace-file.ts";

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
  threads: number;
  json?: boolean;
  out?: string;
  format?: TraceFormat;
  generate?: PatternName;
  footprint: number;
  records: number;
  timeline?: string;
}

export function replay(program: Command): void {
  const command = program
    .command("replay")
    .description("run a memory trace through the generations and check every value it loads")
    .argument(
      "[traces...]",
      'in any format of docs/trace-format.md, packed or not; "-" for standard input',
    )
    .option(
      "--format <name>",
      "of the trace, if its content must not decide",
      oneOf("--format", traceFormats),
    )
    .option(
      "--generate <pattern>",
      `${patternNames.join(", ")}, instead of a trace`,
      oneOf("--generate", patternNames),
    )
    .option("--footprint <size>", "of --generate", size("--footprint"), DEFAULT_FOOTPRINT)
    .option("--records <n>", "of --generate", whole("--records", 1), DEFAULT_RECORDS)
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
    .option("--threads <n>", "run the generations in so many threads", whole("--threads", 1), 1)
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
    .option("--costs <file>", "JSON of the model's constants to replace (cloister costs)")
    .option("--timeline <file>", "write when what happened, for Perfetto or chrome://tracing");
  exportOptions(command).action(act);
}

const NUMA = ["local", "remote"] as const;
const BACKING = ["prefaulted", "lazy"] as const;

async function act(paths: string[], options: Options): Promise<void> {
  const { csv: _, markdown: __, exportJson: ___, json, out, repeat, costs, ...rest } = options;
  const names = namesOf(paths, options);
  if (names.includes("-") && (repeat > 1 || names.indexOf("-") !== names.lastIndexOf("-")))
    throw new Misuse('"-": standard input can be read once, expected a file');
  const overrides = costs ? readCostsFile(costs) : {};
  const timeline = options.timeline ? new Timeline() : undefined;
  await interruptible(async (signal) => {
    const reports: { name: string; report: ReplayReport }[] = [];
    for (const path of names) {
      const runs: ReplayReport[] = [];
      while (runs.length < repeat && (runs.length === 0 || !signal.aborted))
        runs.push(await runFile(path, { ...rest, costs: overrides }, signal, timeline));
      reports.push({ name: path, report: repeated(runs) });
      if (signal.aborted) break;
    }
    const whole = reports.map(({ report }) => report);
    const text = JSON.stringify(whole.length === 1 ? whole[0] : whole, null, 2);
    if (out) writeWhole(out, `${text}\n`);
    if (options.timeline && timeline) writeWhole(options.timeline, timeline.json());
    writeExports(options, reports);
    await print(
      json ? text : reports.map(({ name, report }) => tableOf(report, name)).join("\n\n"),
    );
    if (!json && reports.length > 1) await print(compareTable(reports));
  });
}

/** The traces to run: the files named, or the pattern to be made. */
function namesOf(paths: string[], { generate }: Options): string[] {
  if (generate && paths.length > 0)
    throw new Misuse(`--generate: "${generate}" and ${paths[0]}, expected one`);
  if (!generate && paths.length === 0)
    throw new Misuse("replay: no trace, expected a file, - or --generate");
  return generate ? [generate] : paths;
}

async function opened(path: string, options: FileOptions): Promise<TraceFile> {
  const { generate, footprint, records, seed } = options;
  if (!generate) return openTraceFile(path, options.format);
  return { trace: generateTrace(generate, { footprint, records, seed }), bytes: undefined };
}

type FileOptions = Omit<Options, "costs" | "out" | "json" | "repeat" | keyof Exports> & {
  costs: ReplayOptions["costs"];
};

async function runFile(
  path: string,
  options: FileOptions,
  signal: AbortSignal,
  timeline: Timeline | undefined,
): Promise<ReplayReport> {
  const found = await Promise.race([opened(path, options), onAbort(signal, undefined)]);
  if (!found) throw new Misuse(`${path}: nothing was run`);
  const { trace: whole, bytes } = found;
  const { skip, limit, generations, costs } = options;
  const { chip, pageSize, seed, resident, check, model, numa, backing, vms } = options;
  const trace = windowOf(whole, skip, limit);
  const shown = progress(bytes, wallClock.now);
  try {
    return await run(trace, {
      ...{ chip, pageSize, seed, resident, check, model, numa, backing, vms },
      ...(generations ? { generations } : {}),
      ...(costs ? { costs } : {}),
      ...(options.threads > 1 ? { threads: () => threads(options.threads) } : {}),
      ...(timeline ? { onBatch: (ran) => timeline.add(ran) } : {}),
      signal,
      onProgress: (records) => shown.update(trace.bytes, records),
    });
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
    `${count.format(trace.syscalls)} system calls${rare(trace)})${sampled}\n${chip}, ${pageSize} pages, seed ${report.seed}`;
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

/** What only some formats have. */
function rare({ exits = 0, pageStates = 0, dmas = 0 }: Partial<ReplayReport["trace"]>): string {
  const all: [number, string][] = [
    [exits, "exits"],
    [pageStates, "page state changes"],
    [dmas, "DMAs"],
  ];
  const seen = all.filter(([n]) => n > 0);
  return seen.map(([n, what]) => `, ${count.format(n)} ${what}`).join("");
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
  ["bytes under IDE", event("ideBytes")],
];

function verdictOf(rows: GenerationReport[]): string {
  const digests = rows.filter((row) => row.digest).map((row) => row.digest);
  if (digests.length === 0) return "no generation ran";
  return `every value equals the flat reference's in ${digests.length} of ${rows.length} generations\ndigest ${digests[0]}`;
}
