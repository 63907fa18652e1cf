// #VMEXIT: the guest's state goes to memory, the VMCB says why, and the CPU is the host's again. APM vol. 2, 15.6 and 15.35.5.
import * as Exit from "../../ts/abi/exit";
import * as Memory from "../../ts/abi/memory";
import * as Vmcb from "../../ts/abi/vmcb";
import * as Vmsa from "../../ts/abi/vmsa";
import * as World from "../../ts/abi/world";
import * as Feature from "../../ts/abi/sev-features";
import { bit } from "../address";
import { noteChecksum } from "./checksum";
import { bytesOf } from "../dram";
import { open } from "../page";
import { register, setRegister } from "./registers";
import { setInUse } from "../rmp";
import { saveToVmcb, saveToVmsa } from "./state";
import { markControl, pageOfPointer, vmcbPlace } from "./vmcb";
import { CPU, isDebugSwap } from "./vmsa";

/** VMRUN found something inconsistent: the VMCB says so, and nothing else happened. */
export function leaveAtOnce(vmcb: usize, code: i64): u32 {
  writeExit(vmcb, code, 0, 0);
  store<u64>(vmcb, 0, Vmcb.EXITINTINFO);
  return World.EXITED;
}

function writeExit(vmcb: usize, code: u64, info1: u64, info2: u64): void {
  store<u64>(vmcb, code, Vmcb.EXITCODE);
  store<u64>(vmcb, info1, Vmcb.EXITINFO1);
  store<u64>(vmcb, info2, Vmcb.EXITINFO2);
  markControl(vmcb);
}

/** Leaves the running guest. `nextRip` is 0 where the CPU does not know it. False: out of frames, and nothing happened. */
export function leave(code: u64, info1: u64, info2: u64, nextRip: u64): bool {
  const vmcb = vmcbPlace();
  if (!vmcb) return false;
  const es = load<u32>(Memory.WORLD, World.IS_ES) != 0;
  if (es && !saveEncrypted(code, info1, info2, nextRip)) return false;
  if (!es) saveToVmcb(vmcb);
  writeExit(vmcb, code, info1, info2);
  writeControl(vmcb, es, nextRip);
  setInUse(load<u32>(Memory.WORLD, World.STATE_PAGE), false);
  setInUse(pageOfPointer(load<u64>(Memory.WORLD, World.VMCB)), false);
  store<u32>(Memory.WORLD, 0, World.RUNNING);
  store<u32>(Memory.WORLD, 0, World.TAKING);
  return true;
}

/** All of it goes to the VMSA, with why the guest left. The host learns nothing but the VMCB's control fields. */
function saveEncrypted(code: u64, info1: u64, info2: u64, nextRip: u64): bool {
  const page = load<u32>(Memory.WORLD, World.STATE_PAGE);
  const frame = open(page, load<u32>(Memory.WORLD, World.VMSA_KEY));
  if (!frame) return false;
  setRegister(Vmsa.GUEST_EXITCODE, code);
  setRegister(Vmsa.GUEST_EXITINFO1, info1);
  setRegister(Vmsa.GUEST_EXITINFO2, info2);
  setRegister(Vmsa.GUEST_EXITINTINFO, load<u64>(Memory.WORLD, World.TAKING));
  setRegister(Vmsa.GUEST_NRIP, nextRip);
  setRegister(Vmsa.PCPU_ID, CPU);
  setRegister(Vmsa.TLB_ID, CPU);
  const vmsa = bytesOf(frame);
  const features = load<u64>(Memory.WORLD, World.SEV_FEATURES);
  saveToVmsa(vmsa, isDebugSwap(features));
  return bit(features, Feature.SNP_ACTIVE_BIT) || noteChecksum(page, vmsa);
}

function writeControl(vmcb: usize, es: bool, nextRip: u64): void {
  store<u64>(vmcb, load<u64>(Memory.WORLD, World.TAKING), Vmcb.EXITINTINFO);
  const interrupts = bit(register(Vmsa.RFLAGS), Vmsa.RFLAGS_IF_BIT);
  store<u32>(vmcb, u32(es && interrupts) << Vmcb.GUEST_INTERRUPT_MASK_BIT, Vmcb.INTERRUPT_STATE);
  store<u64>(vmcb, load<u64>(Memory.WORLD, World.GHCB), Vmcb.GHCB_PA);
  store<u64>(vmcb, es ? 0 : nextRip, Vmcb.NEXT_RIP);
  store<u64>(vmcb, load<u64>(Memory.WORLD, World.SEV_FEATURES), Vmcb.GUEST_SEV_FEATURES);
  memory.copy(vmcb + Vmcb.FETCHED_BYTES, Memory.WORLD + World.FETCHED_BYTES, 16);
  if (es) memory.fill(vmcb + Vmcb.FETCHED_BYTES, 0, 16);
}
