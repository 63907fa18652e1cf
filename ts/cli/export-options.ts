// What `replay` and `compare` write beside what they print: CSV, Markdown, hyperfine's JSON.
import type { Command } from "commander";
import { comparedRows, csvOf, hyperfineOf, markdownOf } from "../replay/compare.ts";
import type { ReplayReport } from "../replay/report.ts";
import { writeWhole } from "./output.ts";

export interface Exports {
  csv?: string;
  markdown?: string;
  exportJson?: string;
}

export function exportOptions(command: Command): Command {
  return command
    .option("--csv <file>", "write a row for each report and generation as CSV")
    .option("--markdown <file>", "the same as a Markdown table")
    .option("--export-json <file>", "seconds in the shape of hyperfine --export-json");
}

export function writeExports(
  { csv, markdown, exportJson }: Exports,
  reports: { name: string; report: ReplayReport }[],
): void {
  if (csv) writeWhole(csv, csvOf(comparedRows(reports)));
  if (markdown) writeWhole(markdown, markdownOf(comparedRows(reports)));
  if (exportJson) writeWhole(exportJson, hyperfineOf(reports));
}
