// cloister losses: what an operator gives up by generation, found by trying each.
import type { Command } from "commander";
import type { Loss } from "../attack/loss.ts";
import { losses as all, type LossesOptions, tryLoss, tryLosses } from "../attack/losses.ts";
import type { ChipName, Generation } from "../chip/chip.ts";
import { cellNamed, gridOf, storyOf } from "./grid.ts";
import { chip, generationList, whole } from "./option.ts";
import { print } from "./output.ts";

interface Options {
  chip: ChipName;
  generations?: Generation[];
  seed: number;
  explain?: string;
  json?: boolean;
}

const names = all.map(({ loss }) => loss);

export function losses(program: Command): void {
  program
    .command("losses")
    .description("try what ordinary VMs can do on every generation, and print what is lost")
    .option("--chip <name>", "naples, rome, milan, genoa or turin", chip, "turin")
    .option("--generations <list>", "of none,sme,sev,sev-es,sev-snp,sev-tio", generationList)
    .option("--seed <n>", "everything random follows from it", whole("--seed", 0), 1)
    .option("--explain <generation/loss>", `what happened; of ${names.join(", ")}`)
    .option("--json", "losses as JSON")
    .action(act);
}

async function act(options: Options): Promise<void> {
  if (options.explain !== undefined) return explain(options.explain, options);
  const { chip: on, seed, generations: of } = options;
  const run: LossesOptions = { chip: on, seed: BigInt(seed), ...(of ? { generations: of } : {}) };
  const cells = [...tryLosses(run)];
  if (options.json) {
    const rows = cells.map((cell) => {
      if (!("loss" in cell)) return cell;
      const { events: _, ...row } = cell;
      return row;
    });
    return print(JSON.stringify({ losses: rows }, null, 2));
  }
  const rows = cells.map((cell) =>
    "loss" in cell
      ? { ...cell, row: cell.loss, text: cell.works ? "works" : `no: ${cell.got}` }
      : cell,
  );
  await print(gridOf(rows, on));
}

async function explain(name: string, { chip: on, seed, json }: Options): Promise<void> {
  const [generation, row] = cellNamed(name, "GENERATION/LOSS", names, on);
  const loss = all[names.indexOf(row)] as Loss;
  const cell = tryLoss(loss, generation, { chip: on, seed: BigInt(seed) });
  if (json) return print(JSON.stringify({ title: loss.title, ...cell }, null, 2));
  await print(storyOf(name, loss.title, cell, cell.works ? "works" : "lost"));
}
