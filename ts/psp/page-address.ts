// PAGE_PADDR of SNP_PAGE_RECLAIM and SNP_PAGE_UNSMASH: an address whose lowest bit says how large the page is.
import * as Layout from "../abi/psp/snp-page.ts";
import * as Status from "../abi/status.ts";
import { bitOf } from "../layout.ts";
import type { Psp } from "./firmware.ts";
import { LARGE, PAGE, pagePlace } from "./memory.ts";

export function pageAddress(psp: Psp, word: bigint): { spa: bigint; large: boolean } | number {
  const large = bitOf(word, Layout.PAGE_SIZE_BIT);
  const paddr = word & ~1n;
  if (paddr & 0xfffn) return Status.INVALID_PARAM;
  const place = pagePlace(psp, paddr, large ? LARGE : PAGE);
  return place ? { spa: place.spa, large } : Status.INVALID_ADDRESS;
}
