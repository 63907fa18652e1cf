// Blocks in a file, for the disk. Has a subpath of its own, `cloister/device/file`: a browser has no files.
import { closeSync, fstatSync, openSync, readSync, writeSync } from "node:fs";
import { BadInput } from "../error.ts";
import { BLOCK, type Blocks } from "./disk.ts";

export interface FileBlocks extends Blocks {
  close(): void;
}

/** Opens a file for reading and writing. Its size is the disk's: whole blocks of 512 bytes, at least one. */
export function fileBlocks(path: string): FileBlocks {
  const file = openSync(path, "r+");
  const bytes = fstatSync(file).size;
  if (bytes === 0 || bytes % BLOCK !== 0) {
    closeSync(file);
    throw new BadInput(`${path}: ${bytes} bytes, expected a multiple of ${BLOCK}`);
  }
  return {
    bytes,
    read(offset, into) {
      for (let done = 0; done < into.length; ) {
        const got = readSync(file, into, done, into.length - done, offset + done);
        if (got === 0) throw new BadInput(`${path}: ends at ${offset + done}, expected ${bytes}`);
        done += got;
      }
    },
    write(offset, from) {
      for (let done = 0; done < from.length; )
        done += writeSync(file, from, done, from.length - done, offset + done);
    },
    close: () => closeSync(file),
  };
}
