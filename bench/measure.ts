// Measures tasks side by side: every round runs each of them once, so that a slow moment of the machine hits all alike.
// Medians over the rounds; a figure is a ratio within the run, never a bare rate. Time is the processor's for this work, not the
// wall's: what other programs take of a shared machine is no cost of either side.
import { Bench } from "tinybench";
import type { Figure } from "./figure.ts";

export interface Task {
  name: string;
  /** Units of work that one call does. */
  units: number;
  /** Does the work. What is done elsewhere (in a process of its own) answers the seconds it took. */
  run(): unknown;
}

export interface Measured {
  name: string;
  /** Median over the rounds, in units a second. */
  rate: number;
  /** Half the distance between the quartiles, as a part of the median. */
  spread: number;
  /** The rate in each round, in order. */
  rates: number[];
}

// Rounds that are not counted: engines compile what is hot meanwhile.
const WARM_UP = 4;

/** The median and spread of each task over so many rounds. */
export async function interleaved(tasks: Task[], rounds: number): Promise<Measured[]> {
  const seconds = tasks.map(() => [] as number[]);
  for (let round = -WARM_UP; round < rounds; round++) {
    const bench = new Bench({ iterations: 1, time: 0, warmup: false, throws: true });
    for (const task of tasks) bench.add(task.name, timed(task), { async: true });
    await bench.run();
    bench.tasks.forEach((task, index) => {
      const { result } = task;
      if (round >= 0 && "latency" in result) seconds[index]?.push(result.latency.mean / 1000);
    });
  }
  return tasks.map(({ name, units }, index) => {
    const rates = (seconds[index] as number[]).map((each) => units / each);
    return { name, rate: median(rates), spread: spreadOf(rates), rates };
  });
}

// The process's other threads are idle after the warm-up. A thread's own usage moves by whole ticks of the kernel's.
const timed = (task: Task) => async () => {
  const before = process.cpuUsage();
  const own = await task.run();
  const after = process.cpuUsage();
  const microseconds = after.user - before.user + after.system - before.system;
  return { overriddenDuration: typeof own === "number" ? own * 1000 : microseconds / 1000 };
};

const at = (values: number[], part: number): number => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(part * (sorted.length - 1))] as number;
};

export const median = (values: number[]): number => at(values, 0.5);
const spreadOf = (values: number[]): number =>
  (at(values, 0.75) - at(values, 0.25)) / 2 / median(values);

/** A figure against its peer: the ratio is the median of the rounds' ratios. */
export function against(name: string, unit: string, row: Measured, peer: Measured): Figure {
  const ratios = row.rates.map((rate, round) => rate / (peer.rates[round] as number));
  return {
    name,
    value: row.rate,
    unit,
    peer: peer.name,
    peerValue: peer.rate,
    ratio: median(ratios),
    spread: spreadOf(ratios),
  };
}

/** A loop of dependent integer work: what this machine is worth at the moment. */
export function calibration(): Task {
  const steps = 20_000_000;
  return {
    name: "calibration loop",
    units: steps,
    run() {
      let x = 1;
      for (let i = 0; i < steps; i++) x = (Math.imul(x, 1664525) + 1013904223) | 0;
      if (x === 0) throw new Error("the generator has no zero in this many steps");
    },
  };
}
