// DBG_DECRYPT: memory of a guest whose policy allows debugging, in plaintext. SEV API (AMD 55766), 7.1.
import * as Layout from "../../abi/psp/dbg.ts";
import * as Status from "../../abi/status.ts";
import type { CommandEntry } from "../command.ts";
import { mayWrite, writeHost } from "../memory.ts";
import { sevGuestCommand } from "../sev-command.ts";
import { checkDebug, debuggable } from "../sev-debug.ts";
import { readGuest } from "../sev-memory.ts";

export const dbgDecrypt: CommandEntry = sevGuestCommand({
  layout: Layout,
  guest: debuggable,
  run({ psp, guest, buffer }) {
    const from = buffer.getBigUint64(Layout.SRC_PADDR, true);
    const to = buffer.getBigUint64(Layout.DST_PADDR, true);
    const length = buffer.getUint32(Layout.LENGTH, true);
    const status = checkDebug(psp, guest, from, length, false) || mayWrite(psp, to, length);
    if (status !== Status.SUCCESS) return status;
    writeHost(psp, to, readGuest(psp, guest, from, length));
    return Status.SUCCESS;
  },
});
