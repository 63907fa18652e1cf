// What every verb does with its result: prints it, or writes it to a file that is there whole or not at all.
import { lstatSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { BadInput } from "../error.ts";

/** Prints to stdout; resolves when it is out, so that the process may end. */
export function print(text: string): Promise<void> {
  return new Promise((done) =>
    process.stdout.write(text.endsWith("\n") ? text : `${text}\n`, () => done()),
  );
}

/** The file to write first and rename into place. What is no plain file (/dev/null, a pipe, a link) is written to, not replaced. */
export function unfinishedOf(path: string): string {
  const there = lstatSync(path, { throwIfNoEntry: false });
  return there && !there.isFile() ? path : `${path}.${process.pid}.part`;
}

/** Writes a file by renaming a finished one into place. */
export function writeWhole(path: string, contents: string | Uint8Array): void {
  const unfinished = unfinishedOf(path);
  try {
    writeFileSync(unfinished, contents);
    if (unfinished !== path) renameSync(unfinished, path);
  } catch (error) {
    if (unfinished !== path) rmSync(unfinished, { force: true });
    throw new BadInput(`${path}: cannot be written (${(error as NodeJS.ErrnoException).code})`);
  }
}
