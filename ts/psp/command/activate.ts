// ACTIVATE: a SEV or SEV-ES guest's key goes into the slot of an ASID. SEV API (AMD 55766), 6.1.
import * as Activate from "../../abi/activate.ts";
import * as Status from "../../abi/status.ts";
import type { CommandEntry } from "../firmware.ts";

export const activate: CommandEntry = {
  size: Activate.SIZE,
  run(psp, buffer) {
    const guest = psp.guests.find(BigInt(buffer.getUint32(Activate.HANDLE, true)), false);
    if (!guest) return Status.INVALID_GUEST;
    return psp.guests.activate(guest, buffer.getUint32(Activate.ASID, true));
  },
};
