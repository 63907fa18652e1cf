// OVMF's table of GUIDs, read from the image's end backwards. edk2, OvmfPkg/ResetVector/Ia16/ResetVectorVtf0.asm.
import * as Layout from "../../abi/ovmf-entry.ts";
import { guidOf } from "./guid.ts";
import { parseMetadata, type Section } from "./metadata.ts";
import { ImageRefused } from "./refusal.ts";

/** A firmware image and what its table says. Numbers are undefined where the table has no such entry. */
export interface FirmwareImage {
  readonly bytes: Uint8Array;
  /** Where the image's first byte is mapped; it ends at 4 GiB, or where `parseOvmf` was told. */
  readonly gpa: number;
  /** Data by GUID, as text in small letters, and the byte of the image where they start. */
  readonly table: ReadonlyMap<string, TableEntry>;
  /** SEV metadata; undefined for firmware that is not made for SNP. */
  readonly sections: readonly Section[] | undefined;
  /** EIP of every processor but the first, from the SEV-ES reset block. */
  readonly resetEip: number | undefined;
  /** Where the firmware looks for the table of kernel hashes; undefined also when the build left it at 0. */
  readonly hashTableGpa: number | undefined;
  /** Where SVSM's entry point is, from the image's start. */
  readonly svsmEntry: number | undefined;
}

export interface TableEntry {
  readonly data: Uint8Array;
  readonly at: number;
}

const FOOTER = "96b582de-1fb2-45f7-baea-a366c55a082d";
const SEV_METADATA = "dc886566-984a-4798-a75e-5585a7bf67cc";
const SEV_ES_RESET_BLOCK = "00f771de-1a7e-4fcb-890e-68c77e2fb44e";
const SEV_HASH_TABLE_RV = "7255371f-3a3b-4b04-927b-1da6efa8d454";
const SVSM_INFO = "a789a612-0597-4c4b-a49f-cbb1fe9d1ddd";

/** Bytes of data that an entry must have at least. */
const least: Readonly<Record<string, number>> = {
  [SEV_METADATA]: 4,
  [SEV_ES_RESET_BLOCK]: 4,
  [SEV_HASH_TABLE_RV]: 8,
  [SVSM_INFO]: 4,
};

const PAGE = 0x1000;
const FOUR_GIB = 2 ** 32;
/** The most that QEMU maps below 4 GiB. hw/i386/pc_sysfw.c. */
const MOST_BYTES = 16 << 20;

const tailAt = (view: DataView, end: number) => {
  const at = end - Layout.SIZE;
  const guid = new Uint8Array(view.buffer, view.byteOffset + at + Layout.GUID, 16);
  return { at, guid: guidOf(guid), length: view.getUint16(at + Layout.LENGTH, true) };
};

/** The entries before the footer; none when the image does not end in one. */
function entriesOf(image: Uint8Array): Map<string, TableEntry> {
  const table = new Map<string, TableEntry>();
  const view = new DataView(image.buffer, image.byteOffset, image.byteLength);
  const end = image.length - Layout.BEHIND_FOOTER;
  if (end < Layout.SIZE) return table;
  const footer = tailAt(view, end);
  if (footer.guid !== FOOTER) return table;
  if (footer.length < Layout.SIZE || footer.length > end) {
    const says = `OVMF's table of ${footer.length} bytes, expected ${Layout.SIZE} to ${end}`;
    throw new ImageRefused("TABLE_LENGTH", says, footer.at);
  }
  const start = end - footer.length;
  for (let last = footer.at; last > start; ) {
    const room = last - start;
    const entry = room < Layout.SIZE ? { at: start, guid: "", length: 0 } : tailAt(view, last);
    const needs = Layout.SIZE + (least[entry.guid] ?? 0);
    if (entry.length < needs || entry.length > room) {
      const says = `entry ${entry.guid} of ${entry.length} bytes, expected ${needs} to ${room}`;
      throw new ImageRefused("ENTRY_LENGTH", says, entry.at);
    }
    const at = last - entry.length;
    if (table.has(entry.guid)) {
      throw new ImageRefused("ENTRY_TWICE", `entry ${entry.guid} a second time`, entry.at);
    }
    table.set(entry.guid, { at, data: image.subarray(at, entry.at) });
    last = at;
  }
  return table;
}

