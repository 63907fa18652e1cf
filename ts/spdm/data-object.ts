// A DOE data object around a payload. PCIe 6.30.1.
import * as DataObject from "../abi/doe-object.ts";
import { field, join, putU16, putU32, u16, u32 } from "./octets.ts";

const DW = 4;
const MAX_DWS = 2 ** DataObject.LENGTH_WIDTH;

/** The payload with its header, zero-padded to whole DWs. */
export function dataObject(type: number, payload: Uint8Array): Uint8Array {
  const object = join(
    new Uint8Array(DataObject.SIZE),
    payload,
    new Uint8Array(-payload.length & (DW - 1)),
  );
  putU16(object, DataObject.VENDOR_ID, DataObject.PCI_SIG);
  object[DataObject.DATA_OBJECT_TYPE] = type;
  putU32(object, DataObject.LENGTH, (object.length / DW) % MAX_DWS);
  return object;
}

/** The length an object's header claims, in octets. */
export const claimedBytes = (object: Uint8Array): number =>
  DW *
  (field(u32(object, DataObject.LENGTH), DataObject.LENGTH_LSB, DataObject.LENGTH_WIDTH) ||
    MAX_DWS);

/** Type and padded payload of a PCI-SIG object; undefined when the header is not true of it. */
export function dataObjectOf(
  object: Uint8Array,
): { type: number; payload: Uint8Array } | undefined {
  if (object.length < DataObject.SIZE || claimedBytes(object) !== object.length) return undefined;
  if (u16(object, DataObject.VENDOR_ID) !== DataObject.PCI_SIG) return undefined;
  if (object[DataObject.RESERVED_003] !== 0) return undefined;
  if (u32(object, DataObject.LENGTH) >>> DataObject.LENGTH_WIDTH !== 0) return undefined;
  return { type: object[DataObject.DATA_OBJECT_TYPE]!, payload: object.subarray(DataObject.SIZE) };
}
