// The secure processor's own road to memory: any key, no RMP check on its accesses, and RMP entries as it decides them.
// What it may do with them is the firmware's business (ts/psp/).
import * as Memory from "../ts/abi/memory";
import * as Rmp from "../ts/abi/rmp";
import * as Slot from "../ts/abi/slot";
import * as State from "../ts/abi/state";
import { bit, LARGE_PAGES, OFFSET, PAGE, pageOf } from "./address";
import { forgetChecksum, noteChecksum } from "./world/checksum";
import { bytesOf, isDram } from "./dram";
import { hostFault } from "./exit";
import { open, openForWrite, settle } from "./page";
import { governing, headOf, highOf, lowOf, makeEntry, put } from "./rmp";
import { isOwnRmp } from "./rmp-init";
import { isCovered } from "./rmp-table";
import { flushTlb } from "./tlb";

/** Copies `bytes` within one page, decrypted under a key slot (Frame.RAW: as they are), to a linear address. */
export function pspRead(spa: u64, key: u32, bytes: u32, to: usize): bool {
  if (!isDram(pageOf(spa))) return hostFault(0, spa);
  const frame = open(pageOf(spa), key);
  if (!frame) return false;
  memory.copy(to, bytesOf(frame) + (usize(spa) & OFFSET), bytes);
  return true;
}

/** Copies `bytes` within one page from a linear address, encrypted under a key slot. */
export function pspWrite(spa: u64, key: u32, bytes: u32, from: usize): bool {
  if (!isDram(pageOf(spa))) return hostFault(0, spa);
  const offset = u32(spa) & OFFSET;
  const frame = openForWrite(pageOf(spa), key, offset, bytes);
  if (!frame) return false;
  memory.copy(bytesOf(frame) + offset, from, bytes);
  return true;
}

/** Notes the checksum of a SEV-ES guest's VMSA: from now on only #VMEXIT changes it. False when out of frames or rows. */
export function noteVmsa(spa: u64, asid: u32): bool {
  const page = pageOf(spa);
  const frame = open(page, asid);
  return frame != 0 && noteChecksum(page, bytesOf(frame));
}

/** A SEV-ES guest's VMSA is no more. */
export function forgetVmsa(spa: u64): void {
  forgetChecksum(pageOf(spa));
}

/** The low quadword of the RMP entry of a page. */
export function rmpLow(spa: u64): u64 {
  return lowOf(pageOf(spa));
}

/** The high quadword of the RMP entry of a page. */
export function rmpHigh(spa: u64): u64 {
  return highOf(pageOf(spa));
}

/** Sets the RMP entry of a page. False when the page is not covered or the RMP's own, or no frame is left. */
export function setRmp(spa: u64, low: u64, high: u64): bool {
  const page = pageOf(spa);
  if (!isCovered(page) || isOwnRmp(page)) return false;
  if (!makeEntry(headOf(page)) || !makeEntry(page)) return false;
  const large = bit(low | lowOf(governing(page)), Rmp.PAGE_SIZE_BIT);
  const pages = large ? LARGE_PAGES : 1;
  const first = large ? headOf(page) : page;
  for (let i: u32 = 0; i < pages; i++) settle(first + i);
  put(page, low, high);
  return true;
}

/** Whether the machine has memory at an address. */
export function covered(spa: u64): bool {
  return isDram(pageOf(spa));
}

/** SNP_INIT turns the RMP's checks on, SNP_SHUTDOWN_EX off. */
export function enforceRmp(on: bool): void {
  store<u32>(Memory.STATE, u32(on), State.SNP_ENABLED);
  flushTlb();
}

/** CIPHERTEXT_HIDING_EN: the host reads ones where a guest's private memory is. */
export function hideCiphertext(on: bool): void {
  store<u32>(Memory.STATE, u32(on), State.CIPHERTEXT_HIDING);
}
