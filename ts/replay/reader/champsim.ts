// ChampSim's instruction traces: 64 bytes each. ChampSim inc/trace_instruction.h: instruction pointer u64, is-branch and taken u8,
// 2 + 4 register numbers, 2 stored and 4 loaded addresses of u64, 0 for none.

import type { Batch } from "../record.ts";
import * as Records from "../record.ts";
import { accessAt, type Layout } from "./fixed.ts";

const IS_BRANCH = 8;
const TAKEN = 9;
const STORES = 16;
const LOADS = 32;
const SIZE = 64;
// The format says neither how long an instruction is nor how wide its accesses are.
const INSTRUCTION = 4;
const WORD = 8;

export class ChampSim implements Layout {
  readonly format = "champsim";
  readonly size: number = SIZE;
  readonly most = 7;

  record(view: DataView, at: number, out: Batch): string | undefined {
    const branch = view.getUint8(at + IS_BRANCH);
    const taken = view.getUint8(at + TAKEN);
    if (branch > 1 || taken > 1)
      return `is_branch ${branch}, branch_taken ${taken}, expected 0 or 1 each`;
    const wrong = accessAt(view, at, Records.FETCH, INSTRUCTION, out);
    return (
      wrong ??
      this.#memory(view, at + LOADS, at + SIZE, Records.LOAD, out) ??
      this.#memory(view, at + STORES, at + LOADS, Records.STORE, out)
    );
  }

  #memory(view: DataView, from: number, to: number, kind: Records.Kind, out: Batch) {
    for (let at = from; at < to; at += WORD) {
      if (view.getUint32(at, true) === 0 && view.getUint32(at + 4, true) === 0) continue;
      const wrong = accessAt(view, at, kind, WORD, out);
      if (wrong) return wrong;
    }
    return undefined;
  }
}

/** Whether bytes look like the first records of such a trace: it has no mark of its own. */
export function looksLikeChampSim(bytes: Uint8Array): boolean {
  const records = Math.floor(bytes.length / SIZE);
  if (records === 0) return false;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const scratch = new Records.Batch(new Uint32Array(8 * Records.WORDS));
  for (let i = 0; i < Math.min(records, 8); i++) {
    scratch.length = 0;
    if (view.getBigUint64(i * SIZE, true) === 0n) return false;
    if (new ChampSim().record(view, i * SIZE, scratch)) return false;
  }
  return true;
}
