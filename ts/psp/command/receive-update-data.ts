// RECEIVE_UPDATE_DATA: memory of a guest that arrives, out of a packet. SEV API (AMD 55766), 6.14.
import * as Layout from "../../abi/psp/transport.ts";
import type { CommandEntry } from "../command.ts";
import { DATA } from "../packet.ts";
import { receivePiece } from "../send.ts";
import { RUPDATE, sevGuestCommand } from "../sev-command.ts";

export const receiveUpdateData: CommandEntry = sevGuestCommand({
  layout: Layout,
  guest: [RUPDATE],
  run: (call) => receivePiece(call, DATA),
});
