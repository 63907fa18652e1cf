// SEND_UPDATE_DATA: memory of a guest that leaves, as a packet. SEV API (AMD 55766), 6.10.
import * as Layout from "../../abi/psp/transport.ts";
import type { CommandEntry } from "../command.ts";
import { DATA } from "../packet.ts";
import { sendPiece } from "../send.ts";
import { SUPDATE, sevGuestCommand } from "../sev-command.ts";

export const sendUpdateData: CommandEntry = sevGuestCommand({
  layout: Layout,
  guest: [SUPDATE],
  writesBuffer: true,
  run: (call) => sendPiece(call, DATA),
});
