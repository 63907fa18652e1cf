// MSG_MMIO_VALIDATE_REQ: a guest validates pages of an interface's registers. Which page of memory each must be follows from the
// report, so no host can put another there. AMD 58271, a draft; spec digest sev-tio.md 5 and 6.
import * as Request from "../../abi/message-mmio-validate-req.ts";
import * as Response from "../../abi/message-mmio-validate-rsp.ts";
import * as Rmp from "../../abi/rmp.ts";
import * as Range from "../../abi/tdisp-mmio-range.ts";
import * as Told from "../../abi/tio-message.ts";
import { bitOf, isWellFormed, viewOf } from "../../layout.ts";
import type { ReportedRange } from "../../tsm/tdisp.ts";
import { pageAt } from "../page.ts";
import type { TdiCall } from "../tio/command.ts";
import { boundTo, echo, type TioAsked, type TioMessageEntry } from "./tio-entry.ts";

const FLAGS = (1 << Request.VALIDATED_BIT) | (1 << Request.FORCE_VALIDATED_BIT);
const NOT_THE_GUESTS =
  (1 << Range.MSI_X_TABLE_BIT) | (1 << Range.MSI_X_PBA_BIT) | (1 << Range.IS_NON_TEE_MEM_BIT);
const ECHOED = Request.VALIDATE_FLAGS;

export const mmioValidate: TioMessageEntry = {
  versions: 1,
  fits: (bytes) => bytes === Request.SIZE,
  run(asked) {
    const { view } = asked;
    const flags = view.getUint16(Request.VALIDATE_FLAGS, true);
    const found = pagesOf(asked, flags);
    const status = typeof found === "number" ? found : Told.VALIDATE_SUCCESS;
    const payload = echo(asked, Response.SIZE, status, ECHOED);
    const told = viewOf(payload);
    told.setUint16(Response.RANGE_ID, view.getUint16(Request.RANGE_ID, true), true);
    if (typeof found === "number") return { payload };
    const wanted = bitOf(flags, Request.VALIDATED_BIT);
    const changed = found.filter(({ validated }) => validated !== wanted);
    const bit = Number(changed.length > 0) << Response.CHANGED_BIT;
    told.setUint16(Response.CHANGE_FLAGS, bit, true);
    return { payload, apply: (call) => validate(call, changed, wanted) };
  },
};

interface MmioPage {
  spa: bigint;
  validated: boolean;
}

/** The pages asked for, or why they may not be validated. */
function pagesOf(asked: TioAsked, flags: number): MmioPage[] | number {
  const { view, call } = asked;
  const bound = isWellFormed(Request, view) && !(flags & ~FLAGS) ? boundTo(asked) : "invalid";
  if (bound !== "bound")
    return bound === "unbound" ? Told.VALIDATE_UNBOUND : Told.VALIDATE_INVALID_TDI;
  const id = view.getUint16(Request.RANGE_ID, true);
  const ranges = call.tdi.ranges.filter((each) => each.rangeId === id);
  if (ranges.length === 0) return Told.VALIDATE_NOT_REPORTED;
  const count = view.getUint32(Request.SUBRANGE_PAGE_COUNT, true);
  if (count === 0) return Told.VALIDATE_OUT_OF_RANGE;
  // The range begins where the first that has its id does: Linux's guests count from there.
  const start = ranges.map(({ firstPage }) => firstPage).reduce((a, b) => (a < b ? a : b));
  const first = start + BigInt(view.getUint32(Request.RANGE_OFFSET, true));
  const base = view.getBigUint64(Request.SUBRANGE_BASE, true);
  const pages: MmioPage[] = [];
  for (let i = 0n; i < BigInt(count); i++) {
    const page = mmioPage(asked, ranges, first + i, base + (i << 12n));
    if (typeof page === "number") return page;
    pages.push(page);
  }
  const [{ validated }] = pages as [MmioPage];
  const uniform = pages.every((page) => page.validated === validated);
  return uniform || bitOf(flags, Request.FORCE_VALIDATED_BIT) ? pages : Told.VALIDATE_NOT_UNIFORM;
}

/** One page: reported for the guest's use, in the MMIO window, and the guest's at this very gpa. */
function mmioPage(
  { call, asid }: TioAsked,
  ranges: readonly ReportedRange[],
  reported: bigint,
  gpa: bigint,
): MmioPage | number {
  const { psp, tio, tdi } = call;
  const isIn = ({ firstPage, pages }: ReportedRange) =>
    reported >= firstPage && reported < firstPage + BigInt(pages);
  const range = ranges.find(isIn);
  if (!range) return Told.VALIDATE_OUT_OF_RANGE;
  if (range.attributes & NOT_THE_GUESTS) return Told.VALIDATE_NOT_REPORTED;
  const spa = BigInt.asUintN(64, (reported << 12n) - tdi.reportingOffset);
  if (!tio.board?.isMmio(spa)) return Told.VALIDATE_NOT_IO;
  const page = pageAt(psp.port, spa);
  if (page.asid !== asid) return Told.VALIDATE_NOT_ASSIGNED;
  if (page.large) return Told.VALIDATE_NOT_4K;
  return page.gpa === gpa ? { spa, validated: page.validated } : Told.VALIDATE_NOT_MAPPED;
}

function validate({ psp, tio, page }: TdiCall, pages: readonly MmioPage[], wanted: boolean): void {
  const bit = 1n << BigInt(Rmp.VALIDATED_BIT);
  const known = tio.validated(page);
  for (const { spa } of pages) {
    const { low, high } = psp.port.rmp(spa);
    psp.port.setRmp(spa, wanted ? low | bit : low & ~bit, high);
    if (wanted) known.add(spa);
    else known.delete(spa);
  }
}
