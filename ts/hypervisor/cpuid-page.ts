// The CPUID page of a launch: what the hypervisor says of the processor, for a guest that may not ask. AMD 56860, 8.17.2.6.
import * as Entry from "../abi/cpuid-entry.ts";
import * as Layout from "../abi/cpuid-page.ts";
import type { CpuidValues } from "../chip/cpuid.ts";

const XSAVE = 0xd;

/** Leaves and subleaves that Linux and edk2 look up. Linux arch/x86/boot/startup/sev-shared.c. */
const leaves: readonly [leaf: number, subleaf: number][] = [
  [0x0, 0],
  [0x1, 0],
  [0x2, 0],
  [0x7, 0],
  [0xb, 0],
  [0xb, 1],
  [0xd, 0],
  [0xd, 1],
  [0xd, 2],
  [0x8000_0000, 0],
  [0x8000_0001, 0],
  [0x8000_0002, 0],
  [0x8000_0003, 0],
  [0x8000_0004, 0],
  [0x8000_0008, 0],
  [0x8000_000a, 0],
  [0x8000_001e, 0],
  [0x8000_001f, 0],
];

/** The page; a leaf that reads as zeros needs no entry. */
export function cpuidPage(cpuid: (leaf: number, subleaf: number) => CpuidValues): Uint8Array {
  const page = new Uint8Array(Layout.SIZE);
  const view = new DataView(page.buffer);
  let count = 0;
  for (const [leaf, subleaf] of leaves) {
    const { eax, ebx, ecx, edx } = cpuid(leaf, subleaf);
    if ((eax | ebx | ecx | edx) === 0) continue;
    // The save area's size holds for the XCR0 and XSS that it is said for: those of reset.
    const sized = leaf === XSAVE && subleaf < 2;
    const at = Layout.ENTRIES + count++ * Entry.SIZE;
    view.setUint32(at + Entry.EAX_IN, leaf, true);
    view.setUint32(at + Entry.ECX_IN, subleaf, true);
    view.setUint32(at + Entry.EAX, eax, true);
    view.setUint32(at + Entry.EBX, sized ? Layout.XSAVE_BASE : ebx, true);
    view.setBigUint64(at + Entry.XCR0_IN, sized ? 1n : 0n, true);
    view.setUint32(at + Entry.ECX, ecx, true);
    view.setUint32(at + Entry.EDX, edx, true);
  }
  view.setUint32(Layout.COUNT, count, true);
  return page;
}
