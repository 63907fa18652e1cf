// SEND_UPDATE_VMSA: a vCPU's state of a guest that leaves, as a packet. SEV API (AMD 55766), 6.10.
import * as Layout from "../../abi/psp/transport.ts";
import type { CommandEntry } from "../command.ts";
import { VMSA } from "../packet.ts";
import { sendPiece } from "../send.ts";
import { SUPDATE, sevGuestCommand } from "../sev-command.ts";

export const sendUpdateVmsa: CommandEntry = sevGuestCommand({
  layout: Layout,
  guest: [SUPDATE],
  writesBuffer: true,
  run: (call) => sendPiece(call, VMSA),
});
