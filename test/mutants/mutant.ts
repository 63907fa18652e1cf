// A check taken out of the sources, and the tests that must notice.
import { Chance } from "../core.ts";

/**
 * Checks of one file, each to be taken out alone. To add one: put a line into the table of its subject beside this file (rmp.ts,
 * vmrun.ts, ghcb.ts, ...; a new table is named in tables.ts). `file` is under assembly/ or ts/, `tests` are folders or files as
 * test/run.ts takes them, and a change says what stands in the file, once, and what stands there instead: `true` or `false`
 * for a condition, nothing for an effect. Then `npm run mutants -- some-of-its-words` runs it alone. A text that is no longer
 * in its file is an error, not a pass.
 */
export interface Mutants {
  file: string;
  tests: string[];
  changes: [text: string, instead: string][];
}

export interface Mutant {
  file: string;
  tests: string[];
  text: string;
  instead: string;
}

/** The rows one by one. */
export function each(tables: Mutants[]): Mutant[] {
  return tables.flatMap(({ file, tests, changes }) =>
    changes.map(([text, instead]) => ({ file, tests, text, instead })),
  );
}

/** So many of the rows, drawn by chance. */
export function sampleOf<T>(rows: readonly T[], size: number, seed: number): T[] {
  const chance = new Chance(BigInt(seed));
  const left = [...rows];
  const drawn: T[] = [];
  while (drawn.length < size && left.length > 0)
    drawn.push(...left.splice(chance.below(left.length), 1));
  return drawn;
}

/** A file's text with the mutant planted. */
export function planted(source: string, { file, text, instead }: Mutant): string {
  const pieces = source.split(text);
  if (pieces.length !== 2)
    throw new Error(`${file}: "${text}" stands there ${pieces.length - 1} times, expected once`);
  return pieces.join(instead);
}

/** What the mutant is, for people. */
export function nameOf(source: string, { file, text, instead }: Mutant): string {
  const line = source.slice(0, source.indexOf(text)).split("\n").length;
  const change = `${text.trim()} -> ${instead.trim() || "nothing"}`.replace(/\s+/g, " ");
  return `${file}:${line}  ${change}`;
}
