// The CPUID page that the hypervisor offers the firmware for an SNP guest: what it would answer, leaf by leaf. QEMU
// target/i386/sev.c; spec digest launch-measurement.md 4.
import * as Entry from "../abi/cpuid-entry.ts";
import * as Layout from "../abi/cpuid-page.ts";
import type { Cpuid } from "../chip/cpuid.ts";

const XSTATE = 0xd;
/** Leaves with their subleaf. The features of leaf 0xd are those of XCR0 1: its other entries say what each adds. */
const LEAVES: readonly [leaf: number, subleaf: number][] = [
  [0x0, 0],
  [0x1, 0],
  [0x7, 0],
  [XSTATE, 0],
  [XSTATE, 1],
  [XSTATE, 2],
  [0x8000_0000, 0],
  [0x8000_0001, 0],
  [0x8000_0002, 0],
  [0x8000_0003, 0],
  [0x8000_0004, 0],
  [0x8000_0008, 0],
  [0x8000_001f, 0],
];

/** 4096 bytes. */
export function cpuidPage(cpuid: Cpuid): Uint8Array {
  const page = new Uint8Array(Layout.SIZE);
  const view = new DataView(page.buffer);
  view.setUint32(Layout.COUNT, LEAVES.length, true);
  for (const [index, [leaf, subleaf]] of LEAVES.entries()) {
    const at = Layout.ENTRIES + index * Entry.SIZE;
    const { eax, ebx, ecx, edx } = cpuid(leaf, subleaf);
    view.setUint32(at + Entry.EAX_IN, leaf, true);
    view.setUint32(at + Entry.ECX_IN, subleaf, true);
    view.setBigUint64(at + Entry.XCR0_IN, leaf === XSTATE && subleaf < 2 ? 1n : 0n, true);
    view.setUint32(at + Entry.EAX, eax, true);
    view.setUint32(at + Entry.EBX, ebx, true);
    view.setUint32(at + Entry.ECX, ecx, true);
    view.setUint32(at + Entry.EDX, edx, true);
  }
  return page;
}
