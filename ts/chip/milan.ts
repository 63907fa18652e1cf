// EPYC 7003 "Milan", Zen 3.
import type { Chip } from "./chip.ts";

export const milan: Chip = {
  name: "milan",
  product: "EPYC 7003 (Milan)",
  signature: 0x00a00f11,
  cBit: 51,
  physicalBits: 48,
  reducedBits: 5,
  asids: 509,
  // A BIOS setting; 0x80 was seen on a Milan with SNP on.
  minSevAsid: 0x80,
  sevCapabilities: 0x0101fd3f,
  // Base clock of EPYC 7713: AMD's product page.
  tscKhz: 2000000,
  newest: "sev-snp",
};
