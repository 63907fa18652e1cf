// The hypervisor's half of a page's state: RMPUPDATE, as Linux's rmp_make_private and rmp_make_shared use it.
import * as Answer from "../abi/rmp-state.ts";
import { CheckFailed } from "../error.ts";
import type { HostPort, RmpState } from "../port.ts";

/** Assigns a page to a guest at a gpa: Guest-Invalid until the guest validates it. */
export function makePrivate(
  host: HostPort,
  spa: bigint,
  gpa: bigint,
  asid: number,
  large: boolean,
): void {
  update(host, spa, { gpa, assigned: true, pageSize: large ? "2m" : "4k", immutable: false, asid });
}

/** Takes a page back from a guest: shared with the hypervisor from now on. */
export function makeShared(host: HostPort, spa: bigint, large: boolean): void {
  update(host, spa, {
    gpa: 0n,
    assigned: false,
    pageSize: large ? "2m" : "4k",
    immutable: false,
    asid: 0,
  });
}

/** Gives a page to the firmware. */
export function makeFirmware(host: HostPort, spa: bigint): void {
  update(host, spa, { gpa: 0n, assigned: true, pageSize: "4k", immutable: true, asid: 0 });
}

/** Hands a page to the firmware for a guest: measured and encrypted by LAUNCH_UPDATE, or filled by SWAP_IN or MOVE. */
export function makePreGuest(
  host: HostPort,
  spa: bigint,
  gpa: bigint,
  asid: number,
  large: boolean,
): void {
  update(host, spa, { gpa, assigned: true, pageSize: large ? "2m" : "4k", immutable: true, asid });
}

function update(host: HostPort, spa: bigint, state: RmpState): void {
  const eax = host.rmpupdate(spa, state);
  if (eax === Answer.SUCCESS) return;
  throw new CheckFailed(`RMPUPDATE of spa 0x${spa.toString(16)}: answered ${eax}, expected 0`);
}
