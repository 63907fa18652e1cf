// Scatter list addresses: one page, or a page full of pages' addresses. AMD 58271 5.1; Linux sev-dev-tio.c.

import * as Sla from "../../abi/psp/sla.ts";
import * as Tio from "../../abi/psp/tio-values.ts";
import * as Status from "../../abi/status.ts";
import { bitOf, viewOf } from "../../layout.ts";
import type { PageState } from "../../rmp.ts";
import type { Psp } from "../firmware.ts";
import { LARGE, PAGE, type Place, pagePlace, readHost } from "../memory.ts";
import { pageAt } from "../page.ts";

const PFN = ((1n << BigInt(Sla.PFN_WIDTH)) - 1n) << BigInt(Sla.PFN_LSB);
const END = PFN;
const TYPE = (1n << BigInt(Sla.PAGE_TYPE_SCATTER_BIT)) | (1n << BigInt(Sla.PAGE_SIZE_2M_BIT));

/** The 4 KiB pages that an address names, or why it names none. A list is read once, as it stands then. */
export function pagesOf(psp: Psp, sla: bigint): Place[] | number {
  if (sla & ~(PFN | TYPE)) return Status.INVALID_PARAM;
  if (!bitOf(sla, Sla.PAGE_TYPE_SCATTER_BIT)) return dataPage(psp, sla);
  if (bitOf(sla, Sla.PAGE_SIZE_2M_BIT)) return Status.INVALID_PARAM;
  const list = readHost(psp, sla & PFN, PAGE);
  if (!list) return Status.INVALID_ADDRESS;
  const pages: Place[] = [];
  for (let i = 0; i < Tio.LIST_ENTRIES; i++) {
    const entry = viewOf(list).getBigUint64(i * Sla.SIZE, true);
    if (entry === END) return pages.length > 0 ? pages : Status.INVALID_PARAM;
    // A list names pages, not lists; of 4 KiB, as Linux makes them.
    if (entry & ~PFN) return Status.INVALID_PARAM;
    const place = pagePlace(psp, entry);
    if (!place || entry === 0n) return Status.INVALID_ADDRESS;
    pages.push(place);
  }
  return Status.INVALID_PARAM;
}

function dataPage(psp: Psp, sla: bigint): Place[] | number {
  const bytes = bitOf(sla, Sla.PAGE_SIZE_2M_BIT) ? LARGE : PAGE;
  const place = pagePlace(psp, sla & PFN, bytes);
  if (!place || (sla & PFN) === 0n) return Status.INVALID_ADDRESS;
  const { spa, key } = place;
  return Array.from({ length: bytes / PAGE }, (_, i) => ({ spa: spa + BigInt(i * PAGE), key }));
}

/** The one page of a context, or why there is none. Whose it is its opener says. */
export function contextPage(psp: Psp, sla: bigint): bigint | number {
  const pages = pagesOf(psp, sla);
  if (typeof pages === "number") return pages;
  const [page, second] = pages as [Place, Place | undefined];
  return second ? Status.INVALID_PAGE_SIZE : page.spa;
}

/** Whether all pages are in a state of the RMP: SUCCESS or INVALID_PAGE_STATE. */
export function allAre(psp: Psp, pages: readonly Place[], state: PageState): number {
  const all = pages.every(({ spa }) => pageAt(psp.port, spa).state === state);
  return all ? Status.SUCCESS : Status.INVALID_PAGE_STATE;
}

type Piece = (place: Place, from: number, bytes: number) => void;

function eachPiece(pages: readonly Place[], at: number, bytes: number, act: Piece): void {
  for (let done = 0; done < bytes; ) {
    const place = pages[Math.floor((at + done) / PAGE)] as Place;
    const within = (at + done) % PAGE;
    const piece = Math.min(PAGE - within, bytes - done);
    act({ spa: place.spa + BigInt(within), key: place.key }, done, piece);
    done += piece;
  }
}

/** Reads across pages; they must be long enough. */
export function readPages(
  psp: Psp,
  pages: readonly Place[],
  at: number,
  bytes: number,
): Uint8Array {
  const into = new Uint8Array(bytes);
  eachPiece(pages, at, bytes, ({ spa, key }, from, piece) =>
    psp.port.read(spa, key, into.subarray(from, from + piece)),
  );
  return into;
}

export function writePages(psp: Psp, pages: readonly Place[], at: number, bytes: Uint8Array): void {
  eachPiece(pages, at, bytes.length, ({ spa, key }, from, piece) =>
    psp.port.write(spa, key, bytes.subarray(from, from + piece)),
  );
}
