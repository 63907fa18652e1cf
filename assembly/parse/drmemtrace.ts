// Records of DynamoRIO's offline traces, 12 bytes each. What a type means stands in a table that ts/replay/reader/drmemtrace.ts
// gives; a record that it must see itself ends the run.
import * as Decode from "../../ts/abi/decode";
import * as Memory from "../../ts/abi/memory";
import * as Record from "../../ts/abi/record";
import { operationOf, record } from "./record";

const KINDS: usize = Memory.SCRATCH + Decode.KINDS;
const SEEN: usize = Memory.SCRATCH + Decode.SEEN;
const OFFSETS: usize = Memory.EXPECTED;

/** Decodes records from `from` to `end` into up to `records` of Memory.BATCH, with their offsets from `from` in Memory.EXPECTED and
 *  how often each type was seen in scratch memory. Answers records made; the bytes taken stand in scratch memory. */
export function parseDrmemtrace(from: usize, end: usize, records: u32): u32 {
  let at = from;
  let made: u32 = 0;
  for (; at < end && made < records; at += Decode.DRMEMTRACE_SIZE) {
    const type = load<u16>(at);
    if (type >= u16(Decode.DRMEMTRACE_TYPES)) break;
    const kind = load<u8>(KINDS + type);
    if (kind == Decode.STOP) break;
    if (kind != Decode.SKIP) {
      const bytes = u32(load<u16>(at, 2));
      const gva = load<u64>(at, 4);
      if (bytes - 1 >= u32(Record.ACCESS_LIMIT) || gva + bytes > u64(1) << 47) break;
      store<u32>(OFFSETS + (usize(made) << 2), u32(at - from));
      record(made++, gva, bytes, operationOf(kind, bytes));
    }
    store<u32>(SEEN + (type << 2), load<u32>(SEEN + (type << 2)) + 1);
  }
  store<u32>(Memory.SCRATCH + Decode.TAKEN, u32(at - from));
  return made;
}
