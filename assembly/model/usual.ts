// What most records are: a fetch or an operand of up to 64 bytes whose page the first-level TLB holds and whose line the
// first-level cache. Here they are counted, and charged when the batch is through. Nothing is called, so that all stays in
// registers; what is anything else is left as it is to run.ts, for which it is the same to find a page or a line used already.
import * as Memory from "../../ts/abi/memory";
import * as Model from "../../ts/abi/model";
import * as Record from "../../ts/abi/record";
import { PAGE_SHIFT } from "../address";
import { knownAt, LINE, LINE_SHIFT, MODEL, SPACE, setting } from "./base";
import { chainOf, renew } from "./recent";

const FETCHED_LINE: usize = MODEL + Model.FETCHED_LINE;
const FETCHED_PAGE: usize = MODEL + Model.FETCHED_PAGE;
const DATA_PAGE: usize = MODEL + Model.DATA_PAGE;
const L1I: usize = MODEL + Model.L1I;
const L1D: usize = MODEL + Model.L1D;

// Hits of the first levels since they were charged last.
export let fetchHits: u64 = 0;
export let loadHits: u64 = 0;
export let storeHits: u64 = 0;

export function clearHits(): void {
  fetchHits = 0;
  loadHits = 0;
  storeHits = 0;
}

/** Uses a page that begins its chain in a first-level TLB; false where it does not, or where a page of 4 KiB in it may be new. */
function isRecent(row: usize, gva: u64, shift: u64): bool {
  const key = (gva >> shift) + 1;
  const small = (gva >> PAGE_SHIFT) + 1;
  if (shift != PAGE_SHIFT && load<u64>(knownAt(small - 1)) != small) return false;
  const chains: usize = load<u32>(row, Model.CHAINS);
  const entry: usize = load<u32>(chainOf(chains, load<u32>(row, Model.CHAIN_MASK), key));
  if (load<u64>(entry, Model.KEY) != key) return false;
  renew(load<u32>(row, Model.ENTRIES), entry);
  return true;
}

/** Runs records of the batch from `from` up to the first that is something else; answers its number. */
export function runUsual(from: u32, count: u32): u32 {
  const shift = u64(setting(Model.PAGE_SHIFT));
  const codeMask = load<u32>(L1I, Model.SETS) - 1;
  const codeBytes = load<u32>(L1I, Model.WAYS) << 3;
  const codeTable: usize = load<u32>(L1I, Model.TABLE);
  const dataMask = load<u32>(L1D, Model.SETS) - 1;
  const dataBytes = load<u32>(L1D, Model.WAYS) << 3;
  const dataTable: usize = load<u32>(L1D, Model.TABLE);
  let fetchedAt = load<u64>(FETCHED_LINE) << LINE_SHIFT;
  let fetchedPage = load<u64>(FETCHED_PAGE);
  let dataPage = load<u64>(DATA_PAGE);
  let fetches: u64 = 0;
  let operands: u64 = 0;
  let stores: u64 = 0;
  let record: usize = Memory.BATCH + (usize(from) << 4);
  const end: usize = Memory.BATCH + (usize(count) << 4);
  for (; record < end; record += Record.SIZE) {
    const gva = load<u64>(record, Record.GVA);
    const more = u64(load<u32>(record, Record.BYTES)) - 1;
    const op = i32(load<u8>(record, Record.OP));
    if (op <= Record.FETCH_WIDE) {
      // In the line of the last fetch, first byte and last.
      const into = gva - fetchedAt;
      if ((into | (into + more)) < LINE) {
        fetches++;
        continue;
      }
      const line = SPACE | (gva >> LINE_SHIFT);
      const last = SPACE | ((gva + more) >> LINE_SHIFT);
      const page = gva >> PAGE_SHIFT;
      if (more >= LINE || (gva + more) >> PAGE_SHIFT != page) break;
      if (page != fetchedPage) {
        if (!isRecent(MODEL + Model.ITLB1, gva, shift)) break;
        fetchedPage = page;
      }
      const set = codeTable + usize((u32(line) & codeMask) * codeBytes);
      const first = load<u64>(set);
      if (first >> 1 != line) {
        const past = set + codeBytes;
        let way = set + 8;
        while (way < past && load<u64>(way) >> 1 != line) way += 8;
        if (way == past) break;
        const found = load<u64>(way);
        for (; way > set; way -= 8) store<u64>(way, load<u64>(way - 8));
        store<u64>(set, found);
      }
      if (last != line) {
        const next = codeTable + usize((u32(last) & codeMask) * codeBytes);
        if (load<u64>(next) >> 1 != last) break;
      }
      fetchedAt = last << LINE_SHIFT;
      fetches++;
      continue;
    }
    if (op > Record.MODIFY_WIDE || (gva & (LINE - 1)) + more >= LINE) break;
    const line = SPACE | (gva >> LINE_SHIFT);
    const page = gva >> PAGE_SHIFT;
    if (page != dataPage) {
      if (!isRecent(MODEL + Model.DTLB1, gva, shift)) break;
      dataPage = page;
    }
    const set = dataTable + usize((u32(line) & dataMask) * dataBytes);
    let entry = load<u64>(set);
    if (entry >> 1 != line) {
      const past = set + dataBytes;
      let way = set + 8;
      while (way < past && load<u64>(way) >> 1 != line) way += 8;
      if (way == past) break;
      entry = load<u64>(way);
      for (; way > set; way -= 8) store<u64>(way, load<u64>(way - 8));
    }
    store<u64>(set, entry | u64(op >= Record.STORE_1));
    operands++;
    stores += u64(u32(op - Record.STORE_1) <= u32(Record.STORE_WIDE - Record.STORE_1));
  }
  store<u64>(FETCHED_LINE, SPACE | (fetchedAt >> LINE_SHIFT));
  store<u64>(FETCHED_PAGE, fetchedPage);
  store<u64>(DATA_PAGE, dataPage);
  fetchHits += fetches;
  loadHits += operands - stores;
  storeHits += stores;
  return u32(record - Memory.BATCH) >> 4;
}
