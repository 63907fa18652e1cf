// MSG_MMIO_CONFIG_REQ: a guest reads the attributes of a range of registers, or makes it shared or private. AMD 58271, a draft;
// TDISP 1.0, 11.3.19.
import * as Request from "../../abi/message-mmio-config-req.ts";
import * as Response from "../../abi/message-mmio-config-rsp.ts";
import * as Range from "../../abi/tdisp-mmio-range.ts";
import * as Told from "../../abi/tio-message.ts";
import { bitOf, bufferOf, isWellFormed, viewOf } from "../../layout.ts";
import { type Exchange, PeerRefusal } from "../../spdm/exchange.ts";
import type { ReportedRange } from "../../tsm/tdisp.ts";
import type { Session } from "../tio/tio.ts";
import {
  boundTo,
  echo,
  type TioAnswered,
  type TioAsked,
  type TioMessageEntry,
} from "./tio-entry.ts";

const NON_TEE = 1 << Range.IS_NON_TEE_MEM_BIT;

export const mmioConfig: TioMessageEntry = {
  versions: 1,
  fits: (bytes) => bytes === Request.SIZE,
  run(asked) {
    const { view, call } = asked;
    const id = view.getUint16(Request.RANGE_ID, true);
    const flags = view.getUint16(Request.CONFIG_FLAGS, true);
    const write = view.getUint32(Request.WRITE, true);
    const inOrder = isWellFormed(Request, view) && !(flags & ~NON_TEE) && write <= 1;
    const bound = inOrder ? boundTo(asked) : "invalid";
    if (bound === "invalid") return answer(asked, Told.CONFIG_INVALID_TDI, 0);
    if (bound === "unbound") return answer(asked, Told.CONFIG_UNBOUND, 0);
    const ranges = call.tdi.ranges.filter((range) => range.rangeId === id);
    const [first] = ranges;
    if (!first) return answer(asked, Told.CONFIG_NOT_REPORTED, 0);
    if (!write) return answer(asked, Told.CONFIG_SUCCESS, first.attributes);
    return change(asked, ranges, flags);
  },
};

function answer(asked: TioAsked, status: number, attributes: number): TioAnswered {
  const payload = echo(asked, Response.SIZE, status);
  const view = viewOf(payload);
  view.setUint16(Response.CONFIG_FLAGS, attributes, true);
  view.setUint16(Response.RANGE_ID, asked.view.getUint16(Request.RANGE_ID, true), true);
  view.setUint32(Response.WRITE, asked.view.getUint32(Request.WRITE, true), true);
  return { payload };
}

/** Every updatable range of that id. */
function* change(
  asked: TioAsked,
  ranges: readonly ReportedRange[],
  flags: number,
): Exchange<TioAnswered> {
  const { tdi, live } = asked.call;
  const { tdisp } = live.session as Session;
  const isUpdatable = ({ attributes }: ReportedRange) =>
    bitOf(attributes, Range.IS_MEM_ATTR_UPDATABLE_BIT);
  const changed = new Map<ReportedRange, ReportedRange>();
  try {
    for (const range of ranges.filter(isUpdatable)) {
      const attributes = (range.attributes & ~NON_TEE) | flags;
      const wanted = { ...range, attributes };
      yield* tdisp.setMmioAttribute(tdi.functionId, octetsOf(wanted));
      changed.set(range, wanted);
    }
  } catch (error) {
    if (!(error instanceof PeerRefusal)) throw error;
  }
  const now = tdi.ranges.map((range) => changed.get(range) ?? range);
  const [told] = changed.values();
  const status = told ? Told.CONFIG_SUCCESS : Told.CONFIG_NOT_CHANGED;
  const attributes = told ?? (ranges[0] as ReportedRange);
  return {
    ...answer(asked, status, attributes.attributes),
    apply: ({ tio, page, tdi: kept }) => tio.saveTdi(page, { ...kept, ranges: now }),
  };
}

const octetsOf = ({ firstPage, pages, attributes, rangeId }: ReportedRange): Uint8Array =>
  bufferOf(Range, {
    FIRST_4K_PAGE: firstPage,
    NUM_4K_PAGES: pages,
    ATTRIBUTES: attributes,
    RANGE_ID: rangeId,
  });
