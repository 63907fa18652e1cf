// SNP_DBG_DECRYPT: a page of a guest whose policy allows debugging, in plaintext. AMD 56860, 8.
import * as Layout from "../../abi/psp/snp-dbg.ts";
import * as Status from "../../abi/status.ts";
import { type CommandEntry, LAUNCH, RUNNING, snpGuestCommand } from "../command.ts";
import { debugPage } from "../debug.ts";
import { mayWrite, PAGE, pagePlace, writeHost } from "../memory.ts";

export const snpDbgDecrypt: CommandEntry = snpGuestCommand({
  layout: Layout,
  guest: [LAUNCH, RUNNING],
  run({ psp, guest, buffer }) {
    const to = buffer.getBigUint64(Layout.DST_PADDR, true);
    const from = debugPage(psp, guest, buffer.getBigUint64(Layout.SRC_PADDR, true), [
      "guest-valid",
      "pre-swap",
    ]);
    if (typeof from === "number") return from;
    if (!pagePlace(psp, to)) return Status.INVALID_ADDRESS;
    const status = mayWrite(psp, to, PAGE);
    if (status !== Status.SUCCESS) return status;
    const bytes = new Uint8Array(PAGE);
    psp.port.read(from.spa, guest.asid, bytes);
    writeHost(psp, to, bytes);
    return Status.SUCCESS;
  },
});
