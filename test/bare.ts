// The core of a part by itself, its RMP checked whoever runs, whose walks may be made to remember nothing.
import { chips } from "../dist/chip/index.js";
import { rmpTable } from "../dist/chip/rmp.js";
import { silicon, startMachine } from "../dist/core/silicon.js";
import { ports } from "../dist/core.js";
import type { ChipName } from "../dist/index.js";
import type { Core } from "../ts/port.ts";
import { Chance, coreModule, MIB } from "./core.ts";

/** A core that takes its walks from the root each time, or not. */
export function bareCore(chip: ChipName, dram: bigint, plainWalks: boolean): Core {
  const { cBit, physicalBits, reducedBits } = chips[chip];
  const made = silicon(64 * MIB, coreModule);
  startMachine(made, {
    dram,
    resident: 64 * MIB,
    cipher: "xex",
    tweaks: new Chance(90n).bytes(1024),
    cBit,
    addressBits: physicalBits - reducedBits,
    snp: true,
    vmplFull: 0xf,
    cacheWarp: false,
    rmp: rmpTable(chips[chip], dram),
  });
  made.exports.setPlainWalks(plainWalks);
  return ports(made, cBit);
}
