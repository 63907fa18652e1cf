// LAUNCH_UPDATE_VMSA: a vCPU's first state is measured and encrypted where it lies. SEV-ES only. SEV API (AMD 55766), 6.4.
import * as Layout from "../../abi/psp/launch-update.ts";
import * as Status from "../../abi/status.ts";
import type { CommandEntry } from "../command.ts";
import { PAGE, placeOf } from "../memory.ts";
import { LUPDATE, sevGuestCommand } from "../sev-command.ts";
import { guarded, isEs } from "../sev-guest.ts";
import { checkPlace, measure } from "./launch-update-data.ts";

export const launchUpdateVmsa: CommandEntry = sevGuestCommand({
  layout: Layout,
  guest: [LUPDATE],
  run(call) {
    const { psp, guest, buffer } = call;
    const paddr = buffer.getBigUint64(Layout.PADDR, true);
    if (!isEs(guest)) return Status.POLICY_FAILURE;
    if (buffer.getUint32(Layout.LENGTH, true) !== PAGE) return Status.INVALID_LENGTH;
    if (paddr & 0xfffn) return Status.INVALID_ADDRESS;
    const status = checkPlace(call);
    if (status !== Status.SUCCESS) return status;
    return guarded(psp.port, guest, placeOf(psp, paddr).spa, () => measure(call));
  },
});
