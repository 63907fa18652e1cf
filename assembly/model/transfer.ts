// What the guest's kernel and a device do to the caches: the device's writes drop lines; a bounce copies through 64 shared
// pages, used in turn.
import * as Model from "../../ts/abi/model";
import { OFFSET, PAGE } from "../address";
import { add, charge, MODEL, setting } from "./base";
import { invalidate, reach } from "./cache";
import { train } from "./stream";

const L1D: usize = MODEL + Model.L1D;
const LINE: u64 = 64;
const POOL: u64 = 64;
const SPACE_DATA: u64 = u64(Model.SPACE_DATA) << Model.SPACE_LSB;
const SPACE_SHARED: u64 = u64(Model.SPACE_SHARED) << Model.SPACE_LSB;
// As ts/replay/record.ts SCRATCH and transfer.ts SCRATCH_BYTES: one megabyte, over and over.
const SCRATCH: u64 = 0x7000_0000_0000;
const SCRATCH_BYTES: u64 = 0x100000;

/** Runs one transfer of the guest's buffer, page by page. */
export function transfer(gva: u64, bytes: u64, isIn: bool): void {
  add(isIn ? Model.TRANSFERS_IN : Model.TRANSFERS_OUT, 1);
  add(isIn ? Model.BYTES_IN : Model.BYTES_OUT, bytes);
  const wrap = gva == SCRATCH ? SCRATCH_BYTES : bytes;
  for (let done: u64 = 0; done < bytes; ) {
    const at = gva + (done % wrap);
    const piece = min(u64(PAGE) - (at & u64(OFFSET)), bytes - done);
    move(at, piece, isIn);
    done += piece;
  }
}

function move(gva: u64, bytes: u64, isIn: bool): void {
  const first = gva / LINE;
  const last = (gva + bytes - 1) / LINE;
  if (!setting(Model.BOUNCE)) {
    for (let line = first; isIn && line <= last; line++) invalidate(SPACE_DATA | line);
    return;
  }
  const slot = (load<u64>(MODEL + Model.SLOTS) % POOL) * (PAGE / LINE);
  add(Model.SLOTS, 1);
  add(Model.BYTES_COPIED, bytes);
  for (let line = first; line <= last; line++) {
    const shared = SPACE_SHARED | (slot + line - first);
    if (isIn) {
      invalidate(shared);
      touchLine(shared, Model.SHARED, 0);
      touchLine(SPACE_DATA | line, Model.COPY, 1);
    } else {
      touchLine(SPACE_DATA | line, Model.COPY, 0);
      touchLine(shared, Model.SHARED, 1);
    }
  }
}

/** The guest's kernel writes a page's first contents, as every page of a program was once cleared or copied. */
export function fill(page: u64): void {
  add(Model.PAGES_FILLED, 1);
  const first = page * (PAGE / LINE);
  for (let line = first; line < first + PAGE / LINE; line++) {
    touchLine(SPACE_DATA | line, Model.FILLING, 1);
  }
}

function touchLine(line: u64, reader: u32, dirty: u64): void {
  const level = reach(L1D, line, line, dirty);
  add(Model.PICOSECONDS, charge(reader, level, level > 0 && train(line)));
}
