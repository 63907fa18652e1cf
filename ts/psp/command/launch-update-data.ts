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
  run: measure,
});

export function measure({ psp, guest, buffer }: SevGuestCall): number {
  const paddr = buffer.getBigUint64(Layout.PADDR, true);
  const length = buffer.getUint32(Layout.LENGTH, true);
  const status = checkGuestMemory(psp, guest, paddr, length, true);
  if (status !== Status.SUCCESS) return status;
  const contents = readHost(psp, paddr, length) as Uint8Array;
  guest.launch.update(contents);
  writeGuest(psp, guest, paddr, contents);
  return Status.SUCCESS;
}
