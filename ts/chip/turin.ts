// EPYC 9005 "Turin", Zen 5. CPUID values beyond the C-bit are those of Genoa: UNCERTAIN in spec digest cpuid-msr.md.
import type { Chip } from "./chip.ts";

export const turin: Chip = {
  name: "turin",
  product: "EPYC 9005 (Turin)",
  signature: 0x00b00f21,
  cBit: 51,
  physicalBits: 52,
  reducedBits: 6,
  asids: 1006,
  // A BIOS setting; 0x80 was seen on a Milan with SNP on.
  minSevAsid: 0x80,
  // UNCERTAIN: Genoa's, with VMGEXIT parameter, vTOM MSR, guest control of IBS and PMC, RMPREAD, segmented RMP, SMT protection and
  // IBPB on entry.
  sevCapabilities: 0x83bffdff,
  memAes256Xts: true,
  // Base clock of EPYC 9535: AMD's product page.
  tscKhz: 2400000,
  // No dump of CPUID Fn8000_0025 is public: from 1 GiB, the unit of the table, to the 4 TiB of a socket's memory.
  rmpSegments: { minShift: 30, maxShift: 42, limit: 512 },
  newest: "sev-tio",
};
