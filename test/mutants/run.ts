// npm run mutants: takes each check of the tables out in turn and prints how many the tests notice. With words: the rows that
// hold one of them. How to add a row is said in mutant.ts.
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { ghcb } from "./ghcb.ts";
import { ghcbGuest } from "./ghcb-guest.ts";
import { each, type Mutant, nameOf } from "./mutant.ts";
import { rmp } from "./rmp.ts";
import { rmpInstruction } from "./rmp-instruction.ts";
import { tio } from "./tio.ts";
import { walk } from "./walk.ts";
import { World } from "./world.ts";

const tables = [rmp, rmpInstruction, walk, ghcb, ghcbGuest, tio];

const words = process.argv.slice(2);
const holds = (mutant: Mutant) => {
  const text = Object.values(mutant).flat().join(" ");
  return words.length === 0 || words.some((word) => text.includes(word));
};
const chosen = each(tables.flat()).filter(holds);
if (chosen.length === 0) throw new Error(`no row holds ${words.join(" or ")}`);

const lanes = Math.min(availableParallelism(), 4, chosen.length);
const worlds = Array.from({ length: lanes }, () => new World());

/** Each world takes the next row until none is left. */
async function share<T>(rows: T[], act: (world: World, row: T) => Promise<void>): Promise<void> {
  const left = [...rows];
  const work = async (world: World) => {
    for (let row = left.shift(); row !== undefined; row = left.shift()) await act(world, row);
  };
  await Promise.all(worlds.map(work));
}

let killed = 0;
try {
  await Promise.all(worlds.map((world) => world.compile()));
  // A test that fails anyway would kill every mutant.
  await share([...new Set(chosen.flatMap(({ tests }) => tests))], async (world, test) => {
    if (!(await world.passes([test]))) throw new Error(`${test}: fails with nothing taken out`);
  });
  await share(chosen, async (world, mutant) => {
    const name = nameOf(readFileSync(mutant.file, "utf8"), mutant);
    const isKilled = await world.kills(mutant);
    if (isKilled) killed++;
    console.log(`${isKilled ? "killed  " : "SURVIVED"}  ${name}`);
  });
} finally {
  for (const world of worlds) world.remove();
}
console.log(`${killed} of ${chosen.length} killed`);
process.exitCode = killed === chosen.length ? 0 : 1;
