// IGVM files for SNP: pages, parameters and save areas in the order in which they are loaded. microsoft/igvm, igvm_defs.
import * as Fixed from "../../abi/igvm.ts";
import * as Policy from "../../abi/igvm-guest-policy.ts";
import * as PageData from "../../abi/igvm-page-data.ts";
import * as Area from "../../abi/igvm-parameter-area.ts";
import * as Insert from "../../abi/igvm-parameter-insert.ts";
import * as Platform from "../../abi/igvm-platform.ts";
import * as Structure from "../../abi/igvm-structure.ts";
import * as Context from "../../abi/igvm-vp-context.ts";
import type { Region, RegionType } from "../plan.ts";
import { crc32 } from "./crc32.ts";
import { ImageRefused } from "./refusal.ts";

/** What an IGVM file asks a loader to do for SNP. */
export interface IgvmImage {
  /** The guest policy that it names. */
  readonly policy: bigint | undefined;
  /** In the order of the file, which is that of the measurement. */
  readonly plan: readonly Region[];
}

export interface IgvmOptions {
  /**
   * What a page without data is loaded as: a normal page of zeros, as the format says, or a page of SNP's own type ZERO, as
   * some loaders do. Their measurements differ.
   */
  readonly zeroPages?: "normal" | "zero";
}

const PAGE = 0x1000;
const LARGE = 0x200000;
const text = (value: number | bigint) => `0x${value.toString(16)}`;
const has = (word: number, bit: number) => (word >>> bit) % 2 === 1;

/** A structure's bytes, and where in the file they are. */
interface Piece {
  readonly type: number;
  readonly view: DataView;
  readonly at: number;
}

/** What has been read so far. */
interface Reading {
  readonly file: Uint8Array;
  readonly zeroPages: "normal" | "zero";
  mask: number;
  policy: bigint | undefined;
  readonly areas: Map<number, number>;
  readonly plan: Region[];
}

function requireHeader(file: Uint8Array): { start: number; end: number } {
  const wrong = (says: string, at: number) => new ImageRefused("IGVM_HEADER", says, at);
  if (file.length < Fixed.SIZE) throw wrong(`IGVM file: ${file.length} bytes`, 0);
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const word = (at: number) => view.getUint32(at, true);
  const magic = word(Fixed.MAGIC);
  if (magic !== Fixed.IGVM) throw wrong(`magic ${text(magic)}, expected "IGVM"`, Fixed.MAGIC);
  const version = word(Fixed.FORMAT_VERSION);
  if (version !== Fixed.VERSION_1) {
    throw wrong(`format version ${version}, expected 1`, Fixed.FORMAT_VERSION);
  }
  const total = word(Fixed.TOTAL_FILE_SIZE);
  if (total !== file.length) {
    throw wrong(`file of ${file.length} bytes, expected ${total}`, Fixed.TOTAL_FILE_SIZE);
  }
  const start = word(Fixed.VARIABLE_HEADER_OFFSET);
  const end = start + word(Fixed.VARIABLE_HEADER_SIZE);
  if (start < Fixed.SIZE || start % 8 !== 0 || end > file.length) {
    const says = `variable header from ${start} to ${end}, expected within ${file.length}`;
    throw wrong(says, Fixed.VARIABLE_HEADER_OFFSET);
  }
  const covered = file.slice(0, end);
  covered.fill(0, Fixed.CHECKSUM, Fixed.SIZE);
  const seen = crc32(covered);
  const expected = word(Fixed.CHECKSUM);
  if (seen !== expected) {
    const says = `CRC-32 of the headers is ${text(seen)}, expected ${text(expected)}`;
    throw new ImageRefused("IGVM_CHECKSUM", says, Fixed.CHECKSUM);
  }
  return { start, end };
}

