// SNP_PAGE_SWAP_OUT: a page of a guest leaves for memory of the host's, sealed; its entry goes to a metadata page. AMD 56860, 8.
import * as Frame from "../../abi/frame.ts";
import * as Layout from "../../abi/psp/snp-page-swap-out.ts";
import * as SwapType from "../../abi/psp/swap-type.ts";
import * as Status from "../../abi/status.ts";
import {
  type CommandEntry,
  LAUNCH,
  RUNNING,
  type SnpGuestCall,
  snpGuestCommand,
} from "../command.ts";
import { mayWrite, pagePlace, writeHost } from "../memory.ts";
import { entryBytes, entryPlace, isMetadata } from "../metadata.ts";
import { type Page, pageAt, setPage } from "../page.ts";
import { seal } from "../swap.ts";
import { swapArguments } from "../swap-arguments.ts";

export const snpPageSwapOut: CommandEntry = snpGuestCommand({
  layout: Layout,
  guest: [LAUNCH, RUNNING],
  run(call) {
    const { psp, guest, gctx } = call;
    if (psp.tio.holdsAsid(guest.asid)) return Status.INVALID_GUEST_STATE;
    const told = swapArguments(call, Layout);
    if (typeof told === "number") return told;
    const { word, type, large, bytes, root } = told;
    const from = pagePlace(psp, word(Layout.SRC_PADDR), bytes);
    const to = pagePlace(psp, word(Layout.DST_PADDR), bytes);
    if (!from || !to || from.spa === to.spa) return Status.INVALID_ADDRESS;
    const page = pageAt(psp.port, from.spa);
    const mayLeave = canLeave(call, page, from.spa, type, large);
    if (mayLeave !== Status.SUCCESS) return mayLeave;
    const mayGo = mayWrite(psp, word(Layout.DST_PADDR), bytes);
    if (mayGo !== Status.SUCCESS) return mayGo;
    const place = entryPlace(psp, guest, gctx, word(Layout.MDATA_PADDR), root);
    if (typeof place === "number") return place;
    const metadata = type === SwapType.METADATA;
    const contents = new Uint8Array(bytes);
    psp.port.read(from.spa, metadata ? Frame.RAW : guest.asid, contents);
    const { ciphertext, entry } = seal(guest, contents, {
      softwareData: word(Layout.SOFTWARE_DATA),
      validated: page.validated,
      vmsa: page.vmsa && !metadata,
      metadata,
      large,
      gpa: metadata ? 0n : page.gpa,
      permissions: page.permissions,
    });
    writeHost(psp, word(Layout.DST_PADDR), ciphertext);
    place.write(entryBytes(entry));
    leave(call, page, from.spa, metadata);
    return Status.SUCCESS;
  },
});

function canLeave(call: SnpGuestCall, page: Page, spa: bigint, type: number, large: boolean) {
  const { psp, guest, gctx } = call;
  if (type === SwapType.METADATA) return isMetadata(psp, spa, gctx);
  if (page.state !== "pre-swap" || page.vmsa !== (type === SwapType.VMSA))
    return Status.INVALID_PAGE_STATE;
  if (page.asid !== guest.asid) return Status.INVALID_PAGE_OWNER;
  return page.large === large ? Status.SUCCESS : Status.INVALID_PAGE_SIZE;
}

/** The page is there no more: were it still valid, the guest could come to have two. */
function leave({ psp }: SnpGuestCall, page: Page, spa: bigint, metadata: boolean): void {
  if (metadata) setPage(psp.port, spa, { immutable: true });
  else setPage(psp.port, spa, { ...page, immutable: true, validated: false, vmsa: false });
}
