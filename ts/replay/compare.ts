// Several reports side by side: one row for each report and generation, as a table, CSV, Markdown or hyperfine's JSON.
import { BadInput } from "../error.ts";
import type { GenerationReport, ReplayReport } from "./report.ts";
import { SCHEMA } from "./report.ts";

export interface ComparedRow {
  report: string;
  trace: string;
  chip: string;
  pageSize: string;
  numa: string;
  generation: string;
  wallSeconds: number;
  accessesPerSecond: number;
  modelledNanoseconds?: number;
  overheadPercent?: number;
  /** Modelled time over that of the first report's same generation. */
  overFirstPercent?: number;
}

const COLUMNS: (keyof ComparedRow)[] = [
  "report",
  "trace",
  "chip",
  "pageSize",
  "numa",
  "generation",
  "wallSeconds",
  "accessesPerSecond",
  "modelledNanoseconds",
  "overheadPercent",
  "overFirstPercent",
];

/** Reads one report, or several in an array, as `replay --json` prints them. */
export function readReports(text: string, where: string): ReplayReport[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw new BadInput(`${where}: not JSON (${(error as Error).message})`);
  }
  const reports = Array.isArray(parsed) ? parsed : [parsed];
  if (reports.length === 0) throw new BadInput(`${where}: no report, expected one or more`);
  reports.forEach((report, i) => {
    const which = reports.length > 1 ? `${where}: [${i}]` : where;
    const schema = (report as Partial<ReplayReport> | null)?.schema;
    if (schema !== SCHEMA) {
      const seen = JSON.stringify(schema) ?? "nothing";
      throw new BadInput(`${which}: schema ${seen}, expected a report with "${SCHEMA}"`);
    }
    checkFields(report as object, REPORT, which);
    const { generations } = report as ReplayReport;
    generations.forEach((row, g) => {
      const place = `${which}: generations[${g}]`;
      checkFields(row, ROW, place);
      if (row.modelled) checkFields(row.modelled, MODELLED, `${place}.modelled`);
    });
  });
  return reports as ReplayReport[];
}

type Kind = "string" | "number" | "numbers" | "object" | "array";

// What is compared; a name that ends in ? may be absent.
const REPORT = [
  ...([
    ["chip", "string"],
    ["pageSize", "string"],
    ["numa", "string"],
  ] as const),
  ...([
    ["trace", "object"],
    ["generations", "array"],
  ] as const),
] as const;
const ROW = [
  ...([
    ["generation", "string"],
    ["refused?", "string"],
    ["times?", "numbers"],
  ] as const),
  ...([
    ["wallSeconds?", "number"],
    ["accessesPerSecond?", "number"],
    ["modelled?", "object"],
  ] as const),
] as const;
const MODELLED = [
  ["nanoseconds", "number"],
  ["overheadPercent", "number"],
] as const;

const IS: Record<Kind, (value: unknown) => boolean> = {
  string: (value) => typeof value === "string",
  number: (value) => Number.isFinite(value),
  numbers: (value) => Array.isArray(value) && value.every(Number.isFinite),
  object: (value) => typeof value === "object" && value !== null && !Array.isArray(value),
  array: Array.isArray,
};

function checkFields(of: unknown, fields: readonly (readonly [string, Kind])[], where: string) {
  const seen = (value: unknown) => JSON.stringify(value) ?? "nothing";
  if (!IS.object(of)) throw new BadInput(`${where}: ${seen(of)}, expected an object`);
  for (const [said, kind] of fields) {
    const name = said.replace("?", "");
    const value = (of as Record<string, unknown>)[name];
    if ((value === undefined && said !== name) || IS[kind](value)) continue;
    throw new BadInput(
      `${where}: ${name}: ${seen(value).slice(0, 80)}, expected ${EXPECTED[kind]}`,
    );
  }
}

const EXPECTED: Record<Kind, string> = {
  string: "text",
  number: "a number",
  numbers: "numbers",
  object: "an object",
  array: "an array",
};

