// COPY: memory of a guest to another place, encrypted anew for where it lies. SEV API (AMD 55766), 6; layout: AMD sev-tool.
import * as Layout from "../../abi/psp/copy.ts";
import * as Status from "../../abi/status.ts";
import type { CommandEntry } from "../command.ts";
import { LUPDATE, RUNNING, RUPDATE, sevGuestCommand } from "../sev-command.ts";
import { checkGuestMemory, readGuest, writeGuest } from "../sev-memory.ts";

export const copy: CommandEntry = sevGuestCommand({
  layout: Layout,
  guest: [LUPDATE, RUNNING, RUPDATE],
  run({ psp, guest, buffer }) {
    const from = buffer.getBigUint64(Layout.SRC_PADDR, true);
    const to = buffer.getBigUint64(Layout.DST_PADDR, true);
    const length = buffer.getUint32(Layout.LENGTH, true);
    const status =
      checkGuestMemory(psp, guest, from, length, false) ||
      checkGuestMemory(psp, guest, to, length, true);
    if (status !== Status.SUCCESS) return status;
    writeGuest(psp, guest, to, readGuest(psp, guest, from, length));
    return Status.SUCCESS;
  },
});
