// A probe on the memory chips: what a cold-boot attack, an interposer or a BMC reads and writes. Bytes within one page.
import * as Frame from "../ts/abi/frame";
import { OFFSET, pageOf } from "./address";
import { bytesOf, directoryEntry, isDram } from "./dram";
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
