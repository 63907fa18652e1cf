// What the hypervisor intercepts of its guests, as KVM does, and the permission maps of ports and MSRs. APM vol. 2, 15.9 to 15.11.
import * as Code from "../abi/exit.ts";
import * as Msr from "../abi/msr.ts";
import * as Layout from "../abi/vmcb.ts";

/** Exit codes below 0xc0, whose intercept bit has the same number. KVM's init_vmcb. */
export const INTERCEPTED: readonly number[] = [
  Code.VMEXIT_MC,
  Code.VMEXIT_INTR,
  Code.VMEXIT_NMI,
  Code.VMEXIT_SMI,
  Code.VMEXIT_INIT,
  Code.VMEXIT_RDPMC,
  Code.VMEXIT_CPUID,
  Code.VMEXIT_INVD,
  Code.VMEXIT_HLT,
  Code.VMEXIT_IOIO,
  Code.VMEXIT_MSR,
  Code.VMEXIT_SHUTDOWN,
  Code.VMEXIT_VMRUN,
  Code.VMEXIT_VMMCALL,
  Code.VMEXIT_VMLOAD,
  Code.VMEXIT_VMSAVE,
  Code.VMEXIT_STGI,
  Code.VMEXIT_CLGI,
  Code.VMEXIT_SKINIT,
  Code.VMEXIT_WBINVD,
  Code.VMEXIT_MONITOR,
  Code.VMEXIT_MWAIT,
  Code.VMEXIT_READ_DR7,
  Code.VMEXIT_WRITE_DR7,
];

/** The 24 bytes of intercept vectors. */
export function interceptsOf(codes: readonly number[]): Uint8Array {
  const vectors = new Uint8Array(Layout.RESERVED_018);
  for (const code of codes) vectors[code >> 3] = (vectors[code >> 3] as number) | (1 << (code & 7));
  return vectors;
}

/** Bytes of the two permission maps, which lie one behind the other. */
export const IOPM_SIZE = 0x3000;
export const MSRPM_SIZE = 0x2000;

/** MSRs that a guest has in its own state: KVM's direct_access_msrs. */
const PASSED: readonly number[] = [
  Msr.STAR,
  Msr.LSTAR,
  Msr.CSTAR,
  Msr.SFMASK,
  Msr.FS_BASE,
  Msr.GS_BASE,
  Msr.KERNEL_GS_BASE,
  Msr.SYSENTER_CS,
  Msr.SYSENTER_ESP,
  Msr.SYSENTER_EIP,
  Msr.PAT,
  Msr.EFER,
  Msr.TSC,
  Msr.TSC_AUX,
  Msr.XSS,
  Msr.SEV_ES_GHCB,
  Msr.SEV_STATUS,
  Msr.GUEST_TSC_FREQ,
];

// Each of three ranges of 8192 MSRs has 2 KiB, two bits an MSR. APM vol. 2, 15.11.
const RANGES = [0x00000000, 0xc0000000, 0xc0010000];
const RANGE = 0x2000;

/** Both maps: every port intercepted, and every MSR but those. */
export function permissionMaps(): Uint8Array {
  const maps = new Uint8Array(IOPM_SIZE + MSRPM_SIZE).fill(0xff);
  for (const msr of PASSED) {
    const range = RANGES.findIndex((first) => msr >= first && msr < first + RANGE);
    const index = range * RANGE + ((msr - (RANGES[range] as number)) >>> 0);
    const at = IOPM_SIZE + (index >> 2);
    maps[at] = (maps[at] as number) & ~(0b11 << (2 * (index & 3)));
  }
  return maps;
}
