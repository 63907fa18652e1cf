// The VMCB and VMSA of a running vCPU are marked in the RMP, and RMPUPDATE leaves them alone. APM vol. 2, 15.36.12; rmp.md 6.
import * as Rmp from "../ts/abi/rmp";
import { bit, mask } from "./address";
import { entryOf, isEnabled, lowOf, makeEntry } from "./rmp";

/** Marks a page, or clears its mark. False when out of frames. */
export function setInUse(page: u32, used: bool): bool {
  if (!isEnabled()) return true;
  const entry = used ? makeEntry(page) : entryOf(page);
  if (!entry) return !used;
  const low = load<u64>(entry) & ~mask(Rmp.LOCK_BIT);
  store<u64>(entry, low | (u64(used) << Rmp.LOCK_BIT));
  return true;
}

/** Whether a vCPU that runs has the page. */
export function isInUse(page: u32): bool {
  return bit(lowOf(page), Rmp.LOCK_BIT);
}