/** A row for each report and each generation that ran in it. */
export function comparedRows(reports: { name: string; report: ReplayReport }[]): ComparedRow[] {
  const first = reports[0]?.report;
  return reports.flatMap(({ name, report }) =>
    report.generations.filter((row) => !row.refused).map((row) => rowOf(name, report, row, first)),
  );
}

function rowOf(
  name: string,
  report: ReplayReport,
  row: GenerationReport,
  first: ReplayReport | undefined,
): ComparedRow {
  const { chip, pageSize, numa, trace } = report;
  const { generation, wallSeconds = 0, accessesPerSecond = 0, modelled } = row;
  const same = first?.generations.find((candidate) => candidate.generation === generation);
  const base = same?.modelled?.nanoseconds;
  return {
    ...{ report: name, trace: trace.name ?? "", chip, pageSize, numa, generation },
    ...{ wallSeconds, accessesPerSecond },
    ...(modelled
      ? { modelledNanoseconds: modelled.nanoseconds, overheadPercent: modelled.overheadPercent }
      : {}),
    ...(modelled && base
      ? { overFirstPercent: Math.round(1e5 * (modelled.nanoseconds / base - 1)) / 1000 }
      : {}),
  };
}

const textOf = (row: ComparedRow, column: keyof ComparedRow): string => String(row[column] ?? "");

/** RFC 4180, with a head line. */
export function csvOf(rows: ComparedRow[]): string {
  const quoted = (text: string) =>
    /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  const lines = rows.map((row) => COLUMNS.map((column) => quoted(textOf(row, column))).join(","));
  return `${[COLUMNS.join(","), ...lines].join("\r\n")}\r\n`;
}

export function markdownOf(rows: ComparedRow[]): string {
  const line = (cells: string[]) => `| ${cells.join(" | ")} |`;
  const rule = COLUMNS.map((column) => (COLUMNS.indexOf(column) < 6 ? "---" : "--:"));
  const body = rows.map((row) =>
    line(COLUMNS.map((column) => textOf(row, column).replaceAll("|", "\\|"))),
  );
  return `${[line(COLUMNS), line(rule), ...body].join("\n")}\n`;
}

/** The shape of `hyperfine --export-json`: seconds of this process, a result for each report and generation. */
export function hyperfineOf(reports: { name: string; report: ReplayReport }[]): string {
  const results = reports.flatMap(({ name, report }) =>
    report.generations.flatMap((row) => {
      const times = row.times ?? (row.wallSeconds === undefined ? [] : [row.wallSeconds]);
      if (times.length === 0) return [];
      const { chip, pageSize, numa } = report;
      return {
        command: `${name} ${row.generation}`,
        ...statisticsOf(times),
        times,
        parameters: { chip, pageSize, numa, generation: row.generation },
      };
    }),
  );
  return `${JSON.stringify({ results }, null, 2)}\n`;
}

function statisticsOf(times: number[]) {
  const mean = times.reduce((sum, time) => sum + time, 0) / times.length;
  const squares = times.reduce((sum, time) => sum + (time - mean) ** 2, 0);
  const stddev = times.length > 1 ? Math.sqrt(squares / (times.length - 1)) : null;
  return {
    mean,
    stddev,
    median: medianOf(times),
    min: Math.min(...times),
    max: Math.max(...times),
  };
}

export function medianOf(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] as number;
  return sorted.length % 2 ? upper : ((sorted[middle - 1] as number) + upper) / 2;
}

/** One report of several runs of the same replay: medians, and each run's seconds. */
export function repeated(reports: ReplayReport[]): ReplayReport {
  const first = reports[0] as ReplayReport;
  if (reports.length === 1) return first;
  const generations = first.generations.map((row, index) => {
    if (row.refused) return row;
    const times = reports.map((report) => report.generations[index]?.wallSeconds ?? 0);
    const rates = reports.map((report) => report.generations[index]?.accessesPerSecond ?? 0);
    return {
      ...row,
      wallSeconds: medianOf(times),
      accessesPerSecond: Math.round(medianOf(rates)),
      times,
    };
  });
  return { ...first, generations };
}
