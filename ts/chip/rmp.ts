// Where firmware (BIOS) puts the RMP: at the top of memory, contiguous or in segments. APM vol. 2, 15.36.4; spec digest rmp.md 1.
import * as Segment from "../abi/rmp-segment.ts";
import * as Table from "../abi/rmp-table.ts";
import { Misuse } from "../error.ts";
import type { Chip } from "./chip.ts";

/** What a platform may ask of its BIOS. Every field has a default. */
export interface RmpOptions {
  /** Whether the RMP is in segments; default what the part can. */
  segmented?: boolean;
  /** Contiguous: bytes covered from spa 0 on, a multiple of 2 MiB; default all memory. */
  covers?: bigint;
  /** Segmented: a segment spans 2^segmentShift bytes; default 36. */
  segmentShift?: number;
  /** Segmented: whole GiB covered of each segment, 0 for an absent one; default all memory. */
  segments?: number[];
}

/** An RMP in place: its MSRs, and for segments the entries of their table. */
export interface RmpTable {
  /** MSR C001_0132. */
  base: bigint;
  /** MSR C001_0133; 0 where the RMP is segmented. */
  end: bigint;
  /** MSR C001_0136. */
  cfg: bigint;
  /** The segment table (ts/abi/rmp-segment.ts), as many entries as the part reads. */
  rst: bigint[];
  /** Contiguous: pages that have an entry. */
  coveredPages: number;
  /** Where the memory begins that the BIOS reserves for it, up to the end. */
  reserved: bigint;
  /** The 64-bit MMIO window that it covers too. */
  mmio?: { base: bigint; bytes: bigint };
}

const PAGE = 0x1000n;
const LARGE = 0x200000n;
const GIB = 1n << 30n;
const SEGMENT_SHIFT = 36;
const MMIO_LOWEST = 512n * GIB;
/** Bytes of memory for each byte of the RMP: an entry of 16 bytes speaks for 4096. */
const RATIO = 256n;
const BOOKKEEPING = BigInt(Table.BOOKKEEPING);

/** Lays out the RMP of a machine with `dram` bytes, and with segments an MMIO window. Throws Misuse for what cannot be. */
export function rmpTable(
  chip: Chip,
  dram: bigint,
  options: RmpOptions = {},
  withMmio = false,
): RmpTable {
  const segmented = options.segmented ?? chip.rmpSegments !== undefined;
  if (segmented && !chip.rmpSegments)
    throw new Misuse(`rmp: ${chip.product} has no segmented RMP; it came with Turin`);
  const table = segmented ? inSegments(chip, dram, options, withMmio) : contiguous(dram, options);
  if (table.reserved <= 0n)
    throw new Misuse(`dram: ${dram} bytes, expected a multiple of 2 MiB with room for the RMP`);
  return table;
}

function contiguous(dram: bigint, options: RmpOptions): RmpTable {
  const covers = options.covers ?? dram;
  if (options.covers !== undefined && (covers <= 0n || covers % LARGE !== 0n || covers > dram))
    throw new Misuse(`rmp: covers ${covers} bytes, expected a multiple of 2 MiB up to ${dram}`);
  const bytes = BOOKKEEPING + covers / RATIO;
  const base = dram - roundUp(bytes);
  return {
    base,
    end: base + bytes - 1n,
    cfg: 0n,
    rst: [],
    coveredPages: Number(covers / PAGE),
    reserved: base,
  };
}

function inSegments(chip: Chip, dram: bigint, options: RmpOptions, withMmio: boolean): RmpTable {
  const { minShift, maxShift, limit } = chip.rmpSegments as NonNullable<Chip["rmpSegments"]>;
  const shift = options.segmentShift ?? SEGMENT_SHIFT;
  if (!Number.isInteger(shift) || shift < minShift || shift > maxShift)
    throw new Misuse(`rmp: segment shift ${shift}, expected ${minShift} to ${maxShift}`);
  const span = 1n << BigInt(shift);
  const memory = options.segments ?? everySegment(dram, span);
  const mmio = { base: mmioBase(dram, span), bytes: GIB };
  const index = Number(mmio.base / span);
  // Segments of 1 GiB end before the window.
  const hasMmio = withMmio && index < limit && memory.length <= index;
  const segments = hasMmio ? [...memory, ...Array(index - memory.length).fill(0), 1] : memory;
  if (segments.length > limit)
    throw new Misuse(`rmp: ${segments.length} segments, expected up to ${limit}`);
  const most = 2 ** Segment.COVERED_WIDTH - 1;
  const odd = segments.find((gib) => !Number.isInteger(gib) || gib < 0 || gib > most);
  if (odd !== undefined) throw new Misuse(`rmp: a segment of ${odd} GiB, expected 0 to ${most}`);
  const rst: bigint[] = [];
  let top = dram;
  for (const gib of segments) {
    // What is said beyond the segment's end is clipped.
    const bytes = (BigInt(gib) * GIB < span ? BigInt(gib) * GIB : span) / RATIO;
    top -= roundUp(bytes);
    rst.push(gib === 0 ? 0n : top | BigInt(gib));
  }
  const bytes = BOOKKEEPING + BigInt(Segment.COUNT * Segment.SIZE);
  const base = top - roundUp(bytes);
  const cfg = (BigInt(shift) << BigInt(Table.SEGMENT_SHIFT_LSB)) | 1n;
  const table = { base, end: 0n, cfg, rst, coveredPages: 0, reserved: base };
  return hasMmio ? { ...table, mmio } : table;
}

/** Where 64-bit BARs are put on a machine whose RMP does not cover them. */
export const windowAbove = (dram: bigint): { base: bigint; bytes: bigint } => ({
  base: mmioBase(dram, GIB),
  bytes: GIB,
});

/** Where 64-bit BARs are put: above all memory, from 512 GiB on, at the start of a segment. */
function mmioBase(dram: bigint, span: bigint): bigint {
  const lowest = dram > MMIO_LOWEST ? dram : MMIO_LOWEST;
  return ((lowest + span - 1n) / span) * span;
}

/** Whole GiB of every segment of memory. */
function everySegment(dram: bigint, span: bigint): number[] {
  const segments: number[] = [];
  for (let at = 0n; at < dram; at += span) {
    const left = dram - at < span ? dram - at : span;
    segments.push(Number((left + GIB - 1n) / GIB));
  }
  return segments;
}

function roundUp(bytes: bigint): bigint {
  return (bytes + LARGE - 1n) & ~(LARGE - 1n);
}
