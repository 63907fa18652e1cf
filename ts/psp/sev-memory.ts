// A SEV guest's memory as commands name it: places of the host's, in whole blocks of the cipher. SEV API (AMD 55766), 6.
import * as Status from "../abi/status.ts";
import type { Psp } from "./firmware.ts";
import { isCovered, mayWrite, placeOf } from "./memory.ts";
import type { SevGuest } from "./sev-guest.ts";

const BLOCK = 16;
/** What one command moves at most: Linux splits what is longer. */
export const MOST_BYTES = 0x4000_0000;

/** SUCCESS when a guest that is active has memory there; why not, otherwise. */
export function checkGuestMemory(
  psp: Psp,
  guest: SevGuest,
  paddr: bigint,
  length: number,
  writes: boolean,
): number {
  if (guest.asid === 0) return Status.INACTIVE;
  if (length === 0 || length % BLOCK !== 0 || length > MOST_BYTES) return Status.INVALID_LENGTH;
  const { spa } = placeOf(psp, paddr);
  if (spa % BigInt(BLOCK) !== 0n || !isCovered(psp.port, spa, length))
    return Status.INVALID_ADDRESS;
  return writes ? mayWrite(psp, paddr, length) : Status.SUCCESS;
}

/** What the guest has there. */
export function readGuest(psp: Psp, guest: SevGuest, paddr: bigint, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  psp.port.read(placeOf(psp, paddr).spa, guest.asid, bytes);
  return bytes;
}

export function writeGuest(psp: Psp, guest: SevGuest, paddr: bigint, from: Uint8Array): void {
  psp.port.write(placeOf(psp, paddr).spa, guest.asid, from);
}
