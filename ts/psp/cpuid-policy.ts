// The CPUID page of a launch: what the host says of the processor must be safe to believe. SNP firmware ABI (AMD 56860),
// 8.17.2.6. AMD's table by feature is not public. What follows is what QEMU takes away before it asks the firmware
// (target/i386/sev.c), the XSAVE size it gives, and the leaf that says where the C-bit is.
import * as Entry from "../abi/cpuid-entry.ts";
import * as Layout from "../abi/cpuid-page.ts";
import type { Chip } from "../chip/chip.ts";
import { viewOf } from "../layout.ts";

interface Rule {
  leaf: number;
  /** Every subleaf without. */
  subleaf?: number;
  register: number;
  /** What the register must be, given what the host says it is. */
  allowed(value: number, chip: Chip): number;
}

const without = (...bits: number[]) => {
  const mask = bits.reduce((all, position) => all | (1 << position), 0);
  return (value: number) => value & ~mask;
};
/** Fn8000_001F EBX: C-bit, bits taken from addresses (QEMU tells guests of 1), and at most four VMPLs. */
const memoryEncryption = (value: number, chip: Chip) => {
  const reduced = Math.min((value >>> 6) & 0x3f, chip.reducedBits);
  const vmpls = Math.min((value >>> 12) & 0xf, 4);
  return chip.cBit | (reduced << 6) | (vmpls << 12);
};

const rules: readonly Rule[] = [
  // TSC_DEADLINE
  { leaf: 0x1, register: Entry.ECX, allowed: without(24) },
  // TSC_ADJUST
  { leaf: 0x7, subleaf: 0, register: Entry.EBX, allowed: without(1) },
  // SPEC_CTRL, STIBP, ARCH_CAPABILITIES, CORE_CAPABILITIES, SSBD: Intel's
  { leaf: 0x7, subleaf: 0, register: Entry.EDX, allowed: without(26, 27, 29, 30, 31) },
  { leaf: 0xd, subleaf: 0, register: Entry.EBX, allowed: () => Layout.XSAVE_BASE },
  { leaf: 0xd, subleaf: 1, register: Entry.EBX, allowed: () => Layout.XSAVE_BASE },
  // VIRT_SSBD
  { leaf: 0x8000_0008, register: Entry.EBX, allowed: without(25) },
  { leaf: 0x8000_001f, register: Entry.EBX, allowed: memoryEncryption },
];

/** Makes entries safe where they lie. False when one was not. */
export function correctEntries(chip: Chip, entries: Uint8Array): boolean {
  const view = viewOf(entries);
  let safe = true;
  const put = (at: number, value: number) => {
    if (view.getUint32(at, true) === value) return;
    safe = false;
    view.setUint32(at, value, true);
  };
  for (let at = 0; at + Entry.SIZE <= entries.length; at += Entry.SIZE) {
    const word = (offset: number) => view.getUint32(at + offset, true);
    put(at + Entry.RESERVED_28, 0);
    put(at + Entry.RESERVED_28 + 4, 0);
    for (const { leaf, subleaf, register, allowed } of rules) {
      if (word(Entry.EAX_IN) !== leaf) continue;
      if (subleaf !== undefined && word(Entry.ECX_IN) !== subleaf) continue;
      put(at + register, allowed(word(register), chip) >>> 0);
    }
  }
  return safe;
}

/** A CPUID page as it may be, or undefined when it may be as it is. */
export function correctCpuidPage(chip: Chip, page: Uint8Array): Uint8Array | undefined {
  const corrected = page.slice();
  const view = viewOf(corrected);
  const asked = view.getUint32(Layout.COUNT, true);
  const count = Math.min(asked, Layout.MOST_ENTRIES);
  view.setUint32(Layout.COUNT, count, true);
  const end = Layout.ENTRIES + count * Entry.SIZE;
  const safe = correctEntries(chip, corrected.subarray(Layout.ENTRIES, end));
  return safe && count === asked ? undefined : corrected;
}
