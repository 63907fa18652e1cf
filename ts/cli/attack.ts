// cloister attack: runs an attack of the user's own on every generation. docs/attack.md says what a module gives and gets.
import { existsSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Command } from "commander";
import type { Attack } from "../attack/attack.ts";
import { type MatrixOptions, matrix } from "../attack/matrix.ts";
import type { ChipName, Generation } from "../chip/chip.ts";
import { BadInput } from "../error.ts";
import { tableOf } from "./matrix.ts";
import { chip, generationList, whole } from "./option.ts";
import { print } from "./output.ts";

interface Options {
  chip: ChipName;
  generations?: Generation[];
  seed: number;
  events?: boolean;
  json?: boolean;
}

export function attack(program: Command): void {
  program
    .command("attack")
    .description("run an attack of your own on every generation")
    .argument("<module>", "an ES module whose default export is {threat, title, run(scene)}")
    .option("--chip <name>", "naples, rome, milan, genoa or turin", chip, "turin")
    .option("--generations <list>", "of none,sme,sev,sev-es,sev-snp,sev-tio", generationList)
    .option("--seed <n>", "everything random follows from it", whole("--seed", 0), 1)
    .option("--events", "print what happened in each generation")
    .option("--json", "cells as JSON, events included")
    .action(act);
}

async function act(path: string, options: Options): Promise<void> {
  const run: MatrixOptions = {
    chip: options.chip,
    seed: BigInt(options.seed),
    attacks: [await load(path)],
    ...(options.generations ? { generations: options.generations } : {}),
  };
  const cells = [...matrix(run)];
  if (options.json) return print(JSON.stringify({ cells }, null, 2));
  if (options.events)
    for (const cell of cells)
      if ("events" in cell)
        await print(
          [`${cell.generation}:`, ...cell.events.map((event) => `  ${event}`)].join("\n"),
        );
  await print(tableOf(cells, options.chip));
}

async function load(path: string): Promise<Attack> {
  if (!existsSync(path)) throw new BadInput(`${path}: no such file, expected an ES module`);
  if (!statSync(path).isFile()) throw new BadInput(`${path}: not a file, expected an ES module`);
  let module: { default?: Partial<Attack> };
  try {
    module = await import(pathToFileURL(resolve(path)).href);
  } catch (error) {
    throw new BadInput(`${path}: ${(error as Error).message}`);
  }
  const { threat, title, run } = module.default ?? {};
  if (typeof threat !== "string" || typeof run !== "function")
    throw new BadInput(`${path}: default export is not {threat, title, run(scene)}`);
  return { ...module.default, threat, title: title ?? threat, run } as Attack;
}
