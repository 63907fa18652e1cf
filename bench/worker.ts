// One of the threads of bench/workers.ts, with an instance of its own: does what it is told, and says when it is done.
import { parentPort, workerData } from "node:worker_threads";
import { anywhere, machineOf, traceOf } from "./guest.ts";
import { digest } from "./native.ts";
import { EVERY_LINE, engine, FROM, PAGE, TO } from "./pages.ts";
import { run } from "./road.ts";

export interface Work {
  what: "aes" | "replay";
  /** Pages to encipher, or batches to replay. */
  amount: number;
  /** Pages of the guest that is replayed. */
  pages: number;
}

const { what, amount, pages } = workerData as Work;

function ciphering(): () => string {
  const { exports, bytes } = engine("xts");
  return () => {
    for (let page = 0; page < amount; page++) exports.encryptLines(page, 1, EVERY_LINE, FROM, TO);
    return digest(bytes.subarray(TO, TO + PAGE));
  };
}

function replaying(): () => string {
  const bench = machineOf(1, pages);
  const trace = traceOf(bench.guests, amount, 65536, anywhere());
  return () => run(bench, "replay", trace, () => 0).came;
}

const act = what === "aes" ? ciphering() : replaying();
parentPort?.on("message", () => parentPort?.postMessage(act()));
parentPort?.postMessage("ready");
