// A probe on the memory chips: what a cold-boot attack, an interposer or a BMC reads and writes. Bytes within one page.
import * as Frame from "../ts/abi/frame";
import * as Memory from "../ts/abi/memory";
import * as State from "../ts/abi/state";
import { LARGE_PAGES, OFFSET, pageOf } from "./address";
import { bytesOf, directoryEntry, dramFrame, infoOf, isDram, openFrame } from "./dram";
import { hostFault } from "./exit";
import { close, openForWrite, peek } from "./page";
import { probeRmp } from "./rmp";

/** Reads the chips as if dirty lines had just been written back. Changes nothing. */
export function dimmRead(spa: u64, bytes: u32, to: usize): bool {
  if (!isDram(pageOf(spa))) return hostFault(0, spa);
  peek(pageOf(spa), u32(spa) & OFFSET, bytes, to);
  return true;
}

/** Alters the chips: what was in the caches is written back first, then the bytes change beneath it. No check sees it. */
export function dimmWrite(spa: u64, bytes: u32, from: usize): bool {
  const page = pageOf(spa);
  if (!isDram(page)) return hostFault(0, spa);
  if (!probeRmp(page, -1)) return false;
  const offset = u32(spa) & OFFSET;
  const frame = openForWrite(page, Frame.RAW, offset, bytes);
  if (!frame) return false;
  memory.copy(bytesOf(frame) + offset, from, bytes);
  close(directoryEntry(page));
  return probeRmp(page, 1);
}

/** The first page from `page` on of which the chips hold something, or would after a write-back; else the number of pages. */
export function nextHeld(page: u32): u32 {
  const pages = load<u32>(Memory.STATE, State.DRAM_PAGES);
  while (page < pages) {
    const entry = directoryEntry(page);
    if (entry && isHeld(entry)) return page;
    // Nothing was ever kept of these 2 MiB.
    page = entry ? page + 1 : (page | (LARGE_PAGES - 1)) + 1;
  }
  return pages;
}

function isHeld(entry: usize): bool {
  if (dramFrame(entry)) return true;
  const open = openFrame(entry);
  return open != 0 && load<u64>(infoOf(open), Frame.DIRTY) != 0;
}
