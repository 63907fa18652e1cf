// What the verbs that try something in every generation share: the table, and the story of one cell.
import Table from "cli-table3";
import type { RefusedGeneration } from "../attack/matrix.ts";
import { type ChipName, type Generation, generations, lacks } from "../chip/chip.ts";
import { chips } from "../chip/index.ts";
import { Misuse } from "../error.ts";
import { oneOf } from "./option.ts";

/** A cell as it is printed. */
export interface GridCell {
  generation: Generation;
  row: string;
  text: string;
}

/** A row a thing tried, a column a generation; below it the generations that the part lacks. */
export function gridOf(all: (GridCell | RefusedGeneration)[], on: string): string {
  const cells = all.filter((cell) => "row" in cell);
  const columns = generations.filter((one) => cells.some((cell) => cell.generation === one));
  const table = new Table({
    head: [`on ${on}`, ...columns],
    style: { head: [], border: [], compact: true },
  });
  for (const row of new Set(cells.map((cell) => cell.row))) {
    const texts = columns.map(
      (generation) =>
        cells.find((cell) => cell.row === row && cell.generation === generation)?.text ?? "",
    );
    table.push([row, ...texts]);
  }
  const refused = all.filter((cell) => "refused" in cell);
  const notes = refused.map(({ generation, refused: why }) => `${generation}: ${why}`);
  return [table.toString(), ...notes].join("\n");
}

/** What --explain names: a generation that the part has, and a row. */
export function cellNamed(
  name: string,
  form: string,
  rows: readonly string[],
  chip: ChipName,
): [generation: Generation, row: string] {
  const [, from, row] = /^([^/]+)\/([^/]+)$/.exec(name) ?? [];
  if (from === undefined || row === undefined)
    throw new Misuse(`--explain: "${name}", expected ${form}`);
  const generation = oneOf("--explain", generations)(from);
  const wanted = oneOf("--explain", rows)(row);
  const refused = lacks(chips[chip], generation);
  if (refused) throw new Misuse(`--explain: ${refused}`);
  return [generation, wanted];
}

/** What happened in a cell, a line each, and what it came to. */
export function storyOf(
  name: string,
  title: string,
  { events, got, via }: { events: string[]; got: string; via: string },
  verdict: string,
): string {
  const lines = [`${name}: ${title}`, ...folded(events).map((event) => `  ${event}`)];
  return [...lines, `${verdict}: ${got}, ${via}`].join("\n");
}

/** Events in a row that differ in an address alone, from the third on, are counted. */
function folded(events: readonly string[]): string[] {
  const kind = (event: string | undefined) => event?.replace(/0x[0-9a-f]+/, "");
  const lines: string[] = [];
  for (let at = 0, end = 0; at < events.length; at = end) {
    while (kind(events[end]) === kind(events[at]) && end < events.length) end++;
    const more = end - at - 1;
    if (more < 2) lines.push(...events.slice(at, end));
    else lines.push(events[at] as string, `... and ${more} more of these`);
  }
  return lines;
}
