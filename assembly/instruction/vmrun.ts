// VMRUN: the host hands the CPU to a guest, if its VMCB and its state are consistent. APM vol. 2, 15.5.1; spec digest vmcb-vmsa.md 5
// and rmp.md 6. What is inconsistent leaves at once, with the code that the check names in EXITCODE.
import * as Exit from "../../ts/abi/exit";
import * as Memory from "../../ts/abi/memory";
import * as Vmcb from "../../ts/abi/vmcb";
import * as World from "../../ts/abi/world";
import { isControlConsistent, isSevConsistent, isStateConsistent } from "../world/consistency";
import { bytesOf, isDram } from "../dram";
import { isEventConsistent, raise } from "../world/event";
import { hostException } from "../exit";
import { open } from "../page";
import { isolate } from "../world/predictor";
import { refresh, setGuest } from "../world/registers";
import { isEnabled, isHypervisorOwned, setInUse } from "../rmp";
import { loadFromVmcb, loadFromVmsa } from "../world/state";
import { flushAsid, flushTlb } from "../tlb";
import { isEs, isPageAligned, isSev, pageOfPointer, placeOfPointer } from "../world/vmcb";
import {
  featuresOfVmsa,
  isDebugSwap,
  isTlbForeign,
  isVmsaUsable,
  verdictOnVmsa,
  vmplOfVmsa,
} from "../world/vmsa";
import { leaveAtOnce } from "../world/vmexit";

/** RAX = the spa of the VMCB. World.REFUSED: the host faulted, and the exit record says how; ENTERED; EXITED at once; or BUSY. */
export function vmrun(pointer: u64): u32 {
  if (!mayBeVmcb(pointer)) return World.REFUSED;
  const vmcb = placeOfPointer(pointer);
  if (!vmcb) return World.REFUSED;
  const running = load<u32>(Memory.WORLD, World.RUNNING) != 0;
  const code = running ? busyCode(vmcb, pointer) : enter(vmcb, pointer);
  if (code == BUSY) return World.BUSY;
  if (code) return leaveAtOnce(vmcb, code);
  return World.ENTERED;
}

const BUSY: i64 = i64.MAX_VALUE;

/** What is no VMCB is a general protection fault of the host. */
function mayBeVmcb(pointer: u64): bool {
  const page = pageOfPointer(pointer);
  if (!isPageAligned(pointer)) return hostException(Exit.GP);
  if (!isDram(page)) return hostException(Exit.GP);
  if (isEnabled() && !isHypervisorOwned(page, false)) return hostException(Exit.GP);
  if (load<u64>(Memory.WORLD, World.VM_HSAVE_PA) == 0) return hostException(Exit.GP);
  return true;
}

/** The machine's only core runs a guest. Another would refuse a vCPU that is in use; here is no other. */
function busyCode(vmcb: usize, pointer: u64): i64 {
  const held = load<u32>(Memory.WORLD, World.STATE_PAGE);
  const page = isEs(vmcb) ? pageOfPointer(load<u64>(vmcb, Vmcb.VMSA_PTR)) : pageOfPointer(pointer);
  return page == held ? Exit.VMEXIT_INVALID : BUSY;
}

/** All checks, then the state. Answers 0, or the exit code of the check that failed. */
function enter(vmcb: usize, pointer: u64): i64 {
  if (!isControlConsistent(vmcb)) return Exit.VMEXIT_INVALID;
  if (!isSevConsistent(vmcb)) return Exit.VMEXIT_INVALID;
  return isEs(vmcb) ? enterEncrypted(vmcb, pointer) : enterPlain(vmcb, pointer);
}

function enterPlain(vmcb: usize, pointer: u64): i64 {
  loadFromVmcb(vmcb);
  if (!isStateConsistent()) return Exit.VMEXIT_INVALID;
  if (!isEventConsistent(vmcb, 0, false)) return Exit.VMEXIT_INVALID;
  const asid = load<u32>(vmcb, Vmcb.GUEST_ASID);
  setGuest(asid, 0, load<u64>(vmcb, Vmcb.NCR3), isSev(vmcb), false, false);
  return commit(vmcb, pointer, pageOfPointer(pointer), 0, 0);
}

function enterEncrypted(vmcb: usize, pointer: u64): i64 {
  const asid = load<u32>(vmcb, Vmcb.GUEST_ASID);
  const page = pageOfPointer(load<u64>(vmcb, Vmcb.VMSA_PTR));
  if (!isVmsaUsable(vmcb, page, asid)) return Exit.VMEXIT_INVALID;
  const frame = open(page, asid);
  if (!frame) return Exit.VMEXIT_INVALID;
  const vmsa = bytesOf(frame);
  const verdict = verdictOnVmsa(vmcb, vmsa, page, asid);
  if (verdict) return verdict;
  const features = featuresOfVmsa(vmsa);
  loadFromVmsa(vmsa, isDebugSwap(features));
  if (!isStateConsistent()) return Exit.VMEXIT_INVALID;
  if (!isEventConsistent(vmcb, features, true)) return Exit.VMEXIT_INVALID;
  const snp = (features & 1) != 0;
  setGuest(asid, vmplOfVmsa(vmsa), load<u64>(vmcb, Vmcb.NCR3), true, true, snp);
  if (isTlbForeign(vmsa)) flushAsid(asid);
  return commit(vmcb, pointer, page, asid, features);
}

/** The CPU is the guest's. */
function commit(vmcb: usize, pointer: u64, page: u32, key: u32, features: u64): i64 {
  const control = pageOfPointer(pointer);
  if (!setInUse(control, true)) return Exit.VMEXIT_INVALID;
  if (!setInUse(page, true)) {
    setInUse(control, false);
    return Exit.VMEXIT_INVALID;
  }
  store<u64>(Memory.WORLD, pointer, World.VMCB);
  store<u32>(Memory.WORLD, page, World.STATE_PAGE);
  store<u32>(Memory.WORLD, key, World.VMSA_KEY);
  store<u64>(Memory.WORLD, features, World.SEV_FEATURES);
  store<u32>(Memory.WORLD, u32(isEs(vmcb)), World.IS_ES);
  store<u64>(Memory.WORLD, load<u64>(vmcb, Vmcb.GHCB_PA), World.GHCB);
  store<u32>(Memory.WORLD, 1, World.RUNNING);
  const tlb = load<u8>(vmcb, Vmcb.TLB_CONTROL);
  if (tlb == Vmcb.TLB_EVERYTHING) flushTlb();
  else if (tlb != Vmcb.TLB_NOTHING) flushAsid(load<u32>(vmcb, Vmcb.GUEST_ASID));
  isolate(features, load<u32>(vmcb, Vmcb.GUEST_ASID));
  refresh();
  raise(vmcb, features);
  return 0;
}
