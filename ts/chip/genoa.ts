// EPYC 9004 "Genoa", Zen 4. VMPL-SSS: a VMSA page of a Genoa host shows permissions 0x1f (spec digest rmp.md 2.1).
// That RMPQUERY came with it is a guess: no dump of Genoa's CPUID Fn8000_001F EAX is public.
import type { Chip } from "./chip.ts";

export const genoa: Chip = {
  name: "genoa",
  product: "EPYC 9004 (Genoa)",
  signature: 0x00a10f11,
  cBit: 51,
  physicalBits: 52,
  reducedBits: 6,
  asids: 1006,
  // A BIOS setting; 0x80 was seen on a Milan with SNP on.
  minSevAsid: 0x80,
  // UNCERTAIN: Milan's, with RMPQUERY and VMPL-SSS.
  sevCapabilities: 0x0101fdff,
  memAes256Xts: true,
  // Base clock of EPYC 9334: AMD's product page.
  tscKhz: 2700000,
  newest: "sev-snp",
};
