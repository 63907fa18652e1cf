// A crew in another thread: the same calls as messages, one answer for each. What carries them is the caller's (worker_threads in
// ts/cli/threads.ts); the threads share nothing, so one seed gives the same machines wherever they run.
import type { Generation } from "../chip/chip.ts";
import { wallClock } from "../clock.ts";
import { BadInput, CheckFailed, Misuse } from "../error.ts";
import { type Crew, LocalCrew, type Outcome, type Ran } from "./crew.ts";
import type { MachineOptions } from "./machine.ts";
import type { BatchView } from "./replayer.ts";

/** One end of a line between two threads. */
export interface Line {
  send(message: unknown): void;
  onMessage(listener: (message: unknown) => void): void;
  /** Called when the other thread ends or fails by itself. */
  onEnd?(listener: (error: Error) => void): void;
  close(): void;
}

type Request =
  | { kind: "start"; generations: readonly Generation[]; options: MachineOptions }
  | { kind: "run"; words: Uint32Array; ordinal: bigint; expected: Uint8Array; withEvents: boolean }
  | { kind: "finish"; pages: BigUint64Array };

type Answer = { answer: unknown } | { error: string; name: string };

const errors: Record<string, new (message: string) => Error> = {
  BadInput,
  CheckFailed,
  Misuse,
};

export class RemoteCrew implements Crew {
  readonly generations: readonly Generation[];
  readonly #line: Line;
  #waiting: { resolve(answer: unknown): void; reject(error: Error): void } | undefined;
  #broken: Error | undefined;

  constructor(generations: readonly Generation[], options: MachineOptions, line: Line) {
    this.generations = generations;
    this.#line = line;
    line.onMessage((message) => this.#hear(message as Answer));
    line.onEnd?.((error) => {
      this.#broken = error;
      this.#waiting?.reject(error);
    });
    this.#started = this.#ask({ kind: "start", generations, options });
    // Whoever asks next hears of it.
    this.#started.catch(() => {});
  }

  readonly #started: Promise<unknown>;

  async run(batch: BatchView, expected: Uint8Array, withEvents: boolean): Promise<Ran[]> {
    await this.#started;
    const { ordinal, length } = batch;
    const words = batch.words.slice(0, 4 * length);
    return (await this.#ask({ kind: "run", words, ordinal, expected, withEvents })) as Ran[];
  }

  async finish(pages: BigUint64Array): Promise<Outcome[]> {
    await this.#started;
    return (await this.#ask({ kind: "finish", pages })) as Outcome[];
  }

  close(): void {
    this.#line.close();
  }

  #ask(request: Request): Promise<unknown> {
    if (this.#broken) return Promise.reject(this.#broken);
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#line.send(request);
    });
  }

  #hear(message: Answer): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if ("answer" in message) waiting?.resolve(message.answer);
    else waiting?.reject(new (errors[message.name] ?? Error)(message.error));
  }
}

/** The other end: makes the machines that it is told to make and runs what it is sent. */
export function serveCrew(line: Line): void {
  let crew: LocalCrew | undefined;
  const act = (request: Request): unknown => {
    if (request.kind === "start") {
      crew = new LocalCrew(request.generations, request.options, wallClock.now);
      return undefined;
    }
    if (!crew) throw new Error(`${request.kind} before start`);
    if (request.kind === "finish") return crew.finish(request.pages);
    const { words, ordinal, expected, withEvents } = request;
    const batch = {
      words,
      records: new Uint8Array(words.buffer),
      length: words.length / 4,
      ordinal,
    };
    return crew.run(batch, expected, withEvents);
  };
  line.onMessage((message) => {
    try {
      line.send({ answer: act(message as Request) });
    } catch (error) {
      const { message: text, name } = error as Error;
      line.send({ error: text, name });
    }
  });
}
