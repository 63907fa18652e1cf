// LAUNCH_SECRET: the owner, having seen the measurement, gives the guest a secret. SEV API (AMD 55766), 6.6.
import * as Layout from "../../abi/psp/transport.ts";
import * as Status from "../../abi/status.ts";
import type { CommandEntry } from "../command.ts";
import { fieldsOf, openPacket, SECRET } from "../packet.ts";
import { LSECRET, sevGuestCommand } from "../sev-command.ts";
import { checkGuestMemory, writeGuest } from "../sev-memory.ts";

export const launchSecret: CommandEntry = sevGuestCommand({
  layout: Layout,
  guest: [LSECRET],
  run({ psp, guest, buffer }) {
    const fields = fieldsOf(buffer);
    const status = checkGuestMemory(psp, guest, fields.guest, fields.guestLength, true);
    if (status !== Status.SUCCESS) return status;
    const { keys, measure: bound } = guest;
    const secret = openPacket(psp, { kind: SECRET, keys, fields, bound });
    if (typeof secret === "number") return secret;
    writeGuest(psp, guest, fields.guest, secret);
    return Status.SUCCESS;
  },
});
