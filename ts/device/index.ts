// The device's public face: a TDISP device, and what it can be told to be. Re-exports only.

export { seeded } from "../spdm/chance.ts";
export { type Clock, type Curves, nobleCurves, type Prng } from "../spdm/crypto.ts";
export { describe } from "../spdm/decode.ts";
export { pcapngHeader, pcapngPacket } from "../spdm/pcapng.ts";
export type { Tap } from "../spdm/tap.ts";
export { HashAccelerator } from "./accelerator.ts";
export { emulatedSlots, givenChain } from "./certificates.ts";
export { type DeviceOptions, type TdiStatus, TdispDevice } from "./device.ts";
export { type Blocks, Disk, memoryBlocks } from "./disk.ts";
export type { Dma, Registers } from "./endpoint.ts";
export { faults } from "./fault.ts";
export { defaultMeasurements, type Measurement } from "./measurements.ts";
export { LoopNic } from "./nic.ts";
export { checkReport } from "./report.ts";
export type { Slot } from "./spdm.ts";
export { type Access, Tdi, type TdiEvent } from "./tdi.ts";
