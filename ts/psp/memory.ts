// The addresses in command buffers: where they lie, under which key the host has them, and whether the firmware may write there.
import * as Frame from "../abi/frame.ts";
import * as Status from "../abi/status.ts";
import type { FirmwarePort } from "../port.ts";
import type { Psp } from "./firmware.ts";
import { pageAt } from "./page.ts";

/** A place in memory: the address without its C-bit, and the key the host's bytes there are under. */
export interface Place {
  spa: bigint;
  key: number;
}

/** Key slot of the host's SME key. */
const SME = 0;
export const PAGE = 0x1000;
export const LARGE = 0x20_0000;

/** Where an address of the host points: with the C-bit set, to memory under the SME key. Linux: __psp_pa. */
export function placeOf({ cBit }: Psp, paddr: bigint): Place {
  if (cBit && paddr & cBit) return { spa: paddr & ~cBit, key: SME };
  return { spa: paddr, key: Frame.RAW };
}

/** Whether `bytes` from an address on are all memory. */
export function isCovered(port: FirmwarePort, spa: bigint, bytes: number): boolean {
  return bytes === 0 || (port.covered(spa) && port.covered(spa + BigInt(bytes - 1)));
}

/** A page of the host's, by address: its place, or INVALID_ADDRESS for one that is no page of memory. */
export function pagePlace(psp: Psp, paddr: bigint, bytes: number = PAGE): Place | undefined {
  const place = placeOf(psp, paddr);
  if (place.spa % BigInt(bytes) !== 0n || !isCovered(psp.port, place.spa, bytes)) return undefined;
  return place;
}

/** Reads what the host has at an address; undefined where there is no memory. */
export function readHost(psp: Psp, paddr: bigint, bytes: number): Uint8Array | undefined {
  const { spa, key } = placeOf(psp, paddr);
  if (!isCovered(psp.port, spa, bytes)) return undefined;
  const into = new Uint8Array(bytes);
  return psp.port.read(spa, key, into) ? into : undefined;
}

/** Why the firmware may not write at an address of the host's, or SUCCESS. With SNP initialised each page must be a Firmware
 *  page, for anything else could be a guest's or an accident. Spec digest psp-mailbox-commands.md 8. */
export function mayWrite(psp: Psp, paddr: bigint, bytes: number): number {
  const { spa } = placeOf(psp, paddr);
  if (!isCovered(psp.port, spa, bytes)) return Status.INVALID_ADDRESS;
  if (!psp.platform.isSnpInit) return Status.SUCCESS;
  for (let at = spa & ~0xfffn; at < spa + BigInt(bytes); at += BigInt(PAGE)) {
    if (pageAt(psp.port, at).state !== "firmware") return Status.INVALID_PAGE_STATE;
  }
  return Status.SUCCESS;
}

/** For commands that say a length and get it back: INVALID_LENGTH with what is needed, or `make` is written. Undefined: done. */
export function writeSized(
  psp: Psp,
  buffer: DataView,
  paddrAt: number,
  lengthAt: number,
  bytes: number,
  make: () => Uint8Array,
): number | undefined {
  const given = buffer.getUint32(lengthAt, true);
  buffer.setUint32(lengthAt, bytes, true);
  if (given < bytes) return Status.INVALID_LENGTH;
  const paddr = buffer.getBigUint64(paddrAt, true);
  const status = mayWrite(psp, paddr, bytes);
  if (status !== Status.SUCCESS) return status;
  writeHost(psp, paddr, make());
  return undefined;
}

/** Writes for the host at an address that mayWrite allowed. */
export function writeHost(psp: Psp, paddr: bigint, from: Uint8Array): void {
  const { spa, key } = placeOf(psp, paddr);
  psp.port.write(spa, key, from);
}
