// What a host hands to a guest of a device's evidence: a table like that of certificates, and the objects behind it. Which object
// it is a GUID says. A draft: AMD's KVM series of 2025.
import * as Table from "../../abi/certificate-table.ts";
import { guidBytes } from "../../launch/image/guid.ts";
import { viewOf } from "../../layout.ts";
import * as Guids from "../../linux/tio-evidence.ts";
import type { AssignedDevice } from "./assigned.ts";

export interface Wanted {
  certificates: boolean;
  measurements: boolean;
  report: boolean;
}

/** Before phase 4 the host has the report alone. */
export function evidenceTable(
  device: AssignedDevice,
  nonce: Uint8Array,
  wanted: Wanted,
): Uint8Array {
  const dsm = device.tsm.dsmOf(device.bdf);
  const full = device.tsm.phase >= 4;
  const objects: [guid: string, bytes: Uint8Array | undefined][] = [
    [Guids.CERTIFICATES, full && wanted.certificates ? dsm?.certificates() : undefined],
    [Guids.MEASUREMENTS, full && wanted.measurements ? dsm?.measurements(nonce) : undefined],
    [Guids.REPORT, wanted.report ? device.tdi?.report : undefined],
  ];
  return tableOf(objects.filter((each): each is [string, Uint8Array] => each[1] !== undefined));
}

/** The table, then the objects. */
export function tableOf(objects: readonly [guid: string, bytes: Uint8Array][]): Uint8Array {
  // An entry of zeros ends it.
  let at = (objects.length + 1) * Table.SIZE;
  const table = new Uint8Array(objects.reduce((sum, [, { length }]) => sum + length, at));
  const view = viewOf(table);
  for (const [i, [guid, bytes]] of objects.entries()) {
    const entry = i * Table.SIZE;
    table.set(guidBytes(guid), entry + Table.GUID);
    view.setUint32(entry + Table.OFFSET, at, true);
    view.setUint32(entry + Table.LENGTH, bytes.length, true);
    table.set(bytes, at);
    at += bytes.length;
  }
  return table;
}
