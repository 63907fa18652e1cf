// cloister/guest: what a guest's kernel is made of. Re-exports only.
export { type BootLayout, boot } from "./boot.ts";
export type { Cpu, Program, Routine, Step } from "./cpu.ts";
export { AcceleratorDriver, type AcceleratorOptions } from "./driver/accelerator.ts";
export {
  BounceMap,
  DirectMap,
  type DmaMap,
  type Io,
  type Mapped,
  type RingPage,
} from "./driver/io.ts";
export { NicDriver, type NicOptions } from "./driver/nic.ts";
export { NvmeDriver, type NvmeOptions, type NvmeStatus } from "./driver/nvme.ts";
export { createAp, featuresOf, type Processor, requestAp, sipiState } from "./ghcb/ap.ts";
export { answerDoorbell, type Rung, setDoorbell } from "./ghcb/doorbell.ts";
export { runVmpl, sendIpi } from "./ghcb/event.ts";
export { terminate } from "./ghcb/msr-protocol.ts";
export {
  type Change,
  pvalidate,
  rmpadjust,
  setMemoryDecrypted,
  setMemoryEncrypted,
  snp_set_memory_private,
  snp_set_memory_shared,
} from "./ghcb/page-state.ts";
export {
  type CertificatePages,
  guestRequest,
  type RequestPages,
  type RequestResult,
} from "./ghcb/request.ts";
export { Ghcb, type Verdict } from "./ghcb.ts";
export type { CallingArea, PageTables, SevGuest, Translation } from "./sev.ts";
export { share } from "./share.ts";
export { type CallAnswer, type CallRegisters, findSvsm, svsmCall } from "./svsm/call.ts";
export { type FirstVcpu, launchGuest } from "./svsm/launch.ts";
export {
  type Call,
  type CallRow,
  type GuestVcpu,
  type Region,
  Svsm,
  type SvsmOptions,
} from "./svsm/svsm.ts";
export { vcHandler } from "./vc.ts";
export { type Buffer, sharedPages, Virtqueue, type VirtqueueOptions } from "./virtqueue.ts";
