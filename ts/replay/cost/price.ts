// From counts to nanoseconds: every line of the breakdown is a count times a constant of `costs`, and the lines sum to the total.
import * as Exit from "../../abi/exit.ts";
import * as Layout from "../../abi/model.ts";
import type { Features } from "../../chip/chip.ts";
import type { Events } from "../report.ts";
import { chargeOf, isEncrypted, type Numa } from "./charges.ts";
import type { Costs } from "./costs.ts";
import type { Backing, Model } from "./model.ts";
import type { Unawaited } from "./modelling.ts";

/** Nanoseconds by cause. */
export interface Breakdown {
  /** Instructions whose operands hit the first level. */
  instructions: number;
  /** Hits in the second and third level. */
  caches: number;
  /** Reads that reached memory. */
  memory: number;
  /** First contents of pages, written by the guest's kernel. */
  filling: number;
  /** Hits in a second-level TLB, and the table reads of walks. */
  translation: number;
  /** RMP-entry reads of walks. */
  rmp: number;
  /** What the memory engine adds to a read of ciphertext. */
  encryption: number;
  /** What the other node's distance adds. */
  remote: number;
  /** Exits as a plain VM has them. */
  exits: number;
  /** What #VC, VMGEXIT and the encrypted register state add to them. */
  exitsEncrypted: number;
  /** Copies through shared pages. */
  bounce: number;
  /** Backing and accepting memory when it is first touched, and pages given to the host or taken back. */
  acceptance: number;
  /** The device at work, and IDE on the way to it. */
  device: number;
  /** Waiting for the socket's bandwidth, or the memory engine's. */
  bandwidth: number;
}

/** What was counted for one generation. */
export interface Counted {
  costs: Costs;
  features: Features;
  numa: Numa;
  backing: Backing;
  vms: number;
  model: Model;
  events: Events;
  /** Exits of the guest's own making, by what they were for. */
  exits: ReadonlyMap<number, number>;
  /** CPUID that the guest's #VC answered from the CPUID page, without an exit. */
  answered: number;
  /** Pages that the guest gave to the host or took back: an RMPUPDATE and a PVALIDATE each. */
  changed: number;
  unawaited: Unawaited;
}

const PICO = 1000;
const LINE = 64;
const DRAM = 3;
const CELLS = Array.from({ length: Layout.READERS * Layout.LEVELS * 2 }, (_, cell) => ({
  reader: Math.floor(cell / 2 / Layout.LEVELS),
  level: Math.floor(cell / 2) % Layout.LEVELS,
  stream: cell % 2 === 1,
}));

/** The cause that a read's base cost belongs to. */
function causeOf(
  reader: number,
  level: number,
): "caches" | "memory" | "filling" | "translation" | "rmp" | "bounce" {
  if (reader === Layout.RMP_ENTRY) return "rmp";
  if (reader === Layout.GUEST_TABLE || reader === Layout.NESTED_TABLE) return "translation";
  if (reader === Layout.COPY || reader === Layout.SHARED) return "bounce";
  if (reader === Layout.FILLING) return "filling";
  return level === DRAM ? "memory" : "caches";
}

/** The breakdown of one generation. */
export function price(counted: Counted): Breakdown {
  const { costs, features, numa, backing, model, events } = counted;
  const lines = {
    ...{ instructions: instructions(model) / costs.instructionsPerCycle / costs.clock },
    ...{ caches: 0, memory: 0, filling: 0, translation: 0, rmp: 0, encryption: 0, remote: 0 },
    ...exitLines(counted),
    bounce:
      model.counter("SLOTS") * costs.bounceSlot + model.counter("BYTES_COPIED") * costs.copyByte,
    acceptance:
      backing === "lazy"
        ? acceptance(costs, features, events)
        : counted.changed * (costs.rmpupdate + costs.pvalidate),
    device: device(counted),
    bandwidth: 0,
  };
  for (const { reader, level, stream } of CELLS) {
    const reads = model.reads(reader, level, stream);
    const charge = chargeOf(costs, features, numa, reader, level, stream);
    lines[causeOf(reader, level)] += (reads * charge.base) / PICO;
    lines.remote += (reads * charge.remote) / PICO;
    lines.encryption += (reads * charge.encryption) / PICO;
  }
  const tlb = model.tlb2();
  const second = model.counter("ITLB2_HITS") * tlb.fetch + model.counter("DTLB2_HITS") * tlb.data;
  lines.translation += second / PICO;
  lines.bandwidth = Math.max(0, bandwidthTime(counted) - total(lines));
  return lines;
}

