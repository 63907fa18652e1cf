// A run's timeline as Chrome trace events, which Perfetto reads too: a track for each generation, counters of what happened.
// Trace Event Format (Google, 2016).
import type { RanBatch } from "../replay/run.ts";

const MICROSECONDS = 1000;

export class Timeline {
  readonly #events: object[] = [];
  readonly #tracks = new Map<string, number>();
  #start: number | undefined;

  add({ generation, ordinal, length, before, after, events }: RanBatch): void {
    this.#start ??= before;
    const tid = this.#track(generation);
    const ts = (before - this.#start) * MICROSECONDS;
    const end = (after - this.#start) * MICROSECONDS;
    const last = ordinal + BigInt(length) - 1n;
    this.#events.push({
      name: `records ${ordinal} to ${last}`,
      ...{ ph: "X", pid: 1, tid, ts, dur: end - ts },
      args: { firstRecord: Number(ordinal), records: length },
    });
    const counts = events();
    const args = Object.fromEntries(
      Object.entries(counts).map(([name, value]) => [name.toLowerCase(), Number(value)]),
    );
    this.#events.push({ name: `${generation} events`, ph: "C", pid: 1, ts: end, args });
  }

  json(): string {
    const lines = this.#events.map((event) => JSON.stringify(event));
    return `{"displayTimeUnit":"ns","traceEvents":[\n${lines.join(",\n")}\n]}\n`;
  }

  #track(generation: string): number {
    const known = this.#tracks.get(generation);
    if (known) return known;
    const tid = this.#tracks.size + 1;
    this.#tracks.set(generation, tid);
    const name = { name: "thread_name", ph: "M", pid: 1, tid, args: { name: generation } };
    this.#events.push(name);
    return tid;
  }
}
