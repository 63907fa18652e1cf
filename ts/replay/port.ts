// The replay loop's side of an instance: batches in, digests out. Used by the machine's guest and by the flat reference.
import * as Memory from "../abi/memory.ts";
import * as Replay from "../abi/replay.ts";
import * as State from "../abi/state.ts";
import type { Silicon } from "../core/silicon.ts";
import type { ReplayPort } from "../port.ts";

/** The replay port of an instance. */
export function replayPort({ exports, bytes, view }: Silicon): ReplayPort {
  const state = (offset: number) => Memory.STATE + offset;
  let filled = 0;
  return {
    fill(records, ordinal) {
      bytes.set(records, Memory.BATCH);
      filled = records.length / 16;
      view.setBigUint64(state(State.ORDINAL), ordinal, true);
    },
    run(from, to) {
      const answer = exports.replay(from, to);
      return { at: answer & (2 ** Replay.STOP_LSB - 1), stop: answer >>> Replay.STOP_LSB };
    },
    writeImage: (gva) => Boolean(exports.writeImage(gva)),
    foldPage: (gva) => Boolean(exports.foldPage(gva)),
    fold(piece) {
      bytes.set(piece, Memory.WINDOW);
      exports.foldWindow(piece.length);
    },
    deviceBytes(ordinal, offset, into) {
      exports.fillTransfer(ordinal, offset, into.length);
      into.set(bytes.subarray(Memory.WINDOW, Memory.WINDOW + into.length));
    },
    agree: (at) => Boolean(exports.agree(at)),
    setSeed: (seed) => view.setBigUint64(state(State.SEED), seed, true),
    setCheck: (check) => view.setUint32(state(State.CHECK_EACH), check, true),
    digest: () => view.getBigUint64(state(State.DIGEST), true),
    setDigest: (digest) => view.setBigUint64(state(State.DIGEST), digest, true),
    expected: () => bytes.slice(Memory.EXPECTED, Memory.EXPECTED + 8 * filled),
    expect: (digests) => bytes.set(digests, Memory.EXPECTED),
  };
}
