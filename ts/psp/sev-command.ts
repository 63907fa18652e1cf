// The road that every command upon a SEV or SEV-ES guest goes.
import * as Status from "../abi/status.ts";
import type { Layout } from "../layout.ts";
import type { CommandEntry } from "./command.ts";
import { when } from "./command.ts";
import type { Psp } from "./firmware.ts";
import { type SevGuest, SevGuestState } from "./sev-guest.ts";

export const LUPDATE: number = SevGuestState.LUPDATE;
export const LSECRET: number = SevGuestState.LSECRET;
export const RUNNING: number = SevGuestState.RUNNING;
export const SUPDATE: number = SevGuestState.SUPDATE;
export const RUPDATE: number = SevGuestState.RUPDATE;
export const SENT: number = SevGuestState.SENT;
/** Any state of a guest that there is. */
export const anyState: readonly number[] = [LUPDATE, LSECRET, RUNNING, SUPDATE, RUPDATE, SENT];

export interface SevGuestCall {
  psp: Psp;
  guest: SevGuest;
  buffer: DataView;
}

/** A command upon a guest that its HANDLE names. */
export interface SevGuestCommand {
  layout: Layout;
  guest: readonly number[];
  writesBuffer?: boolean;
  /** Must not change the guest unless it answers SUCCESS. */
  run(call: SevGuestCall): number;
}

export function sevGuestCommand(command: SevGuestCommand): CommandEntry {
  const { layout, guest: states, writesBuffer = false, run } = command;
  return {
    layout,
    platform: when.sevWorking,
    guest: states,
    writesBuffer,
    run(psp, buffer) {
      const guest = psp.sev.guests.get(buffer.getUint32(layout["HANDLE"] as number, true));
      if (!guest) return Status.INVALID_GUEST;
      if (!states.includes(guest.state)) return Status.INVALID_GUEST_STATE;
      return run({ psp, guest, buffer });
    },
  };
}
