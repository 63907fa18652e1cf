// DBG_ENCRYPT: plaintext into memory of a guest whose policy allows debugging. SEV API (AMD 55766), 7.2.
import * as Layout from "../../abi/psp/dbg.ts";
import * as Status from "../../abi/status.ts";
import type { CommandEntry } from "../command.ts";
import { readHost } from "../memory.ts";
import { sevGuestCommand } from "../sev-command.ts";
import { checkDebug, debuggable } from "../sev-debug.ts";
import { writeGuest } from "../sev-memory.ts";

export const dbgEncrypt: CommandEntry = sevGuestCommand({
  layout: Layout,
  guest: debuggable,
  run({ psp, guest, buffer }) {
    const to = buffer.getBigUint64(Layout.DST_PADDR, true);
    const length = buffer.getUint32(Layout.LENGTH, true);
    const status = checkDebug(psp, guest, to, length, true);
    if (status !== Status.SUCCESS) return status;
    const contents = readHost(psp, buffer.getBigUint64(Layout.SRC_PADDR, true), length);
    if (!contents) return Status.INVALID_ADDRESS;
    writeGuest(psp, guest, to, contents);
    return Status.SUCCESS;
  },
});
