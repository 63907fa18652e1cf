// What the parsers write: records of the replay loop, at their places in Memory.BATCH.
import * as Decode from "../../ts/abi/decode";
import * as Memory from "../../ts/abi/memory";
import * as Record from "../../ts/abi/record";

/** The handler of an access. The table of ts/replay/record.ts lies in scratch memory while an instance decodes. */
export function operationOf(kind: u32, bytes: u32): u32 {
  const column = min<u32>(bytes, Decode.COLUMNS - 1);
  return load<u8>(Memory.SCRATCH + Decode.OPERATIONS + usize(kind * Decode.COLUMNS + column));
}

/** Writes record number `index`. */
export function record(index: u32, gva: u64, bytes: u32, operation: u32): void {
  const at: usize = Memory.BATCH + usize(index) * Record.SIZE;
  store<u64>(at, gva, Record.GVA);
  // Both words at once: the handler stands in the byte after the size.
  store<u64>(at, u64(bytes) | (u64(operation) << 32), Record.BYTES);
}
