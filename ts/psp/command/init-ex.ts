// INIT_EX: INIT, with the firmware's non-volatile data in memory of the host's. SEV API (AMD 55766), 5.1.
import * as Layout from "../../abi/psp/init-ex.ts";
import * as Status from "../../abi/status.ts";
import { bitOf } from "../../layout.ts";
import { type CommandEntry, when } from "../command.ts";
import { mayWrite } from "../memory.ts";
import { initialise } from "./init.ts";

/** The flash is the platform's storage, so the NV region is checked and stays unused: a LIMITATIONS row. */
const NV_BYTES = 0x8000;

export const initEx: CommandEntry = {
  layout: Layout,
  platform: when.sevUninit,
  run(psp, buffer) {
    const nvLength = buffer.getUint32(Layout.NV_LENGTH, true);
    if (buffer.getUint32(Layout.LENGTH, true) !== Layout.SIZE) return Status.INVALID_LENGTH;
    if (nvLength !== 0 && nvLength < NV_BYTES) return Status.INVALID_LENGTH;
    const status = mayWrite(psp, buffer.getBigUint64(Layout.NV_PADDR, true), nvLength);
    if (status !== Status.SUCCESS) return status;
    return initialise(psp, {
      es: bitOf(buffer.getUint32(Layout.FLAGS, true), Layout.ES_BIT),
      tmr: buffer.getBigUint64(Layout.TMR_PADDR, true),
      tmrLength: buffer.getUint32(Layout.TMR_LENGTH, true),
    });
  },
};
