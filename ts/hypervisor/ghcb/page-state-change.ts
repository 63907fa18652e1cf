// Page state changes: a batch in the scratch area, progress written into it. AMD 56421, 4.1.6; KVM snp_begin_psc.
import * as Layout from "../../abi/ghcb.ts";
import * as Psc from "../../abi/page-state-change.ts";
import type { Outcome } from "../exits.ts";
import { refuse } from "./page.ts";
import { type Scratch, scratchOf } from "./scratch.ts";
import type { Event } from "./state.ts";

const SMALL_PAGES = 512;
const ALL = Psc.SIZE + Psc.ENTRIES * Psc.ENTRY_SIZE;
const HIGH = 32n;

const field = (entry: bigint, lsb: number, width: number) =>
  (entry >> BigInt(lsb)) & ((1n << BigInt(width)) - 1n);

const invalid = (why: number) => (BigInt(Psc.INVALID) << HIGH) | BigInt(why);
const GENERIC = BigInt(Psc.GENERIC) << HIGH;

export function pageStateChange(event: Event): Outcome {
  const { page } = event;
  // As much as there can be: the whole buffer within the GHCB, the header first elsewhere.
  const scratch = headerOf(event);
  if (!scratch) return refuse(page, Layout.INVALID_SCRATCH);
  const view = new DataView(scratch.bytes.buffer, scratch.bytes.byteOffset, scratch.bytes.length);
  const result = changeAll(event, view);
  if (!scratch.store()) return refuse(page, Layout.INVALID_SCRATCH);
  page.answer(0n, result);
  return "runs";
}

/** The header and the entries it speaks of; a header that speaks of more than there can be, alone. */
function headerOf(event: Event): Scratch | undefined {
  const header = scratchOf(event, Psc.SIZE);
  if (!header) return undefined;
  const end = new DataView(header.bytes.buffer, header.bytes.byteOffset).getUint16(
    Psc.END_ENTRY,
    true,
  );
  if (end >= Psc.ENTRIES) return header;
  // Entries that reach past the area make the header invalid, not the area.
  return scratchOf(event, Math.min(ALL, Psc.SIZE + (end + 1) * Psc.ENTRY_SIZE)) ?? header;
}

/** Does the entries from CUR_ENTRY to END_ENTRY. Answers SW_EXITINFO2. */
function changeAll({ vm }: Event, view: DataView): bigint {
  const first = view.getUint16(Psc.CUR_ENTRY, true);
  const last = view.getUint16(Psc.END_ENTRY, true);
  if (last >= Psc.ENTRIES) return invalid(Psc.INVALID_HEADER);
  if (Psc.SIZE + (last + 1) * Psc.ENTRY_SIZE > view.byteLength && first <= last)
    return invalid(Psc.INVALID_HEADER);
  for (let index = first; index <= last; index++) {
    const at = Psc.SIZE + index * Psc.ENTRY_SIZE;
    const entry = view.getBigUint64(at, true);
    const pages = field(entry, Psc.PAGE_SIZE_BIT, 1) ? SMALL_PAGES : 1;
    const done = Number(field(entry, Psc.CUR_PAGE_LSB, Psc.CUR_PAGE_WIDTH));
    const gfn = field(entry, Psc.GFN_LSB, Psc.GFN_WIDTH);
    if (done > pages || gfn % BigInt(pages) !== 0n) return invalid(Psc.INVALID_ENTRY);
    if (!changeOne(vm, entry, gfn, done, pages)) return GENERIC;
    view.setBigUint64(at, (entry & ~CUR_PAGE) | BigInt(pages), true);
    view.setUint16(Psc.CUR_ENTRY, index + 1, true);
  }
  return 0n;
}
const CUR_PAGE = (1n << BigInt(Psc.CUR_PAGE_WIDTH)) - 1n;

/** What is left of one entry. Hints, and what nobody knows, count as done. */
function changeOne(
  vm: Event["vm"],
  entry: bigint,
  gfn: bigint,
  done: number,
  pages: number,
): boolean {
  const operation = Number(field(entry, Psc.OPERATION_LSB, Psc.OPERATION_WIDTH));
  if (operation !== Psc.PRIVATE && operation !== Psc.SHARED) return true;
  const shared = operation === Psc.SHARED;
  // A large entry that was begun is split already.
  if (pages > 1 && done === 0) return vm.setPageState(gfn << 12n, true, shared);
  for (let index = done; index < pages; index++)
    if (!vm.setPageState((gfn + BigInt(index)) << 12n, false, shared)) return false;
  return true;
}
