// EPYC 7002 "Rome", Zen 2.
import type { Chip } from "./chip.ts";

export const rome: Chip = {
  name: "rome",
  product: "EPYC 7002 (Rome)",
  signature: 0x00830f10,
  cBit: 47,
  physicalBits: 48,
  reducedBits: 5,
  asids: 509,
  // A BIOS setting; 0x80 was seen on a Milan with SNP on.
  minSevAsid: 0x80,
  sevCapabilities: 0x0001000f,
  // Base clock of EPYC 7742: AMD's product page.
  tscKhz: 2250000,
  newest: "sev-es",
};
