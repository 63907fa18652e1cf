// What SNP_DBG_DECRYPT and SNP_DBG_ENCRYPT have in common: which page of which guest may be looked into. AMD 56860, 8.
import * as Status from "../abi/status.ts";
import type { Psp } from "./firmware.ts";
import type { GuestContext } from "./guest.ts";
import { type Place, pagePlace } from "./memory.ts";
import { type PageState, pageAt } from "./page.ts";

/** The guest's page at an address, or why it may not be touched. */
export function debugPage(
  psp: Psp,
  guest: GuestContext,
  paddr: bigint,
  states: readonly PageState[],
): Place | number {
  if (!psp.dialect.allowsDebug(guest.policy)) return Status.POLICY_FAILURE;
  if (guest.asid === 0) return Status.INACTIVE;
  const place = pagePlace(psp, paddr);
  if (!place) return Status.INVALID_ADDRESS;
  const page = pageAt(psp.port, place.spa);
  if (!states.includes(page.state)) return Status.INVALID_PAGE_STATE;
  if (page.asid !== guest.asid) return Status.INVALID_PAGE_OWNER;
  return place;
}
