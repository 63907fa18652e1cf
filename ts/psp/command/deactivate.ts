// DEACTIVATE: a guest gives its ASID back, and lives on. SEV API (AMD 55766), 6.3.
import * as Activate from "../../abi/activate.ts";
import * as Status from "../../abi/status.ts";
import type { CommandEntry } from "../firmware.ts";

export const deactivate: CommandEntry = {
  size: 4,
  run(psp, buffer) {
    const guest = psp.guests.find(BigInt(buffer.getUint32(Activate.HANDLE, true)), false);
    if (!guest) return Status.INVALID_GUEST;
    psp.guests.deactivate(guest);
    return Status.SUCCESS;
  },
};
