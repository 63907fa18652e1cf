// node --import tsx test/attack/hostile.ts OPERATIONS [SEED]: a hypervisor that does anything, at random, against the promise of SEV-SNP:
// a guest's read of a private page gives the value that it last wrote, or faults; and nothing of its secrets or keys shows outside.
import { pathToFileURL } from "node:url";
import { Round } from "./round.ts";
import type { Tally } from "./tally.ts";

const ROUND = 20_000;

/** Runs so many operations, a fresh machine every 20,000. Throws where the promise is broken, with the seed to see it again. */
export function hostile(
  operations: number,
  seed: bigint,
  progress?: (done: number) => void,
): Tally {
  const tally: Tally = {
    operations: 0,
    reads: 0,
    faults: 0,
    lost: 0,
    writes: 0,
    hostile: 0,
    refused: 0,
    runs: 0,
    killed: 0,
    scanned: 0,
  };
  for (let round = 0n; tally.operations < operations; round++) {
    try {
      new Round(seed + round, tally).run(Math.min(ROUND, operations - tally.operations));
    } catch (error) {
      const where = `seed ${seed + round}, operation ${tally.operations}`;
      throw new Error(`${where}: ${(error as Error).message}`, { cause: error });
    }
    progress?.(tally.operations);
  }
  return tally;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const operations = Number(process.argv[2] ?? 1_000_000);
  const seed = BigInt(process.argv[3] ?? 1);
  console.log(`hostile hypervisor: ${operations} operations, seed ${seed}`);
  const tally = hostile(operations, seed, (done) => {
    if (process.stdout.isTTY) process.stdout.write(`\r${done}`);
  });
  console.log(JSON.stringify(tally));
}
