// cloister display report FILE: as snpguest prints it, or as JSON.
import type { Command } from "commander";
import { displayReport, reportJson } from "../attest/print.ts";
import { readReport } from "./attestation.ts";

export function display(program: Command): void {
  const verb = program.command("display").description("print what a file holds");
  verb
    .command("report")
    .description("an attestation report, a certificate table may follow it")
    .argument("<att-report>")
    .option("--json", "every field by name")
    .action((path: string, options: { json?: boolean }) => {
      const report = readReport(path);
      const text = options.json
        ? JSON.stringify(reportJson(report), null, 2)
        : displayReport(report);
      process.stdout.write(`${text}\n`);
    });
}
