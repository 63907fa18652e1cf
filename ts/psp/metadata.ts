// Metadata pages: 64 entries, each of which a page swapped out is checked by. Spec digest rmp.md 3 and 8.

import * as Frame from "../abi/frame.ts";
import * as Entry from "../abi/psp/metadata-entry.ts";
import * as Status from "../abi/status.ts";
import { bitOf, viewOf } from "../layout.ts";
import type { Psp } from "./firmware.ts";
import type { GuestContext } from "./guest.ts";
import { placeOf } from "./memory.ts";
import { pageAt, setPage } from "./page.ts";

// The GPA field of a Metadata page names its guest: the context's page number under a bit that is always set. A field report
// (AMDSEV issue 109) shows such a value.
const OWNER = 1n << 37n;
const ownerOf = (gctx: bigint) => ((gctx >> 12n) | OWNER) << 12n;

/** Makes a Firmware page a guest's metadata page with these contents. */
export function makeMetadata(psp: Psp, spa: bigint, gctx: bigint, contents: Uint8Array): void {
  setPage(psp.port, spa, { immutable: true, vmsa: true, gpa: ownerOf(gctx) });
  psp.port.write(spa, Frame.RAW, contents);
}

/** Whether a page is a metadata page of a guest: SUCCESS, or what it is not. */
export function isMetadata(psp: Psp, spa: bigint, gctx: bigint): number {
  const page = pageAt(psp.port, spa);
  if (page.state !== "metadata") return Status.INVALID_PAGE_STATE;
  return page.gpa === ownerOf(gctx) ? Status.SUCCESS : Status.INVALID_PAGE_OWNER;
}

/** Where a page's entry lies: in a metadata page, or with ROOT_MDATA_EN in the guest's context. */
export interface EntryPlace {
  read(): Uint8Array;
  write(entry: Uint8Array): void;
}

/** The place of an entry, or why it is none. */
export function entryPlace(
  psp: Psp,
  guest: GuestContext,
  gctx: bigint,
  paddr: bigint,
  root: boolean,
): EntryPlace | number {
  if (root) {
    return {
      read: () => guest.rootMetadata.slice(),
      write: (entry) => {
        guest.rootMetadata = entry;
      },
    };
  }
  const { spa } = placeOf(psp, paddr);
  if (spa % BigInt(Entry.SIZE) !== 0n || !psp.port.covered(spa)) return Status.INVALID_ADDRESS;
  const status = isMetadata(psp, spa & ~0xfffn, gctx);
  if (status !== Status.SUCCESS) return status;
  return {
    read() {
      const bytes = new Uint8Array(Entry.SIZE);
      psp.port.read(spa, Frame.RAW, bytes);
      return bytes;
    },
    write: (entry) => {
      psp.port.write(spa, Frame.RAW, entry);
    },
  };
}

/** An entry, taken apart. */
export interface Swapped {
  softwareData: bigint;
  iv: bigint;
  tag: Uint8Array;
  valid: boolean;
  validated: boolean;
  vmsa: boolean;
  metadata: boolean;
  large: boolean;
  gpa: bigint;
  permissions: bigint;
}

const bit = (on: boolean, position: number) => (on ? 1n << BigInt(position) : 0n);

export function entryBytes(swapped: Swapped): Uint8Array {
  const bytes = new Uint8Array(Entry.SIZE);
  const view = viewOf(bytes);
  view.setBigUint64(Entry.SOFTWARE_DATA, swapped.softwareData, true);
  view.setBigUint64(Entry.IV, swapped.iv, true);
  bytes.set(swapped.tag, Entry.AUTH_TAG);
  const page =
    swapped.gpa |
    bit(swapped.valid, Entry.VALID_BIT) |
    bit(swapped.validated, Entry.PAGE_VALIDATED_BIT) |
    bit(swapped.vmsa, Entry.VMSA_BIT) |
    bit(swapped.metadata, Entry.METADATA_BIT) |
    bit(swapped.large, Entry.PAGE_SIZE_BIT);
  view.setBigUint64(Entry.PAGE, page, true);
  view.setBigUint64(Entry.PERMISSIONS, swapped.permissions, true);
  return bytes;
}

export function entryOf(bytes: Uint8Array): Swapped {
  const view = viewOf(bytes);
  const page = view.getBigUint64(Entry.PAGE, true);
  return {
    softwareData: view.getBigUint64(Entry.SOFTWARE_DATA, true),
    iv: view.getBigUint64(Entry.IV, true),
    tag: bytes.slice(Entry.AUTH_TAG, Entry.PAGE),
    valid: bitOf(page, Entry.VALID_BIT),
    validated: bitOf(page, Entry.PAGE_VALIDATED_BIT),
    vmsa: bitOf(page, Entry.VMSA_BIT),
    metadata: bitOf(page, Entry.METADATA_BIT),
    large: bitOf(page, Entry.PAGE_SIZE_BIT),
    gpa: page & ~0xfffn,
    permissions: view.getBigUint64(Entry.PERMISSIONS, true),
  };
}
