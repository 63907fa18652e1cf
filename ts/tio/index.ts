// Trusted I/O's public face: a machine, its TSM, and the guest's. Re-exports only.

export type {
  Behaviour,
  Board,
  BoardDevice,
  BoardDeviceOptions,
} from "../board.ts";
export {
  type Attested,
  type Belief,
  type Evidence,
  evidenceOf,
  matchDigests,
  verifyEvidence,
} from "../guest/tio/evidence.ts";
export { type DmaEntry, type TdiInfo, TioMessages, type TioPages } from "../guest/tio/messages.ts";
export { tioGuest, tioLayout } from "../guest/tio/program.ts";
export { type GuestDevice, GuestTsm, type GuestTsmOptions } from "../guest/tio/tsm.ts";
export { AssignedDevice, type GuestBar } from "../hypervisor/tsm/assigned.ts";
export { Dsm, type Wire } from "../hypervisor/tsm/dsm.ts";
export type { HostTdi } from "../hypervisor/tsm/tdi.ts";
export { type TioPhase, Tsm } from "../hypervisor/tsm/tsm.ts";
export { Errno, type ErrnoName } from "../linux/errno.ts";
export { TioMachine, type TioMachineOptions, type TioTask } from "./machine.ts";
