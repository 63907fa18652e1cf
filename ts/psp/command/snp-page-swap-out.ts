// SNP_PAGE_SWAP_OUT: a page of a guest leaves for memory of the host's, sealed; its entry goes to a metadata page. AMD 56860, 8.
import * as Frame from "../../abi/frame.ts";
import * as Policy from "../../abi/guest-policy.ts";
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
import { bitOf } from "../layout.ts";
import { LARGE, mayWrite, PAGE, pagePlace, writeHost } from "../memory.ts";
import { entryBytes, entryPlace, isMetadata } from "../metadata.ts";
import { type Page, pageAt, setPage } from "../page.ts";
import { allows } from "../policy.ts";
import { seal } from "../swap.ts";

export const snpPageSwapOut: CommandEntry = snpGuestCommand({
  layout: Layout,
  guest: [LAUNCH, RUNNING],
  run(call) {
    const { psp, guest, gctx, buffer } = call;
    const word = (at: number) => buffer.getBigUint64(at, true);
    const flags = word(Layout.FLAGS);
    const type = Number(flags >> BigInt(Layout.PAGE_TYPE_LSB)) & (2 ** Layout.PAGE_TYPE_WIDTH - 1);
    const large = bitOf(flags, Layout.PAGE_SIZE_BIT);
    if (allows(guest.policy, Policy.PAGE_SWAP_DISABLE_BIT)) return Status.POLICY_FAILURE;
    if (guest.asid === 0) return Status.INACTIVE;
    if (psp.hasDevice(guest.asid)) return Status.INVALID_GUEST_STATE;
    if (type > SwapType.VMSA || (large && type !== SwapType.DATA)) return Status.INVALID_PARAM;
    const bytes = large ? LARGE : PAGE;
    const from = pagePlace(psp, word(Layout.SRC_PADDR), bytes);
    const to = pagePlace(psp, word(Layout.DST_PADDR), bytes);
    if (!from || !to || from.spa === to.spa) return Status.INVALID_ADDRESS;
    const page = pageAt(psp.port, from.spa);
    const mayLeave = canLeave(call, page, from.spa, type, large);
    if (mayLeave !== Status.SUCCESS) return mayLeave;
    const mayGo = mayWrite(psp, word(Layout.DST_PADDR), bytes);
    if (mayGo !== Status.SUCCESS) return mayGo;
    const root = bitOf(flags, Layout.ROOT_MDATA_EN_BIT);
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
