// What a second worker gains, each with an instance of its own, against what a second thread gains native C. By the clock on the
// wall: both compete for the same cores with whatever else runs, so only rounds that follow each other are compared.
import { once } from "node:events";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { writeHeader } from "./abi.ts";
import { dump, scratch } from "./engine.ts";
import type { Figure } from "./figure.ts";
import { anywhere, machineOf, traceOf } from "./guest.ts";
import { against, type Measured, median } from "./measure.ts";
import { BINARIES, type Native, native, same, WITHOUT_AES } from "./native.ts";
import type { Work } from "./worker.ts";

const AES_PAGES = 6000;
const BATCHES = 16;
const PAGES = 4096;

interface Pair {
  /** Seconds of one and of two at once. */
  seconds(threads: 1 | 2): Promise<number>;
  came(): string;
  stop(): void;
}

/** Two workers, ready. */
async function workers(work: Work): Promise<Pair> {
  const both = [0, 1].map(
    () => new Worker(new URL("./worker.mjs", import.meta.url), { workerData: work }),
  );
  const next = async (worker: Worker): Promise<string> => (await once(worker, "message"))[0];
  await Promise.all(both.map(next));
  let came = "";
  return {
    async seconds(threads) {
      const some = both.slice(0, threads);
      const before = performance.now();
      for (const worker of some) worker.postMessage("go");
      [came] = (await Promise.all(some.map(next))) as [string];
      return (performance.now() - before) / 1000;
    },
    came: () => came,
    stop: () => void both.map((worker) => worker.terminate()),
  };
}

function threads(peer: Native, line: (threads: number) => string): Pair {
  let came = "";
  return {
    async seconds(count) {
      const { seconds, words } = await peer.ask(line(count));
      came = words.join(" ");
      return seconds;
    },
    came: () => came,
    stop: () => peer.stop(),
  };
}

/** Gains of both sides, round by round. */
async function gains(name: string, ours: Pair, theirs: Pair, rounds: number): Promise<Figure> {
  const all: [number[], number[]] = [[], []];
  try {
    for (let round = -2; round < rounds; round++) {
      for (const [side, pair] of [ours, theirs].entries()) {
        const [one, two] = [await pair.seconds(1), await pair.seconds(2)];
        if (round >= 0) all[side as 0 | 1].push((2 * one) / two);
      }
    }
    same(name, ours.came(), theirs.came());
  } finally {
    ours.stop();
    theirs.stop();
  }
  const row = (name: string, rates: number[]): Measured => ({
    name,
    rate: median(rates),
    rates,
    spread: 0,
  });
  return against(
    name,
    "times one worker's",
    row(name, all[0]),
    row("native C's two threads", all[1]),
  );
}

async function aes(rounds: number): Promise<Figure[]> {
  const peer = native("cipher", { libraries: ["crypto", "pthread"], env: WITHOUT_AES });
  if (!peer) return [];
  const ours = await workers({ what: "aes", amount: AES_PAGES, pages: 0 });
  const theirs = threads(peer, (count) => `threads-${count} ${AES_PAGES}`);
  return [await gains("workers-aes", ours, theirs, rounds)];
}

async function replaying(rounds: number): Promise<Figure[]> {
  const folder = scratch();
  try {
    const bench = machineOf(1, PAGES);
    const trace = traceOf(bench.guests, BATCHES, 65536, anywhere());
    mkdirSync(BINARIES, { recursive: true });
    await writeHeader(join(BINARIES, "abi.h"));
    const peer = native("engine", { libraries: ["pthread"], words: dump(folder, bench, [trace]) });
    if (!peer) return [];
    const ours = await workers({ what: "replay", amount: BATCHES, pages: PAGES });
    const theirs = threads(peer, (count) => `replay 0 ${count}`);
    return [await gains("workers-replay", ours, theirs, rounds)];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export async function workerFigures(quick: boolean): Promise<Figure[]> {
  const rounds = quick ? 5 : 61;
  return [...(await aes(rounds)), ...(await replaying(rounds))];
}
