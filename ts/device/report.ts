// The device interface report: what a guest may believe of a TDI's MMIO. PCIe 11.3.11.

import * as MsiX from "../abi/msi-x.ts";
import * as Tdisp from "../abi/tdisp.ts";
import * as Range from "../abi/tdisp-mmio-range.ts";
import * as Report from "../abi/tdisp-report.ts";
import { BadInput } from "../error.ts";
import type { PcieFunction } from "../pcie/function.ts";
import { bit, hexWord, join, le32, putU16, putU32, putU64, u32 } from "../spdm/octets.ts";

const PAGE = 0x1000;
const INFO = new TextEncoder().encode("cloister emulated TDI");

export interface MmioRange {
  /** The BAR it lies in. */
  bar: number;
  /** Pages from the BAR's start. */
  firstPage: number;
  pages: number;
  attributes: number;
}

/** The ranges a TDI has, in ascending order; MSI-X structures stand apart when they are locked. */
export function rangesOf(
  port: PcieFunction,
  vf: number | undefined,
  lockMsiX: boolean,
): MmioRange[] {
  const bars = vf === undefined ? port.bars : port.vfBars;
  return [...bars]
    .sort((a, b) => a.index - b.index)
    .flatMap((bar) => {
      const plain = bar.nonTee
        ? 1 << Range.IS_NON_TEE_MEM_BIT
        : 1 << Range.IS_MEM_ATTR_UPDATABLE_BIT;
      const special = vf === undefined ? msiXPages(port, bar.index, lockMsiX) : [];
      return split(bar.index, bar.bytes / PAGE, plain, special);
    });
}

interface Special {
  page: number;
  pages: number;
  attributes: number;
}

function msiXPages(port: PcieFunction, bar: number, locked: boolean): Special[] {
  const { msiX } = port;
  if (!msiX || msiX.bir !== bar) return [];
  // Not locked, the table belongs to the host: it is no part of the report.
  const attribute = (position: number) => (locked ? 1 << position : -1);
  const tablePages = Math.ceil((msiX.vectors * MsiX.ENTRY_BYTES) / PAGE);
  return [
    { page: msiX.table / PAGE, pages: tablePages, attributes: attribute(Range.MSI_X_TABLE_BIT) },
    { page: msiX.pba / PAGE, pages: 1, attributes: attribute(Range.MSI_X_PBA_BIT) },
  ].sort((a, b) => a.page - b.page);
}

function split(bar: number, pages: number, plain: number, special: Special[]): MmioRange[] {
  const found: MmioRange[] = [];
  let at = 0;
  for (const each of special) {
    if (each.page > at) {
      found.push({ bar, firstPage: at, pages: each.page - at, attributes: plain });
    }
    const { attributes } = each;
    if (attributes >= 0) found.push({ bar, firstPage: each.page, pages: each.pages, attributes });
    at = each.page + each.pages;
  }
  if (at < pages) found.push({ bar, firstPage: at, pages: pages - at, attributes: plain });
  return found;
}

export interface ReportParts {
  port: PcieFunction;
  vf: number | undefined;
  lockFlags: number;
  reportingOffset: bigint;
  ranges: MmioRange[];
}

/** The report of a locked TDI. */
export function deviceInterfaceReport(parts: ReportParts): Uint8Array {
  const { port, vf, lockFlags, ranges } = parts;
  const head = new Uint8Array(Report.SIZE);
  const noUpdate = bit(lockFlags, Tdisp.NO_FW_UPDATE_BIT) ? 1 << Report.NO_FW_UPDATE_BIT : 0;
  putU16(head, Report.INTERFACE_INFO, noUpdate | (1 << Report.DMA_WITHOUT_PASID_BIT));
  const msiX = vf === undefined && bit(lockFlags, Tdisp.LOCK_MSIX_BIT);
  putU16(head, Report.MSI_X_MESSAGE_CONTROL, msiX ? port.msiXMessageControl : 0);
  putU32(head, Report.MMIO_RANGE_COUNT, ranges.length);
  const body = ranges.map((range) => encode(range, parts));
  return join(head, ...body, le32(INFO.length), INFO);
}

function encode(range: MmioRange, { port, vf, reportingOffset }: ReportParts): Uint8Array {
  const octets = new Uint8Array(Range.SIZE);
  const base = vf === undefined ? port.barAddress(range.bar) : port.vfBarAddress(vf, range.bar);
  // The offset hides where the host mapped the BAR; it wraps as the register does.
  const page = BigInt.asUintN(64, (base ?? 0n) + reportingOffset) >> 12n;
  putU64(octets, Range.FIRST_4K_PAGE, page + BigInt(range.firstPage));
  putU32(octets, Range.NUM_4K_PAGES, range.pages);
  putU16(octets, Range.ATTRIBUTES, range.attributes);
  putU16(octets, Range.RANGE_ID, range.bar);
  return octets;
}

/** A report given by file must have the size its counts make. */
export function checkReport(report: Uint8Array, where: string): Uint8Array {
  const short = () =>
    new BadInput(`${where}: ${report.length} bytes, fewer than its range count makes`);
  if (report.length < Report.SIZE + 4) throw short();
  const count = u32(report, Report.MMIO_RANGE_COUNT);
  const at = Report.SIZE + count * Range.SIZE;
  if (at + 4 > report.length) throw short();
  const expected = at + 4 + u32(report, at);
  if (expected !== report.length || expected > 0xffff) {
    throw new BadInput(
      `${where}: ${report.length} bytes, expected ${hexWord(expected)} by its counts, at most 65535`,
    );
  }
  return report;
}
