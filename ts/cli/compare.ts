// cloister compare: reports of earlier replays side by side.
import { readFileSync } from "node:fs";
import Table from "cli-table3";
import type { Command } from "commander";
import { BadInput } from "../error.ts";
import { type ComparedRow, comparedRows, readReports } from "../replay/compare.ts";
import type { ReplayReport } from "../replay/report.ts";
import { type Exports, exportOptions, writeExports } from "./export-options.ts";
import { print } from "./output.ts";

export function compare(program: Command): void {
  const command = program
    .command("compare")
    .description(
      "put reports of replay --json side by side; the first is the measure of the others",
    )
    .argument("<reports...>", "files that replay --out or --json wrote");
  exportOptions(command).action(act);
}

async function act(paths: string[], options: Exports): Promise<void> {
  const reports = paths.flatMap((path) => {
    const all = readReports(contentOf(path), path);
    const nameOf = (report: ReplayReport) =>
      all.length > 1 && report.trace.name ? `${path}: ${report.trace.name}` : path;
    return all.map((report) => ({ name: nameOf(report), report }));
  });
  writeExports(options, reports);
  await print(compareTable(reports));
}

function contentOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new BadInput(`${path}: cannot be read (${code}), expected a report of replay --json`);
  }
}

const number = new Intl.NumberFormat("en-US");
const percent = (value?: number) => (value === undefined ? "" : `${value.toFixed(2)} %`);

/** A table for a person. */
export function compareTable(reports: { name: string; report: ReplayReport }[]): string {
  const table = new Table({
    head: ["report", "on", "generation", "seconds", "modelled ns", "overhead", "over the first"],
    style: { head: [], border: [], compact: true },
    colAligns: ["left", "left", "left", "right", "right", "right", "right"],
  });
  for (const row of comparedRows(reports)) table.push(cellsOf(row));
  return table.toString();
}

function cellsOf(row: ComparedRow): string[] {
  const { modelledNanoseconds: modelled } = row;
  return [
    row.report,
    `${row.chip} ${row.pageSize} ${row.numa}`,
    row.generation,
    row.wallSeconds.toFixed(3),
    modelled === undefined ? "" : number.format(modelled),
    percent(row.overheadPercent),
    percent(row.overFirstPercent),
  ];
}
