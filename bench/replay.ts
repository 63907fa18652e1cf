// The first road: replayed accesses a second in each generation, against the flat reference and a calibration loop.
import { createReadStream } from "node:fs";
import { generations } from "../dist/chip/chip.js";
import { openTrace } from "../dist/index.js";
import { Machine } from "../dist/replay/machine.js";
import { Batch } from "../dist/replay/record.js";
import { Reference } from "../dist/replay/reference.js";
import type { BatchView, Replayer } from "../dist/replay/replayer.js";
import type { Figure } from "./figure.ts";
import { calibration, interleaved, type Task } from "./measure.ts";

const TRACE = "examples/traces/gzip.cltr.gz";
const OPTIONS = {
  chip: "turin",
  pageSize: "4k",
  seed: 1n,
  resident: 256 << 20,
  each: false,
} as const;

/** Every batch of the trace, decoded once. */
async function batchesOf(path: string): Promise<BatchView[]> {
  const trace = await openTrace(createReadStream(path), path);
  const batches: BatchView[] = [];
  const batch = new Batch();
  let ordinal = 0n;
  for (;;) {
    const length = await trace.next(batch);
    if (length === 0) return batches;
    const words = batch.words.slice(0, 4 * length);
    batches.push({ words, records: new Uint8Array(words.buffer), length, ordinal });
    ordinal += BigInt(length);
  }
}

/** Replays the shipped CPU-bound trace, all values verified by the digest of loads. */
export async function replayFigures(quick: boolean): Promise<Figure[]> {
  const batches = await batchesOf(TRACE);
  const records = batches.reduce((sum, batch) => sum + batch.length, 0);
  const digests = new Map<string, bigint>();
  const task = (name: string, replayer: Replayer): Task => ({
    name,
    units: records,
    run() {
      replayer.port.setDigest(0n);
      for (const batch of batches) replayer.run(batch);
      digests.set(name, replayer.port.digest());
    },
  });
  const flat = task("flat reference", new Reference(OPTIONS.resident, OPTIONS.seed, false));
  const machines = generations.map((name) => task(name, new Machine(name, OPTIONS)));
  const measured = await interleaved([calibration(), flat, ...machines], quick ? 3 : 15);
  for (const name of generations) {
    if (digests.get(name) !== digests.get(flat.name))
      throw new Error(`${name}: another digest than the reference`);
  }
  const [loop, peer, ...rows] = measured as [Measured, Measured, ...Measured[]];
  return rows.flatMap((row) => [
    figure(`replay-${row.name}`, row, peer.name, peer.rate),
    figure(`replay-${row.name}-calibrated`, row, loop.name, loop.rate),
  ]);
}

type Measured = Awaited<ReturnType<typeof interleaved>>[number];

function figure(name: string, row: Measured, peer: string, peerValue: number): Figure {
  const { rate, spread } = row;
  return {
    name,
    value: rate,
    unit: "accesses/s",
    peer,
    peerValue,
    ratio: rate / peerValue,
    spread,
  };
}
