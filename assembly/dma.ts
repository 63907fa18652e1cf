// A device's reads and writes: IOMMU, RMP, plaintext, cipher, DRAM; the same road as a guest's access.
import * as Events from "../ts/abi/events";
import { OFFSET, pageOf } from "./address";
import { bytesOf } from "./dram";
import { count } from "./events";
import { deviceKey, translate } from "./iommu";
import { open, openForWrite } from "./page";
import { READ, WRITE } from "./tlb";
import { spa } from "./nested";

/** Copies `bytes` within one page at `gpa` to a linear address. `via` as in the IOMMU. */
export function dmaRead(rid: u32, via: u32, gpa: u64, bytes: u32, to: usize): bool {
  if (!translate(rid, gpa, READ, via)) return false;
  const frame = open(pageOf(spa), deviceKey);
  if (!frame) return false;
  memory.copy(to, bytesOf(frame) + (usize(spa) & OFFSET), bytes);
  count(Events.BYTES_DMA, bytes);
  return true;
}

/** Copies `bytes` within one page from a linear address to `gpa`. */
export function dmaWrite(rid: u32, via: u32, gpa: u64, bytes: u32, from: usize): bool {
  if (!translate(rid, gpa, WRITE, via)) return false;
  const offset = u32(spa) & OFFSET;
  const frame = openForWrite(pageOf(spa), deviceKey, offset, bytes);
  if (!frame) return false;
  memory.copy(bytesOf(frame) + offset, from, bytes);
  count(Events.BYTES_DMA, bytes);
  return true;
}
