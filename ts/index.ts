// The public API; re-exports only.
export type { Board, BoardDevice, BoardDeviceOptions } from "./board.ts";
export { type Chip, type ChipName, chipNames, type Generation, generations } from "./chip/chip.ts";
export { chips } from "./chip/index.ts";
export { cpuinfoFlags, kvmAmdParameters } from "./chip/linux.ts";
export type { RmpOptions, RmpTable } from "./chip/rmp.ts";
export { type Clock, wallClock } from "./clock.ts";
export { BadInput, CheckFailed, Misuse, Unimplemented } from "./error.ts";
export { type BootLayout, boot } from "./guest/boot.ts";
export type { Cpu, Program, Routine, Step } from "./guest/cpu.ts";
export type { SevGuest } from "./guest/sev.ts";
export { share } from "./guest/share.ts";
export { interrupt } from "./hypervisor/exit/interrupt-window.ts";
export type { ExitRow, Outcome } from "./hypervisor/exits.ts";
export { serveVmgexit } from "./hypervisor/ghcb/serve.ts";
export { readRmp, readRmpMemory, rmpEntrySpa } from "./hypervisor/rmp.ts";
export type { Vcpu } from "./hypervisor/vcpu.ts";
export { VirtioDevice } from "./hypervisor/virtio.ts";
export type { PageSize, Vm, VmOptions } from "./hypervisor/vm.ts";
export { buildMachine, type GuestSpec, type Machine, type MachineSpec } from "./machine.ts";
export {
  createPlatform,
  type DumpedPage,
  type Platform,
  type PlatformOptions,
} from "./platform.ts";
export type * from "./port.ts";
export { type Prng, prng } from "./prng.ts";
export type { FirmwareVersion } from "./psp/facts.ts";
export { type ImageOptions, makeImage } from "./psp/image.ts";
export { type CommandRecord, type DecodedCommand, decodeCommand } from "./psp/log.ts";
export type { Storage } from "./psp/storage.ts";
export { type VlekRequest, wrapVlek } from "./psp/vlek.ts";
export {
  type ComparedRow,
  comparedRows,
  csvOf,
  hyperfineOf,
  markdownOf,
  readReports,
} from "./replay/compare.ts";
export type { Numa } from "./replay/cost/charges.ts";
export {
  type CostKey,
  type CostRow,
  type Costs,
  costRows,
  readCosts,
} from "./replay/cost/costs.ts";
export type { Backing } from "./replay/cost/model.ts";
export type { LatencyBucket, Modelled, Mpki } from "./replay/cost/modelled.ts";
export type { Breakdown } from "./replay/cost/price.ts";
export {
  type GenerateOptions,
  generateTrace,
  type PatternName,
  patternNames,
} from "./replay/generate/index.ts";
export { infoOf, type TraceInfo } from "./replay/info.ts";
export { type TraceNotes, TraceWriter } from "./replay/reader/cltr-writer.ts";
export { interleave } from "./replay/reader/interleave.ts";
export { openTrace, traceFormats } from "./replay/reader/open.ts";
export type { ByteSource, TraceFormat, TraceReader } from "./replay/reader/reader.ts";
export { windowOf } from "./replay/reader/window.ts";
export { Batch, type Counts } from "./replay/record.ts";
export type { Events, GenerationReport, ReplayReport } from "./replay/report.ts";
export { type RanBatch, type ReplayOptions, replay } from "./replay/run.ts";
export { type Sampling, sampleOf } from "./replay/sample.ts";
export { type Writer, type WrittenFormat, writerOf, writtenFormats } from "./replay/writer.ts";
export { type PageState, pageState, type RawRmp, type RmpEntry, rmpEntry } from "./rmp.ts";
export { decodeWord, encodeWord, type RmpWord, wordOf } from "./rmp-word.ts";
export type { ByteStream, CoreModule, StopSignal } from "./structural.ts";
export type { Image } from "./world.ts";
