// INIT: the platform may have SEV guests, and with FLAGS.ES SEV-ES guests. SEV API (AMD 55766), 5.1.
import * as Layout from "../../abi/psp/init.ts";
import * as Status from "../../abi/status.ts";
import { bitOf } from "../../layout.ts";
import { type CommandEntry, when } from "../command.ts";
import type { Psp } from "../firmware.ts";
import { mayWrite } from "../memory.ts";

export const init: CommandEntry = {
  layout: Layout,
  platform: when.sevUninit,
  run: (psp, buffer) =>
    initialise(psp, {
      es: bitOf(buffer.getUint32(Layout.FLAGS, true), Layout.ES_BIT),
      tmr: buffer.getBigUint64(Layout.TMR_PADDR, true),
      tmrLength: buffer.getUint32(Layout.TMR_LENGTH, true),
    }),
};

/** The trusted memory region, where real firmware keeps SEV-ES guests' state: 1 MiB. */
const TMR_BYTES = 0x10_0000;

export function initialise(
  psp: Psp,
  { es, tmr, tmrLength }: { es: boolean; tmr: bigint; tmrLength: number },
): number {
  const { sev, es: hasEs } = psp.platform.features;
  if (!sev) return Status.INVALID_CONFIG;
  if (es && !hasEs) return Status.UNSUPPORTED;
  if (es) {
    if (tmrLength < TMR_BYTES) return Status.INVALID_LENGTH;
    if (tmr % BigInt(TMR_BYTES) !== 0n) return Status.INVALID_ADDRESS;
    const status = mayWrite(psp, tmr, tmrLength);
    if (status !== Status.SUCCESS) return status;
  }
  psp.sev.isInit = true;
  psp.sev.es = es;
  return Status.SUCCESS;
}
