// Per-event costs, the same for every part and every generation: what differs between generations is how often each occurs.
// Sources: TUM-DSE/CVM_eval on an EPYC 9334 unless a row names its own.
type Row = [unit: string, value: number, source: string];

const DRIVE = "Micron 9200 NVMe SSD, data sheet, typical: ";
const CVM = "TUM-DSE/CVM_eval, EPYC 9334, ";

export type EventKey =
  | "cpuidExit"
  | "cpuidVmgexit"
  | "cpuidPage"
  | "msrExit"
  | "msrVmgexit"
  | "hypercallExit"
  | "hypercallVmgexit"
  | "portExit"
  | "portVmgexit"
  | "automaticExit"
  | "automaticExitEncrypted"
  | "nestedFault"
  | "rmpupdate"
  | "pvalidate"
  | "aes"
  | "remote"
  | "missOverlap"
  | "storeOverlap"
  | "bounceSlot"
  | "copyByte"
  | "deviceRead"
  | "deviceWrite"
  | "deviceBandwidth"
  | "pageFilling"
  | "ideTransfer";

/** Rows by key. */
export const eventRows: Record<EventKey, Row> = {
  cpuidExit: ["ns", 1226, `${CVM}CPUID, plain VM`],
  cpuidVmgexit: ["ns", 3859, `${CVM}CPUID that needs a VMGEXIT`],
  cpuidPage: ["ns", 646, `${CVM}CPUID answered from the SNP CPUID page: #VC, no exit`],
  msrExit: ["ns", 1290, `${CVM}RDMSR, plain VM`],
  msrVmgexit: ["ns", 3573, `${CVM}RDMSR under SNP`],
  hypercallExit: ["ns", 1255, `${CVM}hypercall, plain VM`],
  hypercallVmgexit: ["ns", 3553, `${CVM}hypercall under SNP`],
  portExit: ["ns", 1635, `${CVM}port in, plain VM; a kick of a device's queue too`],
  portVmgexit: ["ns", 3885, `${CVM}port in under SNP; a kick of a device's queue too`],
  automaticExit: [
    "ns",
    1255,
    "assumption: interrupt, HLT and #NPF cost a plain VM as much as a hypercall",
  ],
  automaticExitEncrypted: [
    "ns",
    1652,
    "assumption: all that a hypercall under SNP costs more (3553 - 1255) but its #VC (646): at most so much, for the host's work on the GHCB is in it",
  ],
  nestedFault: ["ns", 1000, "assumption: the host finds and maps a page"],
  rmpupdate: [
    "ns",
    500,
    "assumption: the instruction; the flush that follows is counted by the model",
  ],
  pvalidate: ["ns", 300, "assumption"],
  aes: [
    "ns",
    8.5,
    "rcastellotti/gr, EPYC 7713P, tinymembench: 7 to 10 ns more for a read that misses every cache",
  ],
  remote: ["ratio", 0.125, "the field guide: 10 to 15 % more latency on the other node"],
  missOverlap: [
    "count",
    1.5,
    "assumption: misses of loads and fetches that overlap where no stream is seen; a dependent chase would have 1",
  ],
  storeOverlap: ["count", 4, "assumption: misses of stores that overlap in the store queue"],
  bounceSlot: ["ns", 100, "assumption: taking and giving back a SWIOTLB slot under its lock"],
  copyByte: [
    "ns",
    0.03,
    "assumption: instructions of a copy, some 8 bytes a cycle; its misses are counted by the model",
  ],
  deviceRead: [
    "ns",
    92000,
    `${DRIVE}read at queue depth 1, 92 to 150 us. assumption: every transfer is such a drive's, a socket's too, and the host's part is free`,
  ],
  deviceWrite: ["ns", 21000, `${DRIVE}write at queue depth 1. assumption: as above`],
  deviceBandwidth: ["GB/s", 3.5, `${DRIVE}sequential read of 128 KiB`],
  pageFilling: [
    "0 no, 1 yes",
    1,
    "the guest's kernel clears or copies a page before a program first has it: Linux, mm/memory.c; the emulated guest writes its pages too",
  ],
  ideTransfer: [
    "ns",
    100,
    "assumption: IDE adds this to a transfer under SEV-TIO. No hardware measurement exists: a model",
  ],
};

export type EventCosts = Record<EventKey, number>;

/** The values alone. */
export function eventCosts(): EventCosts {
  const values = Object.entries(eventRows).map(([key, row]) => [key, row[1]]);
  return Object.fromEntries(values) as EventCosts;
}
