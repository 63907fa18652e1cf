// What a command is to the firmware: its buffer, the states it is legal in, and what it does.
import * as Status from "../abi/status.ts";
import type { Layout } from "../layout.ts";
import type { Psp } from "./firmware.ts";
import type { GuestContext } from "./guest.ts";
import { GuestState } from "./guest.ts";
import { SevState, SnpState } from "./platform.ts";

/** The platform states a command is legal in; in any other it answers INVALID_PLATFORM_STATE. */
export interface PlatformStates {
  snp: readonly number[];
  sev: readonly number[];
}

/** A command. Anything but SUCCESS has changed nothing, where the command's file does not say what it did. */
export interface CommandEntry {
  /** The table of its buffer; none when it has no buffer. */
  layout?: Layout;
  platform: PlatformStates;
  /** Guest states it is legal in; in any other it answers INVALID_GUEST_STATE. Absent when it names no guest. */
  guest?: readonly number[];
  /** Whether the firmware writes the buffer back. */
  writesBuffer?: boolean;
  run(psp: Psp, buffer: DataView): number;
}

const anySnp = [SnpState.UNINIT, SnpState.INIT];
const anySev = [SevState.UNINIT, SevState.INIT, SevState.WORKING];

type When =
  | "ever"
  | "snpInit"
  | "nothingInit"
  | "sevUninit"
  | "sevInit"
  | "sevWorking"
  | "sevInitOrWorking";

/** States of the platform, as tables name them. */
export const when: Record<When, PlatformStates> = {
  ever: { snp: anySnp, sev: anySev },
  snpInit: { snp: [SnpState.INIT], sev: anySev },
  nothingInit: { snp: [SnpState.UNINIT], sev: [SevState.UNINIT] },
  sevUninit: { snp: anySnp, sev: [SevState.UNINIT] },
  sevInit: { snp: anySnp, sev: [SevState.INIT] },
  sevWorking: { snp: anySnp, sev: [SevState.WORKING] },
  sevInitOrWorking: { snp: anySnp, sev: [SevState.INIT, SevState.WORKING] },
};

export const INIT: number = GuestState.INIT;
export const LAUNCH: number = GuestState.LAUNCH;
export const RUNNING: number = GuestState.RUNNING;

/** A command upon an SNP guest, whose buffer has a GCTX_PADDR. */
export interface SnpGuestCommand {
  layout: Layout;
  guest: readonly number[];
  /** May change `guest`, which is kept when it answers SUCCESS. */
  run(call: SnpGuestCall): number;
}

export interface SnpGuestCall {
  psp: Psp;
  guest: GuestContext;
  gctx: bigint;
  buffer: DataView;
}

/** The road that every command upon an SNP guest goes: its context opened, its state looked up, the context kept again. */
export function snpGuestCommand({ layout, guest: states, run }: SnpGuestCommand): CommandEntry {
  return {
    layout,
    platform: when.snpInit,
    guest: states,
    run(psp, buffer) {
      const gctx = buffer.getBigUint64(layout["GCTX_PADDR"] as number, true);
      const guest = psp.contexts.open(gctx);
      if (typeof guest === "number") return guest;
      if (!states.includes(guest.state)) return Status.INVALID_GUEST_STATE;
      const status = run({ psp, guest, gctx, buffer });
      if (status === Status.SUCCESS) psp.contexts.save(gctx, guest);
      return status;
    },
  };
}
