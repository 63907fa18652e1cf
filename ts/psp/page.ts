// RMP page states as the firmware tells them apart and makes them. SNP firmware ABI (AMD 56860), 5; spec digest rmp.md 3.
import * as Rmp from "../abi/rmp.ts";
import type { FirmwarePort } from "../port.ts";
import { type PageState, pageState, rmpEntry } from "../rmp.ts";

/** An RMP entry, taken apart. */
export interface Page {
  state: PageState;
  asid: number;
  gpa: bigint;
  large: boolean;
  vmsa: boolean;
  validated: boolean;
  /** A byte per VMPL, VMPL0 lowest. */
  permissions: bigint;
}

const PAGE = 0x1000n;
const LARGE = 0x20_0000n;
const bit = (position: number) => 1n << BigInt(position);

/** The state of the page at an address. Inside a 2 MiB entry, the first entry of the region speaks for all. */
export function pageAt(port: FirmwarePort, spa: bigint): Page {
  const head = port.rmp(spa & ~(LARGE - 1n));
  const first = rmpEntry(head);
  const large = first.assigned && first.large;
  const raw = large ? head : port.rmp(spa);
  const entry = rmpEntry(raw);
  const within = large ? spa & (LARGE - 1n) & ~(PAGE - 1n) : 0n;
  return {
    state: pageState(entry),
    asid: entry.asid,
    gpa: entry.gpa + within,
    large,
    vmsa: entry.vmsa,
    validated: entry.validated,
    permissions: raw.high,
  };
}

/** What an entry is to be. Absent fields are 0. */
export interface Entry {
  immutable?: boolean;
  asid?: number;
  gpa?: bigint;
  large?: boolean;
  vmsa?: boolean;
  validated?: boolean;
  permissions?: bigint;
}

/** Writes an assigned entry. False when the page is not covered. */
export function setPage(port: FirmwarePort, spa: bigint, entry: Entry): boolean {
  const low =
    bit(Rmp.ASSIGNED_BIT) |
    flag(entry.large, Rmp.PAGE_SIZE_BIT) |
    flag(entry.immutable, Rmp.IMMUTABLE_BIT) |
    (((entry.gpa ?? 0n) >> 12n) << BigInt(Rmp.GPA_LSB)) |
    (BigInt(entry.asid ?? 0) << BigInt(Rmp.ASID_LSB)) |
    flag(entry.vmsa, Rmp.VMSA_BIT) |
    flag(entry.validated, Rmp.VALIDATED_BIT);
  return port.setRmp(spa, low, entry.permissions ?? 0n);
}

const flag = (on: boolean | undefined, position: number) => (on ? bit(position) : 0n);

/** Makes a page HV-Fixed: no one's, and RMPUPDATE refused. */
export function fixPage(port: FirmwarePort, spa: bigint): boolean {
  return port.setRmp(spa, bit(Rmp.IMMUTABLE_BIT), 0n);
}

/** A guest's page of 4 KiB is no longer validated. What is not the guest's stays as it is. */
export function clearValidated(port: FirmwarePort, spa: bigint, asid: number): void {
  const page = pageAt(port, spa);
  if (page.asid !== asid || asid === 0 || page.large || !page.validated) return;
  const { low, high } = port.rmp(spa);
  port.setRmp(spa, low & ~bit(Rmp.VALIDATED_BIT), high);
}
