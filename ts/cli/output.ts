// What every verb does with its result: prints it, or writes it to a file that is there whole or not at all.
import { renameSync, rmSync, writeFileSync } from "node:fs";
import { BadInput } from "../error.ts";

/** Prints to stdout; resolves when it is out, so that the process may end. */
export function print(text: string): Promise<void> {
  return new Promise((done) =>
    process.stdout.write(text.endsWith("\n") ? text : `${text}\n`, () => done()),
  );
}

/** Writes a file by renaming a finished one into place. */
export function writeWhole(path: string, contents: string | Uint8Array): void {
  const unfinished = `${path}.${process.pid}.part`;
  try {
    writeFileSync(unfinished, contents);
    renameSync(unfinished, path);
  } catch (error) {
    rmSync(unfinished, { force: true });
    throw new BadInput(`${path}: cannot be written (${(error as NodeJS.ErrnoException).code})`);
  }
}
