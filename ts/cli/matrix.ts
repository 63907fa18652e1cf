// cloister matrix: which generation stops which attack, found by running each.
import Table from "cli-table3";
import type { Command } from "commander";
import { attacks } from "../attack/attacks.ts";
import type { Cell, MatrixOptions, RefusedGeneration } from "../attack/matrix.ts";
import { matrix as cellsOf, runAttack } from "../attack/matrix.ts";
import { type ChipName, type Generation, generations, lacks } from "../chip/chip.ts";
import { chips } from "../chip/index.ts";
import { Misuse } from "../error.ts";
import { chip, generationList, oneOf, whole } from "./option.ts";
import { print } from "./output.ts";

interface Options {
  chip: ChipName;
  generations?: Generation[];
  threats?: string[];
  seed: number;
  explain?: string;
  json?: boolean;
}

const threats = attacks.map(({ threat }) => threat);

export function matrix(program: Command): void {
  program
    .command("matrix")
    .description("run every attack on every generation, and print what each came to")
    .option("--chip <name>", "naples, rome, milan, genoa or turin", chip, "turin")
    .option("--generations <list>", "of none,sme,sev,sev-es,sev-snp,sev-tio", generationList)
    .option("--threats <list>", `of ${threats.join(",")}`, threatList)
    .option("--seed <n>", "everything random follows from it", whole("--seed", 0), 1)
    .option("--explain <generation/threat>", "what happened in one cell")
    .option("--json", "cells as JSON")
    .action(act);
}

function threatList(text: string): string[] {
  return text.split(",").map(oneOf("--threats", threats));
}

async function act(options: Options): Promise<void> {
  if (options.explain !== undefined) return explain(options.explain, options);
  const run: MatrixOptions = {
    chip: options.chip,
    seed: BigInt(options.seed),
    attacks: attacks.filter(({ threat }) => options.threats?.includes(threat) ?? true),
    ...(options.generations ? { generations: options.generations } : {}),
  };
  const cells = [...cellsOf(run)];
  await print(options.json ? jsonOf(cells) : tableOf(cells, options.chip));
}

async function explain(name: string, { chip, seed, json }: Options): Promise<void> {
  const [, from, threat] = /^([^/]+)\/([^/]+)$/.exec(name) ?? [];
  if (from === undefined || threat === undefined)
    throw new Misuse(`--explain: "${name}", expected GENERATION/THREAT`);
  const generation = oneOf("--explain", generations)(from);
  const wanted = oneOf("--explain", threats)(threat);
  const refused = lacks(chips[chip], generation);
  if (refused) throw new Misuse(`--explain: ${refused}`);
  const attack = attacks.find((one) => one.threat === wanted);
  if (!attack) throw new Misuse(`--explain: "${threat}", expected one of ${threats.join(", ")}`);
  const cell = runAttack(attack, generation, { chip, seed: BigInt(seed) });
  if (json) return print(JSON.stringify({ title: attack.title, ...cell }, null, 2));
  const lines = [
    `${generation}/${threat}: ${attack.title}`,
    ...cell.events.map((event) => `  ${event}`),
  ];
  await print([...lines, `${wordOf(cell)}: ${cell.got}, ${cell.via}`].join("\n"));
}

const isCell = (cell: Cell | RefusedGeneration): cell is Cell => "threat" in cell;

function jsonOf(cells: (Cell | RefusedGeneration)[]): string {
  const rows = cells.map((cell) => {
    if (!isCell(cell)) return cell;
    const { events: _, ...row } = cell;
    return row;
  });
  return JSON.stringify({ cells: rows }, null, 2);
}

const wordOf = (cell: Cell) => (cell.protected ? "protected" : "not protected");

/** A row a threat, a column a generation. */
export function tableOf(all: (Cell | RefusedGeneration)[], on: string): string {
  const cells = all.filter(isCell);
  const columns = generations.filter((one) => cells.some((cell) => cell.generation === one));
  const table = new Table({
    head: [`on ${on}`, ...columns],
    style: { head: [], border: [], compact: true },
  });
  for (const threat of new Set(cells.map((cell) => cell.threat))) {
    const row = columns.map((generation) => {
      const cell = cells.find((one) => one.threat === threat && one.generation === generation);
      return cell ? `${cell.protected ? "yes" : "no "} ${cell.got}` : "";
    });
    table.push([threat, ...row]);
  }
  const refused = all.filter((cell) => !isCell(cell)) as RefusedGeneration[];
  const notes = refused.map(({ generation, refused: why }) => `${generation}: ${why}`);
  return [table.toString(), ...notes].join("\n");
}
