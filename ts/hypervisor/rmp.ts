// How the hypervisor looks at the RMP: by RMPREAD, or on a part without it in the RMP's own memory, as Linux does.
// arch/x86/virt/svm/sev.c; spec digest rmp.md 1.
import * as Rmp from "../abi/rmp.ts";
import * as Segment from "../abi/rmp-segment.ts";
import * as Table from "../abi/rmp-table.ts";
import type { RmpTable } from "../chip/rmp.ts";
import type { HostPort, RmpRead } from "../port.ts";
import { type RmpEntry, rmpEntry } from "../rmp.ts";

const PAGE_SHIFT = 12n;
const LARGE = 0x200000n;
const GIB = 1n << 30n;
const ENTRY = BigInt(Rmp.SIZE);
const field = (word: bigint, lsb: number, width: number) =>
  (word >> BigInt(lsb)) & ((1n << BigInt(width)) - 1n);

/** Where in memory the entry of a page is; undefined when the RMP does not cover it. */
export function rmpEntrySpa(table: RmpTable, spa: bigint): bigint | undefined {
  const entry = (spa >> PAGE_SHIFT) * ENTRY;
  if (field(table.cfg, Table.SEGMENTED_BIT, 1) === 0n) {
    const at = table.base + BigInt(Table.BOOKKEEPING) + entry;
    return at + ENTRY - 1n <= table.end ? at : undefined;
  }
  const shift = field(table.cfg, Table.SEGMENT_SHIFT_LSB, Table.SEGMENT_SHIFT_WIDTH);
  const segment = table.rst[Number(spa >> shift)] ?? 0n;
  const covered = field(segment, Segment.COVERED_LSB, Segment.COVERED_WIDTH) * GIB;
  const within = spa & ((1n << shift) - 1n);
  if (within >= covered) return undefined;
  const base = field(segment, Segment.BASE_LSB, Segment.BASE_WIDTH) << BigInt(Segment.BASE_LSB);
  return base + (within >> PAGE_SHIFT) * ENTRY;
}

/** The raw entry of a page, from memory: all its fields. Undefined when the RMP does not cover it. */
export function readRmpMemory(host: HostPort, table: RmpTable, spa: bigint): RmpEntry | undefined {
  const at = rmpEntrySpa(table, spa);
  const bytes = new Uint8Array(Rmp.SIZE);
  if (at === undefined || !host.read(at, bytes)) return undefined;
  const view = new DataView(bytes.buffer);
  return rmpEntry({
    low: view.getBigUint64(Rmp.LOW, true),
    high: view.getBigUint64(Rmp.HIGH, true),
  });
}

/** What governs a page, in the architecture's form. Undefined when the RMP does not cover it. */
export function readRmp(host: HostPort, table: RmpTable, spa: bigint): RmpRead | undefined {
  const page = spa & ~0xfffn;
  const read = host.rmpread(page);
  if (read) return read.entry;
  const head = readRmpMemory(host, table, page & ~(LARGE - 1n));
  const isLarge = head?.assigned && head.large;
  const entry = isLarge ? head : readRmpMemory(host, table, page);
  if (!entry) return undefined;
  return {
    gpa: entry.gpa + (isLarge ? page & (LARGE - 1n) : 0n),
    assigned: entry.assigned,
    pageSize: entry.large ? "2m" : "4k",
    immutable: entry.immutable,
    asid: entry.asid,
    regionAssigned: (page & (LARGE - 1n)) === 0n && entry.subpages > 0,
  };
}
