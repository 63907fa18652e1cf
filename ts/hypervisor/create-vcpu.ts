// Makes a vCPU: its VMCB, and where its first state goes. KVM's init_vmcb and sev_es_init_vmcb; spec digest vmcb-vmsa.md 1.
import * as Layout from "../abi/vmcb.ts";
import * as Vmsa from "../abi/vmsa.ts";
import type { HostPort } from "../port.ts";
import { INTERCEPTED, interceptsOf } from "./intercepts.ts";
import { Vcpu } from "./vcpu.ts";

/** What a vCPU's VMCB is made of. Pages are spas of the hypervisor's own. */
export interface VcpuOptions {
  host: HostPort;
  vmcb: bigint;
  /** The permission maps: three pages of ports, two of MSRs. */
  iopm: bigint;
  msrpm: bigint;
  /** Where SEV-ES keeps the state; undefined without SEV-ES. */
  vmsa: bigint | undefined;
  asid: number;
  ncr3: bigint;
  sev: boolean;
  /** The C-bit's mask, where the host's own memory is encrypted; else 0. */
  cBit: bigint;
  /** The state to start in, as ts/abi/vmsa.ts. */
  state: Uint8Array;
}

const bit = (position: number) => 1n << BigInt(position);

/** A vCPU whose VMCB is written. With SEV-ES its state must be put into the VMSA by the firmware. */
export function createVcpu(index: number, options: VcpuOptions): Vcpu {
  const { host, vmsa, cBit, state } = options;
  const es = vmsa !== undefined;
  const vcpu = new Vcpu(index, { host, vmcb: options.vmcb, cBit, es });
  const { vmcb } = vcpu;
  vmcb.write(0, new Uint8Array(0x1000));
  vmcb.write(Layout.INTERCEPTS, interceptsOf(INTERCEPTED));
  vmcb.setU64(Layout.IOPM_BASE_PA, options.iopm | cBit);
  vmcb.setU64(Layout.MSRPM_BASE_PA, options.msrpm | cBit);
  vmcb.setU32(Layout.GUEST_ASID, options.asid);
  vmcb.setU8(Layout.TLB_CONTROL, Layout.TLB_NOTHING);
  vmcb.setU64(Layout.NCR3, options.ncr3);
  const sev = options.sev ? bit(Layout.SEV_BIT) : 0n;
  vmcb.setU64(
    Layout.NESTED_CTL,
    bit(Layout.NP_ENABLE_BIT) | sev | (es ? bit(Layout.SEV_ES_BIT) : 0n),
  );
  if (es) {
    vmcb.setU64(Layout.VIRT_EXT, bit(Layout.LBR_BIT));
    vmcb.setU64(Layout.VMSA_PTR, vmsa);
    return vcpu;
  }
  vmcb.write(Layout.SAVE_AREA, state.subarray(0, Layout.SAVED));
  const registers = new BigUint64Array(state.buffer, 0, vcpu.registers.length);
  vcpu.registers.set(registers);
  vcpu.registers[Vmsa.RIP / 8] = 0n;
  return vcpu;
}
