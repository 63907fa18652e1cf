// The attacks of the protection matrix, in its order: those of the hardware's own table, then those of papers that their files name.
import type { Attack } from "./attack.ts";
import { aliasing } from "./threat/aliasing.ts";
import { asidSwap } from "./threat/asid-swap.ts";
import { corruption } from "./threat/corruption.ts";
import { dmaPrivate } from "./threat/dma-private.ts";
import { dramRead } from "./threat/dram-read.ts";
import { dramReplay } from "./threat/dram-replay.ts";
import { hostReadMemory } from "./threat/host-read-memory.ts";
import { hostReadRegisters } from "./threat/host-read-registers.ts";
import { hostWriteRegisters } from "./threat/host-write-registers.ts";
import { injection } from "./threat/injection.ts";
import { remapping } from "./threat/remapping.ts";
import { replay } from "./threat/replay.ts";

export const attacks: readonly Attack[] = [
  dramRead,
  hostReadMemory,
  hostReadRegisters,
  hostWriteRegisters,
  replay,
  corruption,
  aliasing,
  remapping,
  dmaPrivate,
  injection,
  asidSwap,
  dramReplay,
];
