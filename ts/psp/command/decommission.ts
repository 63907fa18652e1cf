// DECOMMISSION: the firmware forgets a guest. It must have been deactivated. SEV API (AMD 55766), 6.5.
import * as Activate from "../../abi/activate.ts";
import * as Status from "../../abi/status.ts";
import type { CommandEntry } from "../firmware.ts";

export const decommission: CommandEntry = {
  size: 4,
  run(psp, buffer) {
    const guest = psp.guests.find(BigInt(buffer.getUint32(Activate.HANDLE, true)), false);
    if (!guest) return Status.INVALID_GUEST;
    if (guest.asid !== 0) return Status.ACTIVE;
    psp.guests.decommission(guest);
    return Status.SUCCESS;
  },
};
