// What a guest's instruction does that the host may intercept: goes on, leaves, or becomes a #VC for the guest itself.
// APM vol. 2, 15.9, 15.35.5 and table 15-35; spec digest vmcb-vmsa.md 4.2.
import * as Exit from "../../ts/abi/exit";
import * as Memory from "../../ts/abi/memory";
import * as Vcpu from "../../ts/abi/vcpu";
import * as Vmcb from "../../ts/abi/vmcb";
import * as Vmsa from "../../ts/abi/vmsa";
import * as World from "../../ts/abi/world";
import { bit, mask, OFFSET, pageOf } from "../address";
import { bytesOf } from "../dram";
import { exception } from "../exit";
import { open } from "../page";
import { advance, register } from "./registers";
import { intercepts, pageOfPointer, vmcbPlace } from "./vmcb";
import { leave } from "./vmexit";
import { hostKeyOf } from "../walk";
import * as Events from "../../ts/abi/events";
import { count } from "../events";

function isEs(): bool {
  return load<u32>(Memory.WORLD, World.IS_ES) != 0;
}

function isSnp(): bool {
  return bit(load<u32>(Memory.VCPU, Vcpu.MODE), Vcpu.SEV_SNP_BIT);
}

/** Whether a guest with encrypted state leaves for it without being asked. Table 15-35. */
function isAutomatic(code: u32): bool {
  if (code == Exit.VMEXIT_MC) return true;
  if (code >> 3 == Exit.VMEXIT_INTR >> 3) return code <= u32(Exit.VMEXIT_VINTR);
  if (code == Exit.VMEXIT_PAUSE || code == Exit.VMEXIT_HLT || code == Exit.VMEXIT_SHUTDOWN)
    return true;
  if (code == Exit.VMEXIT_EFER_WRITE_TRAP) return true;
  if (isControlRegisterTrap(code)) return true;
  if (code == Exit.VMEXIT_BUSLOCK || code == Exit.VMEXIT_IDLE_HLT) return true;
  return code == Exit.VMEXIT_VMGEXIT;
}

function isControlRegisterTrap(code: u32): bool {
  return code >> 4 == Exit.VMEXIT_CR0_WRITE_TRAP >> 4;
}

/** Whether RIP is past the instruction when it leaves. */
function isTrap(code: u32): bool {
  if (code == Exit.VMEXIT_EFER_WRITE_TRAP || code == Exit.VMEXIT_VMGEXIT) return true;
  if (isControlRegisterTrap(code)) return true;
  if (code == Exit.VMEXIT_PAUSE || code == Exit.VMEXIT_HLT || code == Exit.VMEXIT_IDLE_HLT)
    return isEs();
  return false;
}

/** Whether this one leaves: its intercept bit, and the permission maps of ports and MSRs. */
function isIntercepted(vmcb: usize, code: u32, info1: u64): bool {
  // For a guest without encrypted state it is VMMCALL, and has that code.
  if (code == Exit.VMEXIT_VMGEXIT) return true;
  if (isSnp() && (code == Exit.VMEXIT_CPUID || code == Exit.VMEXIT_IOIO)) return true;
  // Not intercepted it would reset the machine: LIMITATIONS.md.
  if (code == Exit.VMEXIT_SHUTDOWN) return true;
  if (code >= u32(Exit.INTERCEPTS_END) || !intercepts(vmcb, code)) return false;
  if (code == Exit.VMEXIT_IOIO) return isPortIntercepted(vmcb, info1);
  if (code == Exit.VMEXIT_MSR) return isMsrIntercepted(vmcb, info1 != 0);
  return true;
}

/** A bit of a permission map in the host's memory. */
function mapBit(map: u64, index: u64): bool {
  const at = map + (index >> 3);
  const frame = open(pageOfPointer(at), hostKeyOf(map));
  if (!frame) return true;
  return bit(load<u8>(bytesOf(frame) + (usize(at) & OFFSET)), i32(index & 7));
}

function isPortIntercepted(vmcb: usize, info1: u64): bool {
  const map = load<u64>(vmcb, Vmcb.IOPM_BASE_PA) & ~u64(OFFSET);
  const port = info1 >> 16;
  const bytes = (info1 >> 4) & 7;
  for (let i: u64 = 0; i < bytes; i++) if (mapBit(map, port + i)) return true;
  return false;
}

/** Two bits an MSR, read and write, for three ranges of 8192; the rest is always intercepted. APM vol. 2, 15.11. */
function isMsrIntercepted(vmcb: usize, write: bool): bool {
  const msr = u32(register(Vmsa.RCX));
  const range =
    msr < 0x2000 ? 0 : msr >> 13 == 0xc0000000 >> 13 ? 1 : msr >> 13 == 0xc0010000 >> 13 ? 2 : 3;
  if (range == 3) return true;
  const map = load<u64>(vmcb, Vmcb.MSRPM_BASE_PA) & ~u64(OFFSET);
  return mapBit(map, (u64(range) << 14) + (u64(msr & 0x1fff) << 1) + u64(write));
}

/** An instruction of `length` bytes that has this exit code. World.CONTINUES: not intercepted, and RIP is past it; LEFT; EXCEPTION:
 *  a #VC with the code as its error; NO_FRAME. */
export function instruction(code: u32, info1: u64, info2: u64, length: u32): u32 {
  const vmcb = vmcbPlace();
  if (!vmcb) return World.NO_FRAME;
  if (!isIntercepted(vmcb, code, info1)) {
    advance(length);
    return World.CONTINUES;
  }
  if (isEs() && !isAutomatic(code)) {
    exception(Exit.VC, code, 0);
    return World.EXCEPTION;
  }
  const next = register(Vmsa.RIP) + length;
  if (isTrap(code)) advance(length);
  count(Events.EXITS, 1);
  return leave(code, info1, code == Exit.VMEXIT_IOIO ? next : info2, next)
    ? World.LEFT
    : World.NO_FRAME;
}

/** An access of the guest was refused, and the exit record says why: what becomes of it. As `instruction`. */
export function refused(): u32 {
  const kind = load<u32>(Memory.EXIT, Exit.KIND);
  if (kind == Exit.OUT_OF_FRAMES) return World.NO_FRAME;
  if (kind == Exit.EXCEPTION) return World.EXCEPTION;
  const code = load<u64>(Memory.EXIT, Exit.CODE);
  const info1 = load<u64>(Memory.EXIT, Exit.INFO1);
  // A reserved bit is how a hypervisor marks a device's registers: the guest itself asks for them.
  if (isEs() && code == Exit.VMEXIT_NPF && bit(info1, Exit.RESERVED_BIT)) {
    const gva = load<u64>(Memory.EXIT, Exit.GVA);
    exception(Exit.VC, Exit.VMEXIT_NPF, gva);
    return World.EXCEPTION;
  }
  return leave(code, info1, load<u64>(Memory.EXIT, Exit.INFO2), 0) ? World.LEFT : World.NO_FRAME;
}