/** Structures that change nothing of what is loaded: the loader's parameters, and marks for other platforms. */
const silent: readonly number[] = [
  Structure.REQUIRED_MEMORY,
  Structure.VP_COUNT_PARAMETER,
  Structure.SRAT,
  Structure.MADT,
  Structure.MMIO_RANGES,
  Structure.SNP_ID_BLOCK,
  Structure.MEMORY_MAP,
  Structure.ERROR_RANGE,
  Structure.COMMAND_LINE,
  Structure.SLIT,
  Structure.PPTT,
  Structure.VBS_MEASUREMENT,
  Structure.DEVICE_TREE,
  Structure.ENVIRONMENT_INFO_PARAMETER,
  Structure.RELOCATABLE_REGION,
  Structure.PAGE_TABLE_RELOCATION_REGION,
];

function supportedPlatform({ view }: Piece, reading: Reading): void {
  if (view.getUint8(Platform.PLATFORM_TYPE) !== Platform.SEV_SNP) return;
  reading.mask |= view.getUint32(Platform.COMPATIBILITY_MASK, true);
}

function guestPolicy({ view }: Piece, reading: Reading): void {
  if (!(view.getUint32(Policy.COMPATIBILITY_MASK, true) & reading.mask)) return;
  reading.policy = view.getBigUint64(Policy.POLICY, true);
}

function dataAt(reading: Reading, piece: Piece, offset: number, bytes: number): Uint8Array {
  if (offset + bytes <= reading.file.length) {
    return reading.file.subarray(offset, offset + bytes);
  }
  const says = `${bytes} bytes of data at ${text(offset)}, the file has ${reading.file.length}`;
  throw new ImageRefused("IGVM_PAGE", says, piece.at);
}

function requirePage(gpa: bigint, piece: Piece, bytes = PAGE): void {
  if (gpa % BigInt(bytes) === 0n) return;
  throw new ImageRefused(
    "IGVM_PAGE",
    `gpa ${text(gpa)}, expected a multiple of ${bytes}`,
    piece.at,
  );
}

const filled: Readonly<Record<number, RegionType>> = {
  [PageData.SECRETS]: "secrets",
  [PageData.CPUID_DATA]: "cpuid",
  [PageData.CPUID_XF]: "cpuid",
};

function pageData(piece: Piece, reading: Reading): void {
  const { view } = piece;
  if (!(view.getUint32(PageData.COMPATIBILITY_MASK, true) & reading.mask)) return;
  const flags = view.getUint32(PageData.FLAGS, true);
  // The guest shares such a page with the host: it is no part of the launch.
  if (has(flags, PageData.SHARED_BIT)) return;
  const bytes = has(flags, PageData.IS_2MB_PAGE_BIT) ? LARGE : PAGE;
  const gpa = view.getBigUint64(PageData.GPA, true);
  requirePage(gpa, piece, bytes);
  const dataType = view.getUint16(PageData.DATA_TYPE, true);
  const offset = view.getUint32(PageData.FILE_OFFSET, true);
  const contents = offset === 0 ? undefined : dataAt(reading, piece, offset, bytes);
  const special = filled[dataType];
  if (special !== undefined) {
    // What the file has for it counts for nothing: the firmware or the hypervisor fills the page.
    reading.plan.push({ type: special, gpa, bytes });
    return;
  }
  if (dataType !== PageData.NORMAL) {
    throw new ImageRefused("IGVM_PAGE", `page data type ${dataType}, expected 0 to 3`, piece.at);
  }
  if (has(flags, PageData.UNMEASURED_BIT)) {
    reading.plan.push({ type: "unmeasured", gpa, bytes, ...(contents && { contents }) });
  } else if (contents === undefined && reading.zeroPages === "zero") {
    reading.plan.push({ type: "zero", gpa, bytes });
  } else {
    const page = contents ?? new Uint8Array(bytes);
    reading.plan.push({ type: "normal", gpa, bytes, contents: page });
  }
}

function parameterArea(piece: Piece, reading: Reading): void {
  const bytes = piece.view.getBigUint64(Area.NUMBER_OF_BYTES, true);
  if (bytes === 0n || bytes % BigInt(PAGE) !== 0n || bytes > BigInt(LARGE)) {
    const says = `parameter area of ${bytes} bytes, expected whole pages up to ${LARGE}`;
    throw new ImageRefused("IGVM_STRUCTURE", says, piece.at);
  }
  reading.areas.set(piece.view.getUint32(Area.PARAMETER_AREA_INDEX, true), Number(bytes));
}

