// npm run mutants: takes each check of the tables out in turn and prints how many the tests notice. With words: the rows that
// hold one of them. With --sample N --seed S: N rows drawn by chance. How to add a row is said in mutant.ts.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { emitChanged, emitTree } from "./emit.ts";
import { each, type Mutant, nameOf, planted, sampleOf } from "./mutant.ts";
import { tables } from "./tables.ts";
import { World } from "./world.ts";

const { values, positionals: words } = parseArgs({
  options: { sample: { type: "string" }, seed: { type: "string", default: "1" } },
  allowPositionals: true,
});

interface Row extends Mutant {
  table: string;
  name: string;
  changed: string;
}

const rowOf = (table: string) => (mutant: Mutant) => {
  const source = readFileSync(mutant.file, "utf8");
  return { ...mutant, table, name: nameOf(source, mutant), changed: planted(source, mutant) };
};
const all = Object.entries(tables).flatMap(([table, rows]) => each(rows).map(rowOf(table)));
const held = all.filter(({ table, file, tests, text, instead }) => {
  const said = [table, file, ...tests, text, instead].join(" ");
  return words.length === 0 || words.some((word) => said.includes(word));
});
if (held.length === 0) throw new Error(`no row holds ${words.join(" or ")}`);
const chosen = values.sample ? sampleOf(held, Number(values.sample), Number(values.seed)) : held;
if (values.sample) console.log(`${chosen.length} of ${held.length}, seed ${values.seed}`);

const work = mkdtempSync(join(tmpdir(), "cloister-mutants-"));
const tree = join(work, "world");
const worlds: World[] = [];

/** Each world takes the next row until none is left. */
async function share<T>(rows: T[], act: (world: World, row: T) => Promise<void>): Promise<void> {
  const left = [...rows];
  const take = async (world: World) => {
    for (let row = left.shift(); row !== undefined; row = left.shift()) await act(world, row);
  };
  await Promise.all(worlds.map(take));
}

const isCore = ({ file }: Row) => file.startsWith("assembly/");
const scriptOf = (row: Row) => join(String(chosen.indexOf(row)), row.file);

/** Emits the tree, what mutants change in it, and a copy for each lane. */
async function prepare(): Promise<void> {
  emitTree(tree);
  const scripts = chosen.filter((row) => !isCore(row));
  emitChanged(work, new Map(scripts.map((row) => [scriptOf(row), row.changed])));
  const lanes = Math.min(availableParallelism(), 4, chosen.length);
  for (let index = 0; index < lanes; index++) worlds.push(new World(tree, index));
  const core = await (worlds[0] as World).coreWith();
  for (const world of worlds) world.write("dist/core/wasm.js", core);
}

// A test that fails anyway would kill every mutant; one that takes ten times as long does not end.
const limits = new Map<string, number>();
const LEAST_MS = 30_000;
async function tryTest(world: World, test: string): Promise<void> {
  const began = performance.now();
  if (!(await world.passes([test], 600_000)))
    throw new Error(`${test}: fails with nothing taken out`);
  limits.set(test, LEAST_MS + Math.round(10 * (performance.now() - began)));
}

async function isKilled(world: World, row: Row): Promise<boolean> {
  const limit = row.tests.reduce((sum, test) => sum + (limits.get(test) as number), 0);
  const passes = () => world.passes(row.tests, limit);
  if (isCore(row))
    return !(await world.with(
      "dist/core/wasm.js",
      await world.coreWith(row.file, row.changed),
      passes,
    ));
  const place = row.file.replace(/^ts\/(.*)\.ts$/, "dist/$1.js");
  const text = readFileSync(join(work, "emitted", scriptOf(row).replace(/\.ts$/, ".js")), "utf8");
  return !(await world.with(place, text, passes));
}

const killed = new Set<Row>();
try {
  await prepare();
  await share([...new Set(chosen.flatMap(({ tests }) => tests))], tryTest);
  await share(chosen, async (world, row) => {
    if (await isKilled(world, row)) killed.add(row);
    console.log(`${killed.has(row) ? "killed  " : "SURVIVED"}  ${row.name}`);
  });
} finally {
  for (const world of worlds) world.close();
  rmSync(work, { recursive: true });
}
for (const table of Object.keys(tables)) {
  const rows = chosen.filter((row) => row.table === table);
  if (rows.length > 0)
    console.log(`${table}: ${rows.filter((row) => killed.has(row)).length} of ${rows.length}`);
}
for (const row of chosen) if (!killed.has(row)) console.log(`SURVIVED  ${row.name}`);
console.log(`${killed.size} of ${chosen.length} killed`);
process.exitCode = killed.size === chosen.length ? 0 : 1;
