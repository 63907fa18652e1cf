// The machines of some generations and what is asked of them: in this thread, or behind messages in another (ts/replay/remote.ts).
import type { Generation } from "../chip/chip.ts";
import type { EventName } from "../port.ts";
import { Machine, type MachineOptions } from "./machine.ts";
import { type BatchView, Differs, type Replayer } from "./replayer.ts";

/** What one generation did with one batch; times are of the clock of the thread it ran in. */
export interface Ran {
  generation: Generation;
  before: number;
  after: number;
  /** The record of the batch that gave another value than the reference. */
  differs?: number;
  /** Counts since the making of the machine. */
  events?: Record<EventName, bigint>;
}

/** What one generation came to at the end of the trace. */
export interface Outcome {
  generation: Generation;
  /** Counts before the caches were emptied, and after. */
  counted: Record<EventName, bigint>;
  events: Record<EventName, bigint>;
  exits: ReadonlyMap<number, number>;
  /** Pages whose state the guest had the RMP change. */
  changed: number;
  reasons: ReadonlyMap<string, number>;
  digest: string;
}

export interface Crew {
  readonly generations: readonly Generation[];
  /** Runs a batch; `expected` are the reference's digests after each record. */
  run(batch: BatchView, expected: Uint8Array, withEvents: boolean): Ran[] | Promise<Ran[]>;
  /** Ends the run: the digest of final memory is taken over these pages. */
  finish(pages: BigUint64Array): Outcome[] | Promise<Outcome[]>;
  /** Gives the threads back. */
  close(): void;
}

/** The machines in this thread. */
export class LocalCrew implements Crew {
  readonly generations: readonly Generation[];
  readonly #machines: Machine[];
  readonly #now: () => number;

  constructor(generations: readonly Generation[], options: MachineOptions, now: () => number) {
    this.generations = generations;
    this.#machines = generations.map((generation) => new Machine(generation, options));
    this.#now = now;
  }

  run(batch: BatchView, expected: Uint8Array, withEvents: boolean): Ran[] {
    return this.#machines.map((machine) => {
      machine.port.expect(expected);
      const before = this.#now();
      const differs = differsOf(machine, batch);
      const after = this.#now();
      const events = withEvents ? { events: machine.events() } : {};
      const wrong = differs === undefined ? {} : { differs };
      return { generation: machine.generation, before, after, ...wrong, ...events };
    });
  }

  finish(pages: BigUint64Array): Outcome[] {
    return this.#machines.map((machine) => {
      const { generation, reasons, changed } = machine;
      const counted = machine.events();
      const exits = machine.exits();
      machine.flush();
      const events = machine.events();
      const digest = digestOf(machine, pages);
      return { generation, counted, exits, changed, events, reasons, digest };
    });
  }

  close(): void {}
}

/** Runs a batch. Answers the record that gave another value than the reference, if one did. */
export function differsOf(replayer: Replayer, batch: BatchView): number | undefined {
  try {
    replayer.run(batch);
    return undefined;
  } catch (error) {
    if (error instanceof Differs) return error.at;
    throw error;
  }
}

/** The digest of loaded values, then that of final memory over these pages. */
export function digestOf(replayer: Replayer, pages: BigUint64Array): string {
  const loads = replayer.port.digest();
  replayer.port.setDigest(0n);
  for (const page of pages) replayer.foldPage(page << 12n);
  const memory = replayer.port.digest();
  return hex(loads) + hex(memory);
}

const hex = (word: bigint): string => word.toString(16).padStart(16, "0");
