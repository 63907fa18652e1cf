// Two steps of an access by themselves, over a batch of records, for bench/: each folds what it found into the digest.
import * as Memory from "../ts/abi/memory";
import * as Record from "../ts/abi/record";
import * as Rmp from "../ts/abi/rmp";
import * as State from "../ts/abi/state";
import * as Vcpu from "../ts/abi/vcpu";
import { isDram } from "./dram";
import { spa } from "./nested";
import { ALLOWED, againstOwn, ownedBy, rootOf, wanted } from "./rmp";
import { READ } from "./tlb";
import { folded } from "./value";
import { walk } from "./walk";

/** Walks to each record's gva, whatever the TLB knows. Answers how many were allowed before the first that was not. */
export function walkEach(count: u32): u32 {
  let digest = load<u64>(Memory.STATE, State.DIGEST);
  let i: u32 = 0;
  for (; i < count; i++) {
    if (!walk(load<u64>(Memory.BATCH + (usize(i) << 4), Record.GVA), READ)) break;
    digest = folded(digest, spa);
  }
  store<u64>(Memory.STATE, digest, State.DIGEST);
  return i;
}

/** Asks the RMP for a read by the running vCPU: of a page (the record's BYTES) at a gpa (its GVA), mapped 4 KiB. Answers how many
 *  were allowed before the first that was not. */
export function checkEach(count: u32): u32 {
  let digest = load<u64>(Memory.STATE, State.DIGEST);
  const owned = ownedBy(load<u32>(Memory.VCPU, Vcpu.ASID), false);
  const vmpl = load<u32>(Memory.VCPU, Vcpu.VMPL);
  const wants = wanted(READ, false);
  const root = rootOf();
  let at: usize = 0;
  const end = usize(count) * Record.SIZE;
  for (; at < end; at += Record.SIZE) {
    const page = load<u32>(at, Memory.BATCH + Record.BYTES);
    const gpa = load<u64>(at, Memory.BATCH + Record.GVA);
    if (!isDram(page)) break;
    if (gpa >> Rmp.ASID_LSB) break;
    if (againstOwn(root, page, gpa, owned, vmpl, wants)) break;
    digest = folded(digest, ALLOWED);
  }
  store<u64>(Memory.STATE, digest, State.DIGEST);
  return u32(at / Record.SIZE);
}
