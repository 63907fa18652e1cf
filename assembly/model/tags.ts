// A set-associative table of tags with the least recently used entry replaced: a cache or a TLB without its data. The ways of a set
// stand in order of use, the last used first.
import * as Model from "../../ts/abi/model";

/** The entry that the last miss pushed out: key << 1, and whether it was dirty. 0 when the way was free. */
export let evicted: u64 = 0;

function setOf(row: usize, key: u64): usize {
  const set = u32(key) & (load<u32>(row, Model.SETS) - 1);
  return load<u32>(row, Model.TABLE) + ((usize(set) * load<u32>(row, Model.WAYS)) << 3);
}

/** Uses a key: true when it was there; else it takes the place of the one used longest ago. `dirty` (0 or 1) is added. */
export function touch(row: usize, key: u64, dirty: u64): bool {
  const set = setOf(row, key);
  let carried = load<u64>(set);
  if (carried >> 1 == key) {
    store<u64>(set, carried | dirty);
    return true;
  }
  const end = set + (usize(load<u32>(row, Model.WAYS)) << 3);
  for (let way = set + 8; way < end; way += 8) {
    const entry = load<u64>(way);
    store<u64>(way, carried);
    if (entry >> 1 == key) {
      store<u64>(set, entry | dirty);
      return true;
    }
    carried = entry;
  }
  store<u64>(set, (key << 1) | dirty);
  evicted = carried;
  return false;
}

/** Marks a key dirty where it is held; its place in the order stays. False when it is not held. */
export function markDirty(row: usize, key: u64): bool {
  const set = setOf(row, key);
  const end = set + (usize(load<u32>(row, Model.WAYS)) << 3);
  for (let way = set; way < end; way += 8) {
    const entry = load<u64>(way);
    if (entry >> 1 != key) continue;
    store<u64>(way, entry | 1);
    return true;
  }
  return false;
}

/** Drops a key, dirty or not: a device has written the line. */
export function drop(row: usize, key: u64): void {
  const set = setOf(row, key);
  const end = set + (usize(load<u32>(row, Model.WAYS)) << 3);
  let found = false;
  for (let way = set; way < end; way += 8) {
    if (!found && load<u64>(way) >> 1 != key) continue;
    found = true;
    store<u64>(way, way + 8 < end ? load<u64>(way + 8) : 0);
  }
}

/** Drops everything. */
export function forget(row: usize): void {
  const entries = load<u32>(row, Model.SETS) * load<u32>(row, Model.WAYS);
  memory.fill(load<u32>(row, Model.TABLE), 0, usize(entries) << 3);
}
