// Runs a trace over a machine of bench/guest.ts: the loop of the replay, or one step of an access by itself. In any runtime.
import * as Memory from "../dist/abi/memory.js";
import * as State from "../dist/abi/state.js";
import { eventsOf } from "../dist/core/silicon.js";
import type { Bench, Trace } from "./guest.ts";

export type What = "replay" | "walk-full" | "walk-cached" | "rmp-check";

/** Runs a trace; answers the seconds by `clock`, the batches' copying in left out, and what came of it. */
export function run(
  { made }: Bench,
  what: What,
  trace: Trace,
  clock: () => number,
): { seconds: number; came: string } {
  const { exports, bytes, view } = made;
  if (what.startsWith("walk")) exports.setPlainWalks(what === "walk-full");
  view.setBigUint64(Memory.STATE + State.DIGEST, 0n, true);
  const before = eventsOf(view);
  const act =
    what === "replay"
      ? (records: number) => exports.replay(0, records)
      : what === "rmp-check"
        ? exports.checkEach
        : exports.walkEach;
  let seconds = 0;
  for (const { vcpu, records } of trace.batches) {
    bytes.set(vcpu, Memory.VCPU);
    bytes.set(records, Memory.BATCH);
    const began = clock();
    const done = act(trace.records);
    seconds += clock() - began;
    if (done !== trace.records) throw new Error(`${what}: stopped at record ${done}`);
  }
  if (what.startsWith("walk")) exports.setPlainWalks(false);
  const digest = view.getBigUint64(Memory.STATE + State.DIGEST, true);
  const after = eventsOf(view);
  const counted = (["WALKS", "RMP_CHECKS"] as const).map((name) => after[name] - before[name]);
  return { seconds, came: [digest.toString(16).padStart(16, "0"), ...counted].join(" ") };
}
