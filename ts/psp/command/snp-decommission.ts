// SNP_DECOMMISSION: the firmware forgets a guest; its context page becomes a Firmware page again. AMD 56860, 8.
import * as Status from "../../abi/status.ts";
import { markFirmware } from "../context.ts";
import type { CommandEntry } from "../firmware.ts";

export const snpDecommission: CommandEntry = {
  size: 8,
  run(psp, buffer) {
    const gctx = buffer.getBigUint64(0, true);
    const guest = psp.guests.find(gctx, true);
    if (!guest) return Status.INVALID_GUEST;
    psp.guests.decommission(guest);
    markFirmware(psp.port, gctx);
    return Status.SUCCESS;
  },
};
