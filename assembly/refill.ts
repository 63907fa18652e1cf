// A TLB miss met from what walks left behind and an open page, for the replay's loop: most misses of a working set that the TLB
// does not hold.
import * as Memory from "../ts/abi/memory";
import * as Vcpu from "../ts/abi/vcpu";
import { PAGE_SHIFT } from "./address";
import { FRAME, keyOf, openOf } from "./dram";
import { walkRemembered } from "./remembered";
import { READ, remember, WRITE } from "./tlb";
import { countWhole } from "./walk";

/** Whether the TLB knows the page of an access now. If not, nothing happened. */
export function refill(gva: u64, need: u64, tag: u64): bool {
  const spa = walkRemembered(gva, need, tag);
  if (!spa) return false;
  const held = openOf(u32(spa >> PAGE_SHIFT));
  const frame = held & FRAME;
  // Frame 0 has no guest's key.
  if (keyOf(frame) != load<u32>(Memory.VCPU, Vcpu.ASID)) return false;
  // A page of tables, which has a mark beside its frame, is not remembered for writing.
  if (need == WRITE && held != frame) return false;
  countWhole();
  remember(gva, tag, need == WRITE ? READ | WRITE : need, frame);
  return true;
}
