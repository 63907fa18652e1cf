// The host's own loads and stores: by system physical address, with the C-bit (the SME key) or without, stores RMP-checked.
// APM vol. 2, table 15-39; spec digest rmp.md 5.
import * as Exit from "../ts/abi/exit";
import * as Frame from "../ts/abi/frame";
import * as Memory from "../ts/abi/memory";
import * as Rmp from "../ts/abi/rmp";
import * as State from "../ts/abi/state";
import { bit, mask, OFFSET, PAGE, pageOf } from "./address";
import { bytesOf, isDram, isMmio } from "./dram";
import { hostFault, mmioAccess } from "./exit";
import { open, openForWrite } from "./page";
import { asidOf, governing, isEnabled, isHypervisorOwned, lowOf } from "./rmp";

function keyOf(encrypted: bool): u32 {
  return encrypted ? 0 : Frame.RAW;
}

/** Whether the host sees ones instead of a page: a guest's private memory, with ciphertext hiding. Spec digest aes-engine.md 4. */
function isHidden(page: u32): bool {
  if (!load<u32>(Memory.STATE, State.CIPHERTEXT_HIDING)) return false;
  const low = lowOf(governing(page));
  return bit(low, Rmp.ASSIGNED_BIT) && asidOf(low) != 0;
}

/** Bytes from an spa to the end of its page. */
function roomAt(spa: u64): u32 {
  return PAGE - (u32(spa) & OFFSET);
}

/** Copies `bytes` (1 to 4096) to a linear address. Reads are never refused: they show ciphertext, or ones where it is hidden. */
export function hostRead(spa: u64, encrypted: bool, bytes: u32, to: usize): bool {
  const room = roomAt(spa);
  if (bytes > room) {
    const first = hostRead(spa, encrypted, room, to);
    return first && hostRead(spa + room, encrypted, bytes - room, to + room);
  }
  const page = pageOf(spa);
  if (isMmio(page)) return mmioAccess(false, false, bytes, spa);
  if (!isDram(page)) return hostFault(0, spa);
  if (isHidden(page)) {
    memory.fill(to, 0xff, bytes);
    return true;
  }
  const frame = open(page, keyOf(encrypted));
  if (!frame) return false;
  memory.copy(to, bytesOf(frame) + (usize(spa) & OFFSET), bytes);
  return true;
}

/** Copies `bytes` (1 to 4096) from a linear address, up to a page of a guest or of the firmware: refused with #PF.RMP. */
export function hostWrite(spa: u64, encrypted: bool, bytes: u32, from: usize): bool {
  const room = roomAt(spa);
  if (bytes > room) {
    const first = hostWrite(spa, encrypted, room, from);
    return first && hostWrite(spa + room, encrypted, bytes - room, from + room);
  }
  const to = hostPlace(spa, encrypted, bytes);
  if (to) memory.copy(to, from, bytes);
  return to != 0;
}

/** Where the host may write `bytes` within one page; 0 when refused. */
export function hostPlace(spa: u64, encrypted: bool, bytes: u32): usize {
  const page = pageOf(spa);
  if (!isDram(page) && !isMmio(page)) {
    hostFault(mask(Exit.WRITE_BIT), spa);
    return 0;
  }
  if (isEnabled() && !isHypervisorOwned(page, false)) {
    hostFault(mask(Exit.PRESENT_BIT) | mask(Exit.WRITE_BIT) | mask(Exit.RMP_BIT), spa);
    return 0;
  }
  if (isMmio(page)) {
    mmioAccess(false, true, bytes, spa);
    return 0;
  }
  const offset = u32(spa) & OFFSET;
  const frame = openForWrite(page, keyOf(encrypted), offset, bytes);
  return frame ? bytesOf(frame) | offset : 0;
}
