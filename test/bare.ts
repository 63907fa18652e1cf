// The core of a part by itself, its RMP checked whoever runs, whose walks may be made to remember nothing.
import { chips } from "../dist/chip/index.js";
import { rmpTable } from "../dist/chip/rmp.js";
import { silicon, startMachine } from "../dist/core/silicon.js";
import { ports } from "../dist/core.js";
import type { ChipName } from "../dist/index.js";
import type { Core } from "../ts/port.ts";
import { Chance, coreModule, MIB, pattern } from "./core.ts";

/** A core that takes its walks from the root each time, or not; and its linear memory. */
export function bareCore(
  chip: ChipName,
  dram: bigint,
  plainWalks: boolean,
): { core: Core; bytes: Uint8Array } {
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
  const core = ports(made, cBit);
  core.firmware.installKey(0, pattern(16, 7), pattern(16, 8));
  return { core, bytes: made.bytes };
}
