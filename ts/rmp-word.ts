// The field guide's 64-bit RMP word: a view of a full entry. Nothing is checked by it, for a word without ASID and GPA cannot
// stop remapping. DESIGN.md, section 5.
import * as Rmp from "./abi/rmp.ts";
import * as Word from "./abi/rmp-word.ts";
import type { RmpEntry } from "./rmp.ts";

/** The word taken apart. */
export interface RmpWord {
  pageType: "unallocated" | "private" | "shared";
  /** The least privileged VMPL that may do anything with the page; the permissions are its own. */
  ownerVmpl: number;
  /** 1: a VMSA, 0: memory. */
  memoryType: number;
  valid: boolean;
  read: boolean;
  write: boolean;
  execute: boolean;
}

const names = ["unallocated", "private", "shared"] as const;

/** The word of an entry. An unassigned page is shared when somebody maps it, which no entry says. */
export function wordOf(entry: RmpEntry, mapped = false): RmpWord {
  const ownerVmpl = Math.max(
    0,
    entry.permissions.findLastIndex((allowed) => allowed !== 0),
  );
  const allowed = entry.permissions[ownerVmpl] as number;
  const may = (position: number) => ((allowed >>> position) & 1) === 1;
  const unassigned = mapped ? "shared" : "unallocated";
  return {
    pageType: entry.assigned ? "private" : unassigned,
    ownerVmpl,
    memoryType: Number(entry.vmsa),
    valid: entry.validated,
    read: may(Rmp.PERMISSION_READ_BIT),
    write: may(Rmp.PERMISSION_WRITE_BIT),
    execute: may(Rmp.PERMISSION_EXECUTE_USER_BIT) || may(Rmp.PERMISSION_EXECUTE_SUPERVISOR_BIT),
  };
}

/** The 64 bits. */
export function encodeWord(word: RmpWord): bigint {
  const flag = (set: boolean, position: number) => (set ? 1 << position : 0);
  return BigInt(
    flag(word.read, Word.READ_BIT) |
      flag(word.write, Word.WRITE_BIT) |
      flag(word.execute, Word.EXECUTE_BIT) |
      flag(word.valid, Word.VALID_BIT) |
      (word.memoryType << Word.MEMORY_TYPE_BIT) |
      (word.ownerVmpl << Word.OWNER_VMPL_LSB) |
      (names.indexOf(word.pageType) << Word.PAGE_TYPE_LSB),
  );
}

/** Takes 64 bits apart; undefined for a page type that the guide does not have, or a bit outside its fields. */
export function decodeWord(bits: bigint): RmpWord | undefined {
  if (bits >> BigInt(Word.PAGE_TYPE_LSB + Word.PAGE_TYPE_WIDTH)) return undefined;
  const word = Number(bits);
  const field = (lsb: number, width: number) => (word >>> lsb) & (2 ** width - 1);
  const pageType = names[field(Word.PAGE_TYPE_LSB, Word.PAGE_TYPE_WIDTH)];
  const between = field(Word.VALID_BIT + 1, Word.MEMORY_TYPE_BIT - Word.VALID_BIT - 1);
  if (!pageType || between !== 0) return undefined;
  return {
    pageType,
    ownerVmpl: field(Word.OWNER_VMPL_LSB, Word.OWNER_VMPL_WIDTH),
    memoryType: field(Word.MEMORY_TYPE_BIT, 1),
    valid: field(Word.VALID_BIT, 1) === 1,
    read: field(Word.READ_BIT, 1) === 1,
    write: field(Word.WRITE_BIT, 1) === 1,
    execute: field(Word.EXECUTE_BIT, 1) === 1,
  };
}
