// A progress line on a terminal; nothing where stderr is not one.
import { Presets, SingleBar } from "cli-progress";

export interface Progress {
  /** `done` of the total given at the start (bytes), and how many records that were. */
  update(done: number, records: number): void;
  stop(): void;
}

const SILENT: Progress = { update: () => {}, stop: () => {} };
const MILLION = 1e6;

/** `total` in bytes; undefined when it is not known (a pipe), then only the rate is shown. */
export function progress(total: number | undefined, now: () => number): Progress {
  if (!process.stderr.isTTY) return SILENT;
  const format = total
    ? "{bar} {percentage} % | {records} M records | {rate} M/s | ETA {eta_formatted}"
    : "{records} M records | {rate} M/s | {duration_formatted}";
  const options = { format, stream: process.stderr, clearOnComplete: true, hideCursor: true };
  const bar = new SingleBar(options, Presets.shades_classic);
  const start = now();
  bar.start(total ?? 1, 0, { records: "0.0", rate: "0.0" });
  return {
    update(done, records) {
      const rate = records / MILLION / ((now() - start) / 1000);
      bar.update(total ? Math.min(done, total) : 0, {
        records: (records / MILLION).toFixed(1),
        rate: rate.toFixed(1),
      });
    },
    stop: () => bar.stop(),
  };
}
