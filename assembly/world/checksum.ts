// The silicon's checksum of each SEV-ES guest's VMSA, for such a guest has no RMP: what #VMEXIT saved is what VMRUN must find.
// APM vol. 2, 15.35.9 asks for it and does not say how; four lanes of multiply and rotate over the whole page.
import * as Checksum from "../../ts/abi/checksum";
import * as Memory from "../../ts/abi/memory";
import { PAGE } from "../address";

const ROWS: u32 = Checksum.ROWS;
const STEP: u64 = 0x9e3779b97f4a7c15;

/** The row of a page, or the free one where it would go; 0 when all rows are taken. */
function rowOf(page: u32): usize {
  const start = (page * 0x9e3779b1) & (ROWS - 1);
  for (let i: u32 = 0; i < ROWS; i++) {
    const row = Memory.CHECKSUMS + usize((start + i) & (ROWS - 1)) * Checksum.SIZE;
    const held = load<u32>(row, Checksum.PAGE);
    if (held == page || held == 0) return row;
  }
  return 0;
}

function sumOf(at: usize): u64 {
  let a: u64 = 1;
  let b: u64 = 2;
  let c: u64 = 3;
  let d: u64 = 4;
  for (let end = at + PAGE; at < end; at += 32) {
    a = rotl<u64>((a ^ load<u64>(at)) * STEP, 29);
    b = rotl<u64>((b ^ load<u64>(at, 8)) * STEP, 31);
    c = rotl<u64>((c ^ load<u64>(at, 16)) * STEP, 33);
    d = rotl<u64>((d ^ load<u64>(at, 24)) * STEP, 37);
  }
  return (((((a * STEP) ^ b) * STEP) ^ c) * STEP) ^ d;
}

/** Notes the checksum of the VMSA in a page, whose plaintext is at a linear address. False when no row is left. */
export function noteChecksum(page: u32, at: usize): bool {
  const row = rowOf(page);
  if (!row) return false;
  store<u32>(row, page, Checksum.PAGE);
  store<u64>(row, sumOf(at), Checksum.SUM);
  return true;
}

/** Whether the plaintext of a VMSA is what was saved there. */
export function isUntampered(page: u32, at: usize): bool {
  const row = rowOf(page);
  return (
    row != 0 && load<u32>(row, Checksum.PAGE) == page && load<u64>(row, Checksum.SUM) == sumOf(at)
  );
}

/** The guest is gone. Rows after it that would have stood in its place move up, as open addressing asks. */
export function forgetChecksum(page: u32): void {
  let hole = rowOf(page);
  if (!hole || load<u32>(hole, Checksum.PAGE) != page) return;
  memory.fill(hole, 0, Checksum.SIZE);
  const end = Memory.CHECKSUMS + usize(ROWS) * Checksum.SIZE;
  for (let i: u32 = 0; i < ROWS; i++) {
    const row = hole + Checksum.SIZE == end ? usize(Memory.CHECKSUMS) : hole + Checksum.SIZE;
    const held = load<u32>(row, Checksum.PAGE);
    hole = row;
    if (!held) return;
    const sum = load<u64>(row, Checksum.SUM);
    memory.fill(row, 0, Checksum.SIZE);
    const home = rowOf(held);
    store<u32>(home, held, Checksum.PAGE);
    store<u64>(home, sum, Checksum.SUM);
  }
}
