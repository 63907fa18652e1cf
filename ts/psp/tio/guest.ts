// The guest that an interface is bound to, as a command names it.
import * as Status from "../../abi/status.ts";
import type { Psp } from "../firmware.ts";
import { type GuestContext, GuestState } from "../guest.ts";

/** A running guest with an ASID, or why there is none. */
export function runningGuest(psp: Psp, gctx: bigint): GuestContext | number {
  const guest = psp.contexts.open(gctx);
  if (typeof guest === "number") return guest;
  if (guest.state !== GuestState.RUNNING) return Status.INVALID_GUEST_STATE;
  return guest.asid === 0 ? Status.INACTIVE : guest;
}
