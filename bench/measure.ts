// Measures tasks side by side: every round runs each of them once, so that a slow moment of the machine hits all alike.
// Medians over the rounds; a figure is a ratio within the run, never a bare rate.
import { Bench } from "tinybench";

export interface Task {
  name: string;
  /** Units of work that one call does. */
  units: number;
  run(): void | Promise<void>;
}

export interface Measured {
  name: string;
  /** Median over the rounds, in units a second. */
  rate: number;
  /** Half the distance between the quartiles, as a part of the median. */
  spread: number;
}

/** The median and spread of each task over so many rounds, after one round that is not counted. */
export async function interleaved(tasks: Task[], rounds: number): Promise<Measured[]> {
  const seconds = tasks.map(() => [] as number[]);
  for (let round = -1; round < rounds; round++) {
    const bench = new Bench({ iterations: 1, time: 0, warmup: false, throws: true });
    for (const task of tasks) bench.add(task.name, task.run, { async: true });
    await bench.run();
    bench.tasks.forEach((task, index) => {
      const { result } = task;
      if (round >= 0 && "latency" in result) seconds[index]?.push(result.latency.mean / 1000);
    });
  }
  return tasks.map(({ name, units }, index) => {
    const sorted = (seconds[index] as number[]).sort((a, b) => a - b);
    const at = (part: number) => sorted[Math.floor(part * (sorted.length - 1))] as number;
    const median = at(0.5);
    return { name, rate: units / median, spread: (at(0.75) - at(0.25)) / 2 / median };
  });
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
