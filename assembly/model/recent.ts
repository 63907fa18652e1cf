// A table of one set with many ways, the least recently used of which is replaced: the first-level TLBs and the directories.
// Its entries stand in a ring in order of use, and hang in chains by a hash of the key, so that nothing depends on how many there
// are.
import * as Model from "../../ts/abi/model";

const HASH: u64 = 0x9e3779b97f4a7c15;

/** Where the chain of a key begins. */
export function chainOf(chains: usize, mask: u32, key: u64): usize {
  return chains + (usize(u32((key * HASH) >> 32) & mask) << 2);
}

function chain(row: usize, key: u64): usize {
  return chainOf(load<u32>(row, Model.CHAINS), load<u32>(row, Model.CHAIN_MASK), key);
}

/** The entry of a key, 0 when there is none. */
function find(row: usize, key: u64): usize {
  let entry: usize = load<u32>(chain(row, key));
  while (entry && load<u64>(entry, Model.KEY) != key) entry = load<u32>(entry, Model.CHAIN);
  return entry;
}

function unlink(entry: usize): void {
  const older: usize = load<u32>(entry, Model.OLDER);
  const newer: usize = load<u32>(entry, Model.NEWER);
  store<u32>(newer, u32(older), Model.OLDER);
  store<u32>(older, u32(newer), Model.NEWER);
}

/** Links an entry in as the next older one of another: the ring's own has the newest behind it, and the oldest before it. */
export function link(entry: usize, newer: usize): void {
  const older: usize = load<u32>(newer, Model.OLDER);
  store<u32>(entry, u32(older), Model.OLDER);
  store<u32>(entry, u32(newer), Model.NEWER);
  store<u32>(newer, u32(entry), Model.OLDER);
  store<u32>(older, u32(entry), Model.NEWER);
}

/** Makes an entry the one used last. */
export function renew(ring: usize, entry: usize): void {
  unlink(entry);
  link(entry, ring);
}

function unchain(row: usize, entry: usize): void {
  const at = chain(row, load<u64>(entry, Model.KEY));
  const next = load<u32>(entry, Model.CHAIN);
  let seen: usize = load<u32>(at);
  if (seen == entry) return store<u32>(at, next);
  while (load<u32>(seen, Model.CHAIN) != u32(entry)) seen = load<u32>(seen, Model.CHAIN);
  store<u32>(seen, next, Model.CHAIN);
}

/** Uses a key: true when it was there; else it takes the place of the one used longest ago. */
export function touchRecent(row: usize, key: u64): bool {
  const ring: usize = load<u32>(row, Model.ENTRIES);
  const found = find(row, key);
  if (found) {
    renew(ring, found);
    return true;
  }
  const oldest: usize = load<u32>(ring, Model.NEWER);
  if (load<u64>(oldest, Model.KEY)) unchain(row, oldest);
  const at = chain(row, key);
  store<u64>(oldest, key, Model.KEY);
  store<u32>(oldest, load<u32>(at), Model.CHAIN);
  store<u32>(at, u32(oldest));
  renew(ring, oldest);
  return false;
}

/** Drops a key. Its entry is the next to be taken. */
export function dropRecent(row: usize, key: u64): void {
  const entry = find(row, key);
  if (!entry) return;
  unchain(row, entry);
  store<u64>(entry, 0, Model.KEY);
  unlink(entry);
  link(entry, load<u32>(load<u32>(row, Model.ENTRIES), Model.NEWER));
}

/** Drops everything. Also makes the table. */
export function forgetRecent(row: usize): void {
  const ring: usize = load<u32>(row, Model.ENTRIES);
  const end = ring + usize(load<u32>(row, Model.ENTRY_COUNT)) * Model.ENTRY;
  memory.fill(load<u32>(row, Model.CHAINS), 0, (usize(load<u32>(row, Model.CHAIN_MASK)) + 1) << 2);
  store<u32>(ring, u32(ring), Model.OLDER);
  store<u32>(ring, u32(ring), Model.NEWER);
  for (let entry = ring + Model.ENTRY; entry < end; entry += Model.ENTRY) {
    store<u64>(entry, 0, Model.KEY);
    link(entry, ring);
  }
}
