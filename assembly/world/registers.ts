// The CPU's register file, laid out as a VMSA (ts/abi/vmsa.ts), and what of it an access needs (ts/abi/vcpu.ts).
import * as Memory from "../../ts/abi/memory";
import * as Msr from "../../ts/abi/sev-features";
import * as Vcpu from "../../ts/abi/vcpu";
import * as Vmsa from "../../ts/abi/vmsa";
import * as World from "../../ts/abi/world";
import { bit } from "../address";
import { flushAsid } from "../tlb";

export function register(offset: usize): u64 {
  return load<u64>(Memory.REGISTERS + offset);
}

export function setRegister(offset: usize, value: u64): void {
  store<u64>(Memory.REGISTERS + offset, value);
}

/** The guest's control registers, CPL or VMPL changed: what an access needs follows. Other tables drop what was remembered. */
export function refresh(): void {
  const paging = bit(register(Vmsa.CR0), Vmsa.CR0_PG_BIT);
  const mode = (load<u32>(Memory.VCPU, Vcpu.MODE) & SEV_MODE) | (u32(paging) << Vcpu.PAGING_BIT);
  store<u32>(Memory.VCPU, mode, Vcpu.MODE);
  store<u32>(Memory.VCPU, load<u8>(Memory.REGISTERS, Vmsa.CPL) == 3 ? 3 : 0, Vcpu.CPL);
  store<u64>(Memory.VCPU, register(Vmsa.CR3), Vcpu.CR3);
  const asid = load<u32>(Memory.VCPU, Vcpu.ASID);
  const vmpl = load<u32>(Memory.VCPU, Vcpu.VMPL);
  const last = Memory.ENTERED + usize(asid * Vcpu.VMPLS + vmpl) * Vcpu.SIZE;
  const same =
    load<u32>(last, Vcpu.MODE) == mode &&
    load<u64>(last, Vcpu.CR3) == load<u64>(Memory.VCPU, Vcpu.CR3) &&
    load<u64>(last, Vcpu.NCR3) == load<u64>(Memory.VCPU, Vcpu.NCR3);
  if (same) return;
  memory.copy(last, Memory.VCPU, Vcpu.SIZE);
  flushAsid(asid);
}

const SEV_MODE: u32 = (1 << Vcpu.SEV_BIT) | (1 << Vcpu.SEV_ES_BIT) | (1 << Vcpu.SEV_SNP_BIT);

/** Sets whose guest runs: its ASID, VMPL, nested tables and what SEV does for it. `refresh` must follow. */
export function setGuest(asid: u32, vmpl: u32, ncr3: u64, sev: bool, es: bool, snp: bool): void {
  store<u32>(Memory.VCPU, asid, Vcpu.ASID);
  store<u32>(Memory.VCPU, vmpl, Vcpu.VMPL);
  store<u64>(Memory.VCPU, ncr3, Vcpu.NCR3);
  const mode =
    (u32(sev) << Vcpu.SEV_BIT) | (u32(es) << Vcpu.SEV_ES_BIT) | (u32(snp) << Vcpu.SEV_SNP_BIT);
  store<u32>(Memory.VCPU, mode, Vcpu.MODE);
}

/** SEV_STATUS of the running guest. APM vol. 2, 15.34.10. */
export function sevStatus(): u64 {
  const mode = u64(load<u32>(Memory.VCPU, Vcpu.MODE));
  const features = load<u64>(Memory.WORLD, World.SEV_FEATURES);
  return (mode & 3) | (features << Msr.STATUS_FEATURES_LSB);
}

/** RIP moves past an instruction. */
export function advance(length: u32): void {
  setRegister(Vmsa.RIP, register(Vmsa.RIP) + length);
}
