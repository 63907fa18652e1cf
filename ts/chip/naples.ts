// EPYC 7001 "Naples", Zen 1.
import type { Chip } from "./chip.ts";

export const naples: Chip = {
  name: "naples",
  product: "EPYC 7001 (Naples)",
  signature: 0x00800f12,
  cBit: 47,
  physicalBits: 48,
  reducedBits: 5,
  asids: 15,
  minSevAsid: 1,
  // UNCERTAIN: SME, SEV and the page flush MSR; SEV-ES came with Rome.
  sevCapabilities: 0x00000007,
  // Base clock of EPYC 7601: AMD's product page.
  tscKhz: 2200000,
  newest: "sev",
  // Recovered from EPYC 7251 and 7401P: SEVurity (IEEE S&P 2020), table I and its tools.
  tweaks: {
    4: "82253838",
    5: "ec09079c",
    6: "40000018",
    7: "8102a23a",
    8: "77d91077",
    9: "b010b2c0",
    10: "536d544d",
    11: "1568ee53",
    12: "b09230c2",
    13: "9670ff8e",
    14: "361b90d5",
    15: "0400c236",
    16: "e8182985",
    17: "bd31f92a",
    18: "a50d3744",
    19: "f431d84c",
    20: "02043181",
    21: "b37132a1",
    22: "508ac06c",
    23: "168a8020",
    24: "7f9bc007",
    25: "00db0407",
    26: "7f000404",
    27: "70fa01be",
    28: "bb3d2890",
    29: "bd2dd526",
    30: "1c5d6ce2",
    31: "4f5ce727",
  },
};
