// ACTIVATE_EX: as ACTIVATE, on the core complexes of the APIC ids listed. SEV API (AMD 55766), 6.2.
import * as Layout from "../../abi/psp/activate-ex.ts";
import * as Status from "../../abi/status.ts";
import { apicIds } from "../apic-ids.ts";
import type { CommandEntry } from "../command.ts";
import { sevGuestCommand } from "../sev-command.ts";
import { activatable, activateGuest } from "./activate.ts";

export const activateEx: CommandEntry = sevGuestCommand({
  layout: Layout,
  guest: activatable,
  run(call) {
    const { psp, buffer } = call;
    if (buffer.getUint32(Layout.EX_LEN, true) !== Layout.SIZE) return Status.INVALID_LENGTH;
    const count = buffer.getUint32(Layout.NUMIDS, true);
    const ids = apicIds(psp, buffer.getBigUint64(Layout.IDS_PADDR, true), count);
    if (typeof ids === "number") return ids;
    return activateGuest(call, buffer.getUint32(Layout.ASID, true));
  },
});
