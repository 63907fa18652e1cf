// --threads N: worker threads for the machines of a replay. The same file is what each of them runs. Node, Deno and Bun.
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { type Line, serveCrew } from "../replay/remote.ts";

// How a worker of ours is told from one of somebody who imports this module.
const ROLE = "cloister replay crew";

/** Lines to so many threads, each waiting for machines. */
export function threads(count: number): Line[] {
  return Array.from({ length: count }, () => {
    const worker = new Worker(new URL(import.meta.url), { workerData: ROLE });
    return {
      send: (message) => worker.postMessage(message),
      onMessage: (listener) => void worker.on("message", listener),
      onEnd: (listener) => {
        worker.on("error", listener);
        worker.on("exit", (code) => listener(new Error(`a thread ended with ${code}`)));
      },
      close: () => void worker.terminate(),
    };
  });
}

const port = parentPort;
if (!isMainThread && port && workerData === ROLE) {
  serveCrew({
    send: (message) => port.postMessage(message),
    onMessage: (listener) => void port.on("message", listener),
    close: () => port.close(),
  });
}
