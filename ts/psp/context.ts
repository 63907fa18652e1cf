// The RMP states of a guest context page. Spec digest rmp.md 3.
import * as Rmp from "../abi/rmp.ts";
import * as Status from "../abi/status.ts";
import type { FirmwarePort } from "../port.ts";
import type { Guest, Guests } from "./asids.ts";

const bit = (position: number) => 1n << BigInt(position);
const FIRMWARE = bit(Rmp.ASSIGNED_BIT) | bit(Rmp.IMMUTABLE_BIT);
const CONTEXT = FIRMWARE | bit(Rmp.VMSA_BIT);
// Set by hardware in entries that the firmware has written; no part of the state.
const IGNORED =
  bit(Rmp.LOCK_BIT) |
  (((1n << BigInt(Rmp.SUBPAGE_COUNT_WIDTH)) - 1n) << BigInt(Rmp.SUBPAGE_COUNT_LSB));

/** Makes a Firmware page the context of a new SNP guest. Answers the guest, or the status of a page in another state. */
export function createContext(port: FirmwarePort, guests: Guests, gctx: bigint): Guest | number {
  if (gctx & 0xfffn) return Status.INVALID_ADDRESS;
  if ((port.rmp(gctx).low & ~IGNORED) !== FIRMWARE) return Status.INVALID_PAGE_STATE;
  if (!port.setRmp(gctx, CONTEXT, 0n)) return Status.INVALID_ADDRESS;
  return guests.admit("snp", gctx);
}

/** Gives a context page back to the Firmware state. */
export function markFirmware(port: FirmwarePort, gctx: bigint): void {
  port.setRmp(gctx, FIRMWARE, 0n);
}
