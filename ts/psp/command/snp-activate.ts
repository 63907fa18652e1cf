// SNP_ACTIVATE: an SNP guest's key goes into the slot of an ASID. SNP firmware ABI (AMD 56860), 8.
import * as SnpActivate from "../../abi/snp-activate.ts";
import * as Status from "../../abi/status.ts";
import type { CommandEntry } from "../firmware.ts";

export const snpActivate: CommandEntry = {
  size: SnpActivate.SIZE,
  run(psp, buffer) {
    const guest = psp.guests.find(buffer.getBigUint64(SnpActivate.GCTX_PADDR, true), true);
    if (!guest) return Status.INVALID_GUEST;
    return psp.guests.activate(guest, buffer.getUint32(SnpActivate.ASID, true));
  },
};
