// cloister matrix: which generation stops which attack, found by running each.
import type { Command } from "commander";
import type { AnyAttack } from "../attack/attack.ts";
import { attacks } from "../attack/attacks.ts";
import type { Cell, MatrixOptions, RefusedGeneration } from "../attack/matrix.ts";
import { matrix as cellsOf, runAttack } from "../attack/matrix.ts";
import type { ChipName, Generation } from "../chip/chip.ts";
import { cellNamed, gridOf, storyOf } from "./grid.ts";
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
  const [generation, threat] = cellNamed(name, "GENERATION/THREAT", threats, chip);
  const attack = attacks[threats.indexOf(threat)] as AnyAttack;
  const cell = runAttack(attack, generation, { chip, seed: BigInt(seed) });
  if (json) return print(JSON.stringify({ title: attack.title, ...cell }, null, 2));
  await print(storyOf(name, attack.title, cell, cell.protected ? "protected" : "not protected"));
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

/** A row a threat, a column a generation. */
export function tableOf(all: (Cell | RefusedGeneration)[], on: string): string {
  const rows = all.map((cell) =>
    isCell(cell)
      ? { ...cell, row: cell.threat, text: `${cell.protected ? "yes" : "no "} ${cell.got}` }
      : cell,
  );
  return gridOf(rows, on);
}
