// An exit record in a line: what the hardware answered, by the manual's names. APM vol. 2, 15.25.6 and appendix C.
import * as Code from "../abi/exit.ts";
import * as Event from "../abi/iommu-event.ts";
import type { Exit } from "../port.ts";

const bits: readonly [position: number, name: string][] = [
  [Code.PRESENT_BIT, "P"],
  [Code.WRITE_BIT, "W"],
  [Code.USER_BIT, "U"],
  [Code.RESERVED_BIT, "RSV"],
  [Code.FETCH_BIT, "I/D"],
  [Code.RMP_BIT, "RMP"],
  [Code.FINAL_BIT, "final"],
  [Code.TABLE_BIT, "table"],
  [Code.ENC_BIT, "ENC"],
  [Code.SIZEM_BIT, "SIZEM"],
  [Code.VMPL_BIT, "VMPL"],
];

/** The bits of a page fault's error code: `0x80000003 (P, W, RMP)`. */
export function errorOf(error: bigint): string {
  const names = bits.filter(([position]) => ((error >> BigInt(position)) & 1n) === 1n);
  return `${hex(error)} (${names.map(([, name]) => name).join(", ")})`;
}

/** VMEXIT_* by code, as appendix C names them. */
const names = new Map(
  Object.entries(Code)
    .filter(([name]) => name.startsWith("VMEXIT_"))
    .map(([name, code]) => [BigInt(code), name]),
);

export function describe({ kind, code, info1, info2 }: Exit): string {
  if (kind === Code.HOST_FAULT) {
    const vector = code === BigInt(Code.PF) ? "#PF" : code === BigInt(Code.GP) ? "#GP" : `#${code}`;
    return `${vector} of the host, error ${errorOf(info1)}`;
  }
  if (kind === Code.DEVICE_FAULT) {
    return `the IOMMU's ${faults[Number(code)] ?? `event ${code}`} at gpa ${hex(info2)}`;
  }
  const signed = BigInt.asIntN(64, code);
  const name = names.get(signed) ?? `VMEXIT ${hex(code)}`;
  if (signed !== BigInt(Code.VMEXIT_NPF)) return name;
  return `${name} at gpa ${hex(info2)}, error ${errorOf(info1)}`;
}

const faults: Record<number, string> = {
  [Code.ILLEGAL_DEV_TABLE_ENTRY]: "ILLEGAL_DEV_TABLE_ENTRY",
  [Code.IO_PAGE_FAULT]: "IO_PAGE_FAULT",
  [Code.RMP_PAGE_FAULT]: "RMP_PAGE_FAULT",
};

/** An entry of the IOMMU's log, in a line. */
export function describeIommuEvent(entry: Uint8Array): string {
  const fields = new DataView(entry.buffer, entry.byteOffset, entry.length);
  const name = faults[fields.getUint16(Event.CODE_FLAGS, true) >> Event.CODE_LSB] ?? "event";
  const device = fields.getUint16(Event.DEVICE_ID, true).toString(16).padStart(4, "0");
  return `the IOMMU's ${name} for device ${device} at gpa ${hex(fields.getBigUint64(Event.ADDRESS, true))}`;
}

const hex = (word: bigint) => `0x${word.toString(16)}`;
