// Key slots of the memory controllers: one per ASID, slot 0 for the host's SME key. Written by the firmware only.
import * as Frame from "../ts/abi/frame";
import * as Memory from "../ts/abi/memory";
import * as Slot from "../ts/abi/slot";
import { permute, slice, spread } from "./aes/arrange";
import { expand, invert, roundsOf } from "./aes/schedule";
import { flushAsid } from "./tlb";

/** The slot of an ASID. */
export function slotOf(asid: u32): usize {
  return Memory.SLOTS + usize(asid) * Slot.SIZE;
}

/** Loads a key of 16 or 32 bytes for the blocks, and another for the tweak of XTS. Never while a frame is open under the slot. */
export function installKey(asid: u32, key: usize, tweakKey: usize, keyBytes: u32): void {
  const slot = slotOf(asid);
  loadKey(slot, key, tweakKey, keyBytes);
  store<u32>(slot, 0, Slot.XTS);
  store<u32>(slot, Slot.ACTIVE, Slot.STATE);
}

/** A slot's pages are enciphered in XTS, whatever the platform's mode is. */
export function setXts(asid: u32): void {
  store<u32>(slotOf(asid), 1, Slot.XTS);
}

/** Expands a key into every form the kernels want. */
export function loadKey(slot: usize, key: usize, tweakKey: usize, keyBytes: u32): void {
  const rounds = roundsOf(keyBytes);
  store<u32>(slot, u32(rounds), Slot.ROUNDS);
  expand(key, keyBytes, slot + Slot.ENCRYPT);
  invert(slot + Slot.ENCRYPT, rounds, slot + Slot.DECRYPT);
  expand(tweakKey, keyBytes, slot + Slot.XTS_TWEAK);
  slice(slot + Slot.ENCRYPT, rounds, slot + Slot.SLICED_ENCRYPT, false);
  slice(slot + Slot.ENCRYPT, rounds, slot + Slot.SLICED_DECRYPT, true);
  permute(slot + Slot.ENCRYPT, rounds, slot + Slot.PERMUTED_ENCRYPT, false);
  permute(slot + Slot.DECRYPT, rounds, slot + Slot.PERMUTED_DECRYPT, true);
  spread(slot + Slot.ENCRYPT, rounds, slot + Slot.SPREAD_ENCRYPT);
  spread(slot + Slot.DECRYPT, rounds, slot + Slot.SPREAD_DECRYPT);
}

/** Unbinds a slot. The key itself goes when the last frame open under it is closed. */
export function removeKey(asid: u32): void {
  const slot = slotOf(asid);
  store<u32>(slot, Slot.LEAVING, Slot.STATE);
  flushAsid(asid);
  eraseIfIdle(slot);
}

/** Slot.EMPTY, ACTIVE or LEAVING. */
export function slotState(asid: u32): u32 {
  return load<u32>(slotOf(asid), Slot.STATE);
}

/** A frame was opened under a key. */
export function frameOpened(key: u32): void {
  if (key == Frame.RAW) return;
  const slot = slotOf(key);
  store<u32>(slot, load<u32>(slot, Slot.OPEN_FRAMES) + 1, Slot.OPEN_FRAMES);
}

/** A frame that was open under a key was closed. */
export function frameClosed(key: u32): void {
  if (key == Frame.RAW) return;
  const slot = slotOf(key);
  store<u32>(slot, load<u32>(slot, Slot.OPEN_FRAMES) - 1, Slot.OPEN_FRAMES);
  eraseIfIdle(slot);
}

function eraseIfIdle(slot: usize): void {
  if (load<u32>(slot, Slot.STATE) != Slot.LEAVING) return;
  if (load<u32>(slot, Slot.OPEN_FRAMES) != 0) return;
  memory.fill(slot, 0, Slot.SIZE);
}
