// SNP_DBG_ENCRYPT: plaintext into a page of a guest whose policy allows debugging. AMD 56860, 8.
import * as Layout from "../../abi/psp/snp-dbg.ts";
import * as Status from "../../abi/status.ts";
import { type CommandEntry, LAUNCH, RUNNING, snpGuestCommand } from "../command.ts";
import { debugPage } from "../debug.ts";
import { PAGE, pagePlace } from "../memory.ts";

export const snpDbgEncrypt: CommandEntry = snpGuestCommand({
  layout: Layout,
  guest: [LAUNCH, RUNNING],
  run({ psp, guest, buffer }) {
    const from = pagePlace(psp, buffer.getBigUint64(Layout.SRC_PADDR, true));
    const to = debugPage(psp, guest, buffer.getBigUint64(Layout.DST_PADDR, true), [
      "pre-guest",
      "pre-swap",
    ]);
    if (typeof to === "number") return to;
    if (!from) return Status.INVALID_ADDRESS;
    const bytes = new Uint8Array(PAGE);
    psp.port.read(from.spa, from.key, bytes);
    psp.port.write(to.spa, guest.asid, bytes);
    return Status.SUCCESS;
  },
});
