// SNP_PAGE_UNSMASH: 512 pages that follow one another become one of 2 MiB. AMD 56860, 8.
import * as Layout from "../../abi/psp/snp-page.ts";
import * as Status from "../../abi/status.ts";
import { type CommandEntry, when } from "../command.ts";
import type { Psp } from "../firmware.ts";
import { LARGE, PAGE, pagePlace } from "../memory.ts";
import { type Page, pageAt, setPage } from "../page.ts";

export const snpPageUnsmash: CommandEntry = {
  layout: Layout,
  platform: when.snpInit,
  run(psp, buffer) {
    const word = buffer.getBigUint64(Layout.PAGE_PADDR, true);
    // Linux sets the size bit; without it the address means the same.
    const paddr = word & ~1n;
    if (paddr & 0xfffn) return Status.INVALID_PARAM;
    const place = pagePlace(psp, paddr, LARGE);
    if (!place) return Status.INVALID_ADDRESS;
    const first = pageAt(psp.port, place.spa);
    const status = canJoin(psp, place.spa, first);
    if (status !== Status.SUCCESS) return status;
    for (let at = LARGE - PAGE; at > 0; at -= PAGE) psp.port.setRmp(place.spa + BigInt(at), 0n, 0n);
    setPage(psp.port, place.spa, { ...first, immutable: true, large: true });
    return Status.SUCCESS;
  },
};

function canJoin({ port }: Psp, spa: bigint, first: Page): number {
  if (first.state !== "pre-guest" && first.state !== "pre-swap") return Status.INVALID_PAGE_STATE;
  if (first.large || first.vmsa) return Status.INVALID_PAGE_SIZE;
  if (first.gpa & BigInt(LARGE - 1)) return Status.INVALID_ADDRESS;
  for (let at = PAGE; at < LARGE; at += PAGE) {
    const page = pageAt(port, spa + BigInt(at));
    if (page.state !== first.state || page.vmsa) return Status.INVALID_PAGE_STATE;
    if (page.asid !== first.asid) return Status.INVALID_PAGE_OWNER;
    const follows = page.gpa === first.gpa + BigInt(at) && page.permissions === first.permissions;
    if (!follows) return Status.INVALID_PAGE_STATE;
  }
  return Status.SUCCESS;
}