export function total(lines: Breakdown): number {
  return Object.values(lines).reduce((sum, line) => sum + line, 0);
}

/** Instructions run; where a trace has no fetches, each access counts as one. */
export function instructions(model: Model): number {
  return model.counter("FETCHES") || model.counter("ACCESSES");
}

/** Bytes that went to or came from memory, and those of them that are ciphertext there. */
export function traffic({ features, model }: Counted): { bytes: number; encrypted: number } {
  const sum = { bytes: 0, encrypted: 0 };
  const add = (lines: number, encrypted: boolean) => {
    sum.bytes += LINE * lines;
    if (encrypted) sum.encrypted += LINE * lines;
  };
  for (const { reader, level, stream } of CELLS) {
    if (level !== DRAM) continue;
    add(model.reads(reader, level, stream), isEncrypted(features, reader));
  }
  add(model.counter("WRITTEN_BACK"), isEncrypted(features, Layout.STORE));
  add(model.counter("WRITTEN_BACK_SHARED"), isEncrypted(features, Layout.SHARED));
  return sum;
}

/** What all VMs of the socket together need its memory, and its memory engines, for. GB/s are bytes a nanosecond. */
function bandwidthTime(counted: Counted): number {
  const { costs, vms } = counted;
  const { bytes, encrypted } = traffic(counted);
  const channels = costs.socketBandwidth * costs.bandwidthReached;
  return vms * Math.max(bytes / channels, encrypted / Math.min(costs.meeBandwidth, channels));
}

type ExitCost = (costs: Costs) => [plain: number, guarded: number];

const port: ExitCost = (costs) => [costs.portExit, costs.portVmgexit];
const hypercall: ExitCost = (costs) => [costs.hypercallExit, costs.hypercallVmgexit];
const automatic: ExitCost = (costs) => [
  costs.automaticExit,
  costs.automaticExit + costs.automaticExitEncrypted,
];
// Only guests with a GHCB have them.
const event: ExitCost = (costs) => [0, costs.hypercallVmgexit];

// By #VMEXIT code or SW_EXITCODE: what a plain VM pays, and what a guest does whose registers are its own. A device's registers
// cost as ports do.
const EXITS = new Map<number, ExitCost>([
  [Exit.VMEXIT_CPUID, (costs) => [costs.cpuidExit, costs.cpuidVmgexit]],
  [Exit.VMEXIT_MSR, (costs) => [costs.msrExit, costs.msrVmgexit]],
  [Exit.VMEXIT_IOIO, port],
  [Exit.VMEXIT_VMGEXIT, port],
  [Exit.VMEXIT_NPF, port],
  [Exit.VMGEXIT_MMIO_READ, port],
  [Exit.VMGEXIT_MMIO_WRITE, port],
  [Exit.VMEXIT_INTR, automatic],
  [Exit.VMEXIT_NMI, automatic],
  [Exit.VMEXIT_SMI, automatic],
  [Exit.VMEXIT_INIT, automatic],
  [Exit.VMEXIT_VINTR, automatic],
  [Exit.VMEXIT_PAUSE, automatic],
  [Exit.VMEXIT_HLT, automatic],
  [Exit.VMEXIT_BUSLOCK, automatic],
  [Exit.VMEXIT_IDLE_HLT, automatic],
]);

function exitLines({ costs, features, exits, answered }: Counted) {
  const lines = { exits: 0, exitsEncrypted: answered * costs.cpuidPage };
  for (const [code, count] of exits) {
    const other = code >= Exit.VMGEXIT_EVENTS ? event : hypercall;
    const [plain, guarded] = (EXITS.get(code) ?? other)(costs);
    lines.exits += count * plain;
    if (features.es) lines.exitsEncrypted += count * (guarded - plain);
  }
  return lines;
}

function acceptance(costs: Costs, { es }: Features, events: Events): number {
  const fault = costs.nestedFault + costs.automaticExit + (es ? costs.automaticExitEncrypted : 0);
  const { npf, rmpupdates, pvalidates } = events;
  return npf * fault + rmpupdates * costs.rmpupdate + pvalidates * costs.pvalidate;
}

function device({ costs, features, model, unawaited }: Counted): number {
  const ins = model.counter("TRANSFERS_IN") - unawaited.ins;
  const outs = model.counter("TRANSFERS_OUT") - unawaited.outs;
  const bytes = model.counter("BYTES_IN") + model.counter("BYTES_OUT") - unawaited.bytes;
  const link = features.tio ? (ins + outs) * costs.ideTransfer : 0;
  return ins * costs.deviceRead + outs * costs.deviceWrite + bytes / costs.deviceBandwidth + link;
}
