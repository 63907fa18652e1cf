// cloister costs: the constants of the cost model, each with its source.
import { readFileSync } from "node:fs";
import Table from "cli-table3";
import type { Command } from "commander";
import { type ChipName, chipNames } from "../chip/chip.ts";
import { BadInput } from "../error.ts";
import { type CostRow, type Costs, costRows, readCosts } from "../replay/cost/costs.ts";
import { chip } from "./option.ts";
import { print } from "./output.ts";

interface Options {
  chip: ChipName;
  costs?: string;
  json?: boolean;
}

export function costs(program: Command): void {
  program
    .command("costs")
    .description("print the constants of the cost model and where each comes from")
    .option("--chip <name>", chipNames.join(", "), chip, "turin")
    .option("--costs <file>", "JSON of constants to replace; docs/costs.schema.json")
    .option("--json", "print names and values as JSON: a file that --costs takes")
    .action(act);
}

async function act(options: Options): Promise<void> {
  const rows = costRows(options.chip, options.costs ? readCostsFile(options.costs) : {});
  if (!options.json) return print(tableOf(rows));
  await print(
    JSON.stringify(Object.fromEntries(rows.map(({ key, value }) => [key, value])), null, 2),
  );
}

function tableOf(rows: CostRow[]): string {
  const table = new Table({
    head: ["constant", "value", "unit", "source"],
    style: { head: [], border: [], compact: true },
    colAligns: ["left", "right", "left", "left"],
    colWidths: [null, null, null, 80],
    wordWrap: true,
  });
  for (const { key, value, unit, source } of rows) table.push([key, value, unit, source]);
  const assumed = rows.filter((row) => row.assumption).length;
  return `${table.toString()}\n${rows.length} constants, ${assumed} of them assumptions in whole or in part`;
}

/** Reads a file of overrides. */
export function readCostsFile(path: string): Partial<Costs> {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new BadInput(`${path}: cannot be read (${code}), expected a file of costs`);
  }
  return readCosts(text, path);
}
