// Addresses: guest virtual, guest physical, system physical; and the arithmetic of pages.
export type Gva = u64;
export type Gpa = u64;
export type Spa = u64;

export const PAGE_SHIFT = 12;
export const PAGE: u32 = 0x1000;
// signed, so that ~OFFSET widens to 64 bits
export const OFFSET: i32 = 0xfff;
export const LARGE_SHIFT = 21;
/** 4 KiB pages in a 2 MiB page. */
export const LARGE_PAGES: u32 = 512;

/** A page number that no machine has: what addresses beyond 16 TiB have in common. */
const NO_PAGE: u32 = 0xffffffff;

/** The number of the 4 KiB page that holds an address. */
export function pageOf(address: u64): u32 {
  const page = address >> PAGE_SHIFT;
  return page < u64(NO_PAGE) ? u32(page) : NO_PAGE;
}

/** Whether bits 63:47 are copies of bit 47. APM vol. 2, 5.3.1. */
export function isCanonical(gva: Gva): bool {
  return canonical(gva) == gva;
}

/** An address with copies of bit 47 above it. */
export function canonical(gva: Gva): Gva {
  return u64(i64(gva << 16) >> 16);
}

/** Whether any bit at `position` is set. */
export function bit(word: u64, position: i32): bool {
  return ((word >> u64(position)) & 1) != 0;
}

/** The mask of one bit. */
export function mask(position: i32): u64 {
  return u64(1) << u64(position);
}

/** `width` bits of a word from `lsb` on. */
export function field(word: u64, lsb: i32, width: i32): u64 {
  return (word >> u64(lsb)) & (mask(width) - 1);
}
