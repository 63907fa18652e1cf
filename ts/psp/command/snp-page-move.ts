// SNP_PAGE_MOVE: a page of a guest moves to other memory, encrypted anew for where it lies. AMD 56860, 8.
import * as Layout from "../../abi/psp/snp-page-move.ts";
import * as Status from "../../abi/status.ts";
import { bitOf } from "../../layout.ts";
import { type CommandEntry, LAUNCH, RUNNING, snpGuestCommand } from "../command.ts";
import { LARGE, PAGE, pagePlace } from "../memory.ts";
import { pageAt, setPage } from "../page.ts";
import { forbidsSwap } from "../policy.ts";

export const snpPageMove: CommandEntry = snpGuestCommand({
  layout: Layout,
  guest: [LAUNCH, RUNNING],
  run({ psp, guest, buffer }) {
    const { port } = psp;
    const large = bitOf(buffer.getUint32(Layout.FLAGS, true), Layout.PAGE_SIZE_BIT);
    if (forbidsSwap(psp.platform, guest.policy)) return Status.POLICY_FAILURE;
    if (guest.asid === 0) return Status.INACTIVE;
    if (psp.tio.holdsAsid(guest.asid)) return Status.INVALID_GUEST_STATE;
    const bytes = large ? LARGE : PAGE;
    const from = pagePlace(psp, buffer.getBigUint64(Layout.SRC_PADDR, true), bytes);
    const to = pagePlace(psp, buffer.getBigUint64(Layout.DST_PADDR, true), bytes);
    if (!from || !to) return Status.INVALID_ADDRESS;
    const source = pageAt(port, from.spa);
    const target = pageAt(port, to.spa);
    if (source.state !== "pre-swap" || target.state !== "pre-guest")
      return Status.INVALID_PAGE_STATE;
    if (source.asid !== guest.asid || target.asid !== guest.asid) return Status.INVALID_PAGE_OWNER;
    if (source.large !== large || target.large !== large) return Status.INVALID_PAGE_SIZE;
    if (source.gpa !== target.gpa) return Status.INVALID_PAGE_STATE;
    const contents = new Uint8Array(bytes);
    port.read(from.spa, guest.asid, contents);
    setPage(port, to.spa, { ...source, immutable: false });
    port.write(to.spa, guest.asid, contents);
    setPage(port, from.spa, { ...source, immutable: true, validated: false, vmsa: false });
    return Status.SUCCESS;
  },
});
