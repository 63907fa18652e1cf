// RMP page states as the firmware tells them apart and makes them. SNP firmware ABI (AMD 56860), 5; spec digest rmp.md 3.
import * as Rmp from "../abi/rmp.ts";
import type { FirmwarePort } from "../port.ts";
import { bitOf } from "./layout.ts";

export type PageState =
  | "default"
  | "hypervisor"
  | "hv-fixed"
  | "firmware"
  | "reclaim"
  | "context"
  | "metadata"
  | "pre-guest"
  | "pre-swap"
  | "guest-invalid"
  | "guest-valid";

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
const field = (word: bigint, lsb: number, width: number) =>
  (word >> BigInt(lsb)) & (bit(width) - 1n);

/** The state of the page at an address. Inside a 2 MiB entry, the first entry of the region speaks for all. */
export function pageAt(port: FirmwarePort, spa: bigint): Page {
  const head = port.rmp(spa & ~(LARGE - 1n));
  const large = bitOf(head.low, Rmp.ASSIGNED_BIT) && bitOf(head.low, Rmp.PAGE_SIZE_BIT);
  const { low, high } = large ? head : port.rmp(spa);
  const within = large ? spa & (LARGE - 1n) & ~(PAGE - 1n) : 0n;
  const asid = Number(field(low, Rmp.ASID_LSB, Rmp.ASID_WIDTH));
  const gpa = (field(low, Rmp.GPA_LSB, Rmp.GPA_WIDTH) << 12n) + within;
  return {
    state: stateOf(low, asid, gpa),
    asid,
    gpa,
    large,
    vmsa: bitOf(low, Rmp.VMSA_BIT),
    validated: bitOf(low, Rmp.VALIDATED_BIT),
    permissions: high,
  };
}

function stateOf(low: bigint, asid: number, gpa: bigint): PageState {
  const immutable = bitOf(low, Rmp.IMMUTABLE_BIT);
  if (!bitOf(low, Rmp.ASSIGNED_BIT)) return immutable ? "hv-fixed" : "hypervisor";
  const validated = bitOf(low, Rmp.VALIDATED_BIT);
  if (asid !== 0 && immutable) return validated ? "pre-swap" : "pre-guest";
  if (asid !== 0) return validated ? "guest-valid" : "guest-invalid";
  if (!immutable) return "reclaim";
  // RMPUPDATE cannot set VMSA, so the host can make neither a Context nor a Metadata page.
  if (!bitOf(low, Rmp.VMSA_BIT)) return "firmware";
  return gpa === 0n ? "context" : "metadata";
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