function word(entry: TableEntry | undefined): number | undefined {
  if (entry === undefined) return undefined;
  return new DataView(entry.data.buffer, entry.data.byteOffset).getUint32(0, true);
}

/** Reads an image that ends at guest physical address `end`. Throws ImageRefused. */
export function parseOvmf(bytes: Uint8Array, end: number = FOUR_GIB): FirmwareImage {
  if (bytes.length === 0) throw new ImageRefused("IMAGE_EMPTY", "firmware image: 0 bytes");
  if (bytes.length > MOST_BYTES || bytes.length > end) {
    const says = `firmware image: ${bytes.length} bytes, expected at most ${Math.min(MOST_BYTES, end)}`;
    throw new ImageRefused("IMAGE_SIZE", says);
  }
  const table = entriesOf(bytes);
  const metadata = table.get(SEV_METADATA);
  const sections = metadata && parseMetadata(bytes, word(metadata) as number, metadata.at);
  return {
    bytes,
    gpa: end - bytes.length,
    table,
    sections,
    resetEip: word(table.get(SEV_ES_RESET_BLOCK)),
    hashTableGpa: word(table.get(SEV_HASH_TABLE_RV)) || undefined,
    svsmEntry: word(table.get(SVSM_INFO)),
  };
}

/** What a user whose image cannot do it should take instead. */
const AMDSEV =
  "use the AmdSev build of OVMF (edk2 OvmfPkg/AmdSev/AmdSevX64.dsc; distributions call it OVMF.amdsev.fd)";

/** The sections, or a refusal that names an image which has them. */
export function requireSnp(image: FirmwareImage): readonly Section[] {
  if (image.sections !== undefined) return image.sections;
  const says = `firmware has no SNP metadata (no entry ${SEV_METADATA} in OVMF's table): an SNP guest cannot start from it`;
  const debian = "Debian 12: /usr/share/ovmf/OVMF.fd, not OVMF_CODE_4M.fd";
  throw new ImageRefused("NO_SNP_METADATA", `${says}; ${AMDSEV}, or one with metadata (${debian})`);
}

/** Refuses an image whose firmware does not look at kernel hashes. */
export function requireHashTable(image: FirmwareImage): number {
  if (image.hashTableGpa !== undefined) return image.hashTableGpa;
  const says = "Kernel specified but OVMF doesn't support kernel/initrd/cmdline measurement";
  throw new ImageRefused("NO_KERNEL_HASHES", `${says}; ${AMDSEV}`);
}

/** Refuses SNP firmware without a page for kernel hashes, in sev-snp-measure's words. */
export function requireHashSection(image: FirmwareImage): Section {
  const section = image.sections?.find(({ type }) => type === "KERNEL_HASHES");
  if (section !== undefined) return section;
  const says = "Kernel specified but OVMF metadata doesn't include SNP_KERNEL_HASHES section";
  throw new ImageRefused("NO_KERNEL_HASHES", `${says}; ${AMDSEV}`);
}

/** Where processors but the first start; SEV-ES cannot set it later. */
export function requireResetEip(image: FirmwareImage): number {
  if (image.resetEip !== undefined) return image.resetEip;
  const says = `firmware has no SEV-ES reset block (no entry ${SEV_ES_RESET_BLOCK} in OVMF's table)`;
  throw new ImageRefused("NO_RESET_BLOCK", `${says}: it is not made for SEV-ES or SNP; ${AMDSEV}`);
}

/** Refuses an image that SNP cannot load page by page. */
export function requirePages(image: Uint8Array, what: string): void {
  if (image.length % PAGE === 0) return;
  throw new ImageRefused(
    "IMAGE_SIZE",
    `${what}: ${image.length} bytes, expected a multiple of ${PAGE}`,
  );
}
