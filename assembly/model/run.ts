// The model's loop: the records of a batch through the part's TLBs and caches. Nothing here has data, and nothing refuses.
import * as Memory from "../../ts/abi/memory";
import * as Model from "../../ts/abi/model";
import * as Record from "../../ts/abi/record";
import { PAGE_SHIFT } from "../address";
import { add, charge, LINE, LINE_SHIFT, MODEL, observe, observeHits, SPACE } from "./base";
import { reach } from "./cache";
import { startTrackers, train } from "./stream";
import { changeState, startTranslation, translateData, translateFetch } from "./translate";
import { transfer } from "./transfer";
import { clearHits, fetchHits, loadHits, runUsual, storeHits } from "./usual";

const L1I: usize = MODEL + Model.L1I;
const L1D: usize = MODEL + Model.L1D;
const FETCHED_LINE: usize = MODEL + Model.FETCHED_LINE;
// Of no canonical address.
const NO_LINE: u64 = 1 << 57;

/** Before the first record. */
export function startModel(): void {
  store<u64>(FETCHED_LINE, NO_LINE);
  startTranslation();
  startTrackers();
}

/** Runs `count` records of the batch. */
export function model(count: u32): void {
  for (let i = runUsual(0, count); i < count; i = runUsual(i + 1, count)) step(i);
  add(Model.FETCHES, fetchHits);
  add(Model.ACCESSES, loadHits + storeHits);
  observeHits(Model.FETCH, fetchHits);
  observeHits(Model.LOAD, loadHits);
  observeHits(Model.STORE, storeHits);
  clearHits();
}

function step(i: u32): void {
  const record: usize = Memory.BATCH + (usize(i) << 4);
  const op = i32(load<u8>(record, Record.OP));
  const gva = load<u64>(record, Record.GVA);
  const bytes = load<u32>(record, Record.BYTES);
  if (op <= Record.FETCH_WIDE) fetch(gva, bytes);
  else if (op <= Record.LOAD_WIDE) data(gva, bytes, Model.LOAD, 0);
  else if (op <= Record.STORE_WIDE) data(gva, bytes, Model.STORE, 1);
  // A modify reads first; the write then finds the line. As cachegrind counts it.
  else if (op <= Record.MODIFY_WIDE) data(gva, bytes, Model.LOAD, 1);
  else if (op <= Record.TRANSFER_IN) transfer(gva, bytes, op == Record.TRANSFER_IN);
  else if (op == Record.HALT) add(Model.HALTS, 1);
  else if (op == Record.PAGE_SHARE || op == Record.PAGE_PRIVATE) changeState(gva);
}

function fetch(gva: u64, bytes: u32): void {
  add(Model.FETCHES, 1);
  const line = SPACE | (gva >> LINE_SHIFT);
  const last = SPACE | ((gva + bytes - 1) >> LINE_SHIFT);
  if (line == load<u64>(FETCHED_LINE) && last == line)
    return observe(charge(Model.FETCH, 0, false));
  store<u64>(FETCHED_LINE, last);
  if (bytes > LINE) return wide(gva, bytes, Model.FETCH, 0);
  observe(once(L1I, gva, line, last, bytes, Model.FETCH, 0));
}

function data(gva: u64, bytes: u32, reader: u32, dirty: u64): void {
  add(Model.ACCESSES, 1);
  if (bytes > LINE) return wide(gva, bytes, reader, dirty);
  const line = SPACE | (gva >> LINE_SHIFT);
  const last = SPACE | ((gva + bytes - 1) >> LINE_SHIFT);
  observe(once(L1D, gva, line, last, bytes, reader, dirty));
}

/** One access of up to 64 bytes: what it is charged beyond a hit. */
function once(
  level1: usize,
  gva: u64,
  line: u64,
  last: u64,
  bytes: u32,
  reader: u32,
  dirty: u64,
): u64 {
  let cost = translate(gva, line, reader);
  const end = gva + bytes - 1;
  if (gva >> PAGE_SHIFT != end >> PAGE_SHIFT) cost += translate(end, last, reader);
  const level = reach(level1, line, last, dirty);
  if (level == 0) return cost + charge(reader, 0, false);
  const stream = train(line);
  const both = last != line && train(last);
  return cost + charge(reader, level, stream || both);
}

function translate(gva: u64, line: u64, reader: u32): u64 {
  return reader == Model.FETCH ? translateFetch(gva, line) : translateData(gva, line);
}

/** A wider access is one of each line it has. */
function wide(gva: u64, bytes: u32, reader: u32, dirty: u64): void {
  const level1 = reader == Model.FETCH ? L1I : L1D;
  const end = gva + bytes;
  let cost: u64 = 0;
  for (let at = gva; at < end; at = (at | (LINE - 1)) + 1) {
    const line = SPACE | (at >> LINE_SHIFT);
    cost += once(level1, at, line, line, 1, reader, dirty);
  }
  observe(cost);
}
