// ACTIVATE: a SEV or SEV-ES guest's key goes into the slot of an ASID. SEV API (AMD 55766), 6.1.
import * as Layout from "../../abi/psp/activate.ts";
import * as Status from "../../abi/status.ts";
import type { CommandEntry } from "../command.ts";
import {
  LSECRET,
  LUPDATE,
  RUNNING,
  RUPDATE,
  type SevGuestCall,
  SUPDATE,
  sevGuestCommand,
} from "../sev-command.ts";
import { isEs } from "../sev-guest.ts";

export const activatable: readonly number[] = [LUPDATE, LSECRET, RUNNING, SUPDATE, RUPDATE];

export const activate: CommandEntry = sevGuestCommand({
  layout: Layout,
  guest: activatable,
  run: (call) => activateGuest(call, call.buffer.getUint32(Layout.ASID, true)),
});

export function activateGuest({ psp, guest }: SevGuestCall, asid: number): number {
  if (guest.asid !== 0) return Status.ACTIVE;
  const { vek, tweakKey, handle } = guest;
  const kind = isEs(guest) ? "sev-es" : "sev";
  const status = psp.asids.activate({ kind, id: `handle ${handle}`, vek, tweakKey }, asid);
  if (status === Status.SUCCESS) guest.asid = asid;
  return status;
}
