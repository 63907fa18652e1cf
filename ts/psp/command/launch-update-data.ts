// LAUNCH_UPDATE_DATA: memory of the initial guest is measured and encrypted where it lies. SEV API (AMD 55766), 6.3.
import * as Layout from "../../abi/psp/launch-update.ts";
import * as Status from "../../abi/status.ts";
import type { CommandEntry } from "../command.ts";
import { readHost } from "../memory.ts";
import { LUPDATE, type SevGuestCall, sevGuestCommand } from "../sev-command.ts";
import { checkGuestMemory, writeGuest } from "../sev-memory.ts";

export const launchUpdateData: CommandEntry = sevGuestCommand({
  layout: Layout,
  guest: [LUPDATE],
  run(call) {
    const status = checkPlace(call);
    if (status === Status.SUCCESS) measure(call);
    return status;
  },
});

export function checkPlace({ psp, guest, buffer }: SevGuestCall): number {
  const paddr = buffer.getBigUint64(Layout.PADDR, true);
  return checkGuestMemory(psp, guest, paddr, buffer.getUint32(Layout.LENGTH, true), true);
}

/** Of a place that was checked. */
export function measure({ psp, guest, buffer }: SevGuestCall): void {
  const paddr = buffer.getBigUint64(Layout.PADDR, true);
  const contents = readHost(psp, paddr, buffer.getUint32(Layout.LENGTH, true)) as Uint8Array;
  guest.launch.update(contents);
  writeGuest(psp, guest, paddr, contents);
}