function parameterInsert(piece: Piece, reading: Reading): void {
  const { view } = piece;
  if (!(view.getUint32(Insert.COMPATIBILITY_MASK, true) & reading.mask)) return;
  const index = view.getUint32(Insert.PARAMETER_AREA_INDEX, true);
  const bytes = reading.areas.get(index);
  const gpa = view.getBigUint64(Insert.GPA, true);
  requirePage(gpa, piece);
  if (bytes === undefined) {
    throw new ImageRefused("IGVM_STRUCTURE", `parameter area ${index} was not declared`, piece.at);
  }
  // An index is good for one insertion.
  reading.areas.delete(index);
  reading.plan.push({ type: "unmeasured", gpa, bytes });
}

function vpContext(piece: Piece, reading: Reading): void {
  const { view } = piece;
  if (!(view.getUint32(Context.COMPATIBILITY_MASK, true) & reading.mask)) return;
  const gpa = view.getBigUint64(Context.GPA, true);
  requirePage(gpa, piece);
  const offset = view.getUint32(Context.FILE_OFFSET, true);
  const contents = dataAt(reading, piece, offset, PAGE);
  reading.plan.push({ type: "vmsa", gpa, bytes: PAGE, contents });
}

const readers: Readonly<Record<number, [number, (piece: Piece, reading: Reading) => void]>> = {
  [Structure.SUPPORTED_PLATFORM]: [Platform.SIZE, supportedPlatform],
  [Structure.GUEST_POLICY]: [Policy.SIZE, guestPolicy],
  [Structure.PARAMETER_AREA]: [Area.SIZE, parameterArea],
  [Structure.PAGE_DATA]: [PageData.SIZE, pageData],
  [Structure.PARAMETER_INSERT]: [Insert.SIZE, parameterInsert],
  [Structure.VP_CONTEXT]: [Context.SIZE, vpContext],
};

function* piecesOf(file: Uint8Array, start: number, end: number): Generator<Piece> {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  for (let at = start; at < end; ) {
    const length = at + Structure.SIZE <= end ? view.getUint32(at + Structure.LENGTH, true) : -1;
    const from = at + Structure.SIZE;
    if (length < 0 || from + length > end) {
      throw new ImageRefused("IGVM_STRUCTURE", "structure ends behind the variable header", at);
    }
    const type = view.getUint32(at + Structure.TYPE, true);
    yield { type, at, view: new DataView(file.buffer, file.byteOffset + from, length) };
    at = from + Math.ceil(length / 8) * 8;
  }
}

function readPiece(piece: Piece, reading: Reading): void {
  const [bytes, read] = readers[piece.type] ?? [];
  if (read === undefined) {
    if (silent.includes(piece.type) || has(piece.type, Structure.OPTIONAL_BIT)) return;
    throw new ImageRefused("IGVM_STRUCTURE", `structure type ${text(piece.type)}`, piece.at);
  }
  if (piece.view.byteLength !== bytes) {
    const says = `structure ${text(piece.type)} of ${piece.view.byteLength} bytes, expected ${bytes}`;
    throw new ImageRefused("IGVM_STRUCTURE", says, piece.at);
  }
  read(piece, reading);
}

/** Reads an IGVM file for SNP. Throws ImageRefused; the place is in the file. */
export function parseIgvm(file: Uint8Array, options: IgvmOptions = {}): IgvmImage {
  const { start, end } = requireHeader(file);
  const zeroPages = options.zeroPages ?? "normal";
  const reading: Reading = {
    file,
    zeroPages,
    mask: 0,
    policy: undefined,
    areas: new Map(),
    plan: [],
  };
  for (const piece of piecesOf(file, start, end)) readPiece(piece, reading);
  if (reading.mask === 0) throw new ImageRefused("IGVM_PLATFORM", "IGVM file is not for SEV-SNP");
  return { policy: reading.policy, plan: reading.plan };
}
