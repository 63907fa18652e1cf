// OVMF's SEV metadata: guest memory that the hypervisor prepares. edk2, OvmfPkg/ResetVector/X64/OvmfSevMetadata.asm.
import * as Head from "../../abi/sev-metadata.ts";
import * as Layout from "../../abi/sev-metadata-section.ts";
import { ImageRefused } from "./refusal.ts";

export type SectionType = "SEC_MEM" | "SECRETS" | "CPUID" | "SVSM_CAA" | "KERNEL_HASHES";

/** Guest memory from `gpa` on, `bytes` long. Both are multiples of 4 KiB. */
export interface Section {
  readonly type: SectionType;
  readonly gpa: number;
  readonly bytes: number;
}

const types: Readonly<Record<number, SectionType>> = {
  [Layout.SEC_MEM]: "SEC_MEM",
  [Layout.SECRETS]: "SECRETS",
  [Layout.CPUID]: "CPUID",
  [Layout.SVSM_CAA]: "SVSM_CAA",
  [Layout.KERNEL_HASHES]: "KERNEL_HASHES",
};

const PAGE = 0x1000;
const text = (value: number) => `0x${value.toString(16)}`;

function sectionAt(view: DataView, at: number): Section {
  const gpa = view.getUint32(at + Layout.GPA, true);
  const bytes = view.getUint32(at + Layout.LENGTH, true);
  const number = view.getUint32(at + Layout.TYPE, true);
  const type = types[number];
  if (type === undefined) {
    const known = Object.keys(types).join(", ");
    throw new ImageRefused("SECTION_TYPE", `section type ${number}, expected one of ${known}`, at);
  }
  const says = `${type} section of ${text(bytes)} bytes at gpa ${text(gpa)}`;
  if (bytes === 0 || gpa % PAGE !== 0 || bytes % PAGE !== 0) {
    throw new ImageRefused("SECTION_PLACE", `${says}, expected whole pages`, at);
  }
  if (type !== "SEC_MEM" && bytes !== PAGE) {
    throw new ImageRefused("SECTION_PLACE", `${says}, expected one page`, at);
  }
  return { type, gpa, bytes };
}

/** Refuses sections that share memory, and a type that stands for one page of the guest but occurs twice. */
function requireApart(sections: readonly Section[], at: number): void {
  const sorted = [...sections].sort((a, b) => a.gpa - b.gpa);
  for (const [i, { type, gpa, bytes }] of sorted.entries()) {
    const next = sorted[i + 1];
    if (next !== undefined && gpa + bytes > next.gpa) {
      const says = `${type} section at gpa ${text(gpa)} overlaps ${next.type} at ${text(next.gpa)}`;
      throw new ImageRefused("SECTION_PLACE", says, at);
    }
  }
  for (const type of ["SECRETS", "CPUID", "KERNEL_HASHES"] as const) {
    const count = sections.filter((section) => section.type === type).length;
    if (count > 1)
      throw new ImageRefused("SECTION_COUNT", `${count} ${type} sections, expected 1`, at);
  }
}

/** The sections whose table starts so many bytes before the image's end, in their order, which is that of the measurement. */
export function parseMetadata(image: Uint8Array, fromEnd: number, entryAt: number): Section[] {
  const at = image.length - fromEnd;
  if (at < 0 || fromEnd < Head.SIZE) {
    const says = `SEV metadata ${text(fromEnd)} bytes before the end of ${text(image.length)}`;
    throw new ImageRefused("METADATA_PLACE", says, entryAt);
  }
  const view = new DataView(image.buffer, image.byteOffset, image.byteLength);
  const signature = view.getUint32(at + Head.SIGNATURE, true);
  if (signature !== Head.ASEV) {
    const says = `SEV metadata signature ${text(signature)}, expected ${text(Head.ASEV)} ("ASEV")`;
    throw new ImageRefused("METADATA_SIGNATURE", says, at);
  }
  const version = view.getUint32(at + Head.VERSION, true);
  if (version !== Head.VERSION_1) {
    throw new ImageRefused("METADATA_VERSION", `SEV metadata version ${version}, expected 1`, at);
  }
  const count = view.getUint32(at + Head.SECTIONS, true);
  const length = view.getUint32(at + Head.LENGTH, true);
  const expected = Head.SIZE + count * Layout.SIZE;
  if (length !== expected || at + length > image.length) {
    const says = `SEV metadata of ${length} bytes with ${count} sections, expected ${expected} within the image`;
    throw new ImageRefused("METADATA_LENGTH", says, at);
  }
  const sections = Array.from({ length: count }, (_, i) =>
    sectionAt(view, at + Head.SIZE + i * Layout.SIZE),
  );
  requireApart(sections, at);
  return sections;
}
