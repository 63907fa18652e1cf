// The attacks of the protection matrix, in its order: those of the hardware's own table, then those of papers that their files name.
import type { AnyAttack } from "./attack.ts";
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
import { tioDeviceReplaced } from "./threat/tio-device-replaced.ts";
import { tioDmaOtherGuest } from "./threat/tio-dma-other-guest.ts";
import { tioMmioRemap } from "./threat/tio-mmio-remap.ts";
import { tioReplayedLock } from "./threat/tio-replayed-lock.ts";
import { tioReset } from "./threat/tio-reset.ts";
import { tioStaleSdte } from "./threat/tio-stale-sdte.ts";
import { tioSwappedBar } from "./threat/tio-swapped-bar.ts";
import { tioUnbindInFlight } from "./threat/tio-unbind-in-flight.ts";
import { tioWireAlter } from "./threat/tio-wire-alter.ts";
import { tioWireDrop } from "./threat/tio-wire-drop.ts";
import { tioWireInject } from "./threat/tio-wire-inject.ts";
import { tioWireRead } from "./threat/tio-wire-read.ts";
import { tioWireReorder } from "./threat/tio-wire-reorder.ts";
import { tioWireReplay } from "./threat/tio-wire-replay.ts";
import { tioWrongBdf } from "./threat/tio-wrong-bdf.ts";

export const attacks: readonly AnyAttack[] = [
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
  // A guest's own device, its host and its wires.
  tioSwappedBar,
  tioWrongBdf,
  tioReplayedLock,
  tioDeviceReplaced,
  tioMmioRemap,
  tioDmaOtherGuest,
  tioStaleSdte,
  tioReset,
  tioUnbindInFlight,
  tioWireRead,
  tioWireAlter,
  tioWireReplay,
  tioWireDrop,
  tioWireReorder,
  tioWireInject,
];
