// What the firmware keeps of a SEV or SEV-ES guest: in its own memory, for they have no context pages. SEV API (AMD 55766), 4.
import * as Policy from "../abi/psp/sev-policy.ts";
import * as Status from "../abi/status.ts";
import { bitOf } from "../layout.ts";
import type { FirmwarePort } from "../port.ts";

/** GSTATE of a SEV or SEV-ES guest. */
export const SevGuestState = {
  UNINIT: 0,
  LUPDATE: 1,
  LSECRET: 2,
  RUNNING: 3,
  SUPDATE: 4,
  RUPDATE: 5,
  SENT: 6,
} as const;

/** A session's transport keys, 16 bytes each: encryption and integrity. */
export interface TransportKeys {
  tek: Uint8Array;
  tik: Uint8Array;
}

export interface SevGuest {
  handle: number;
  state: number;
  policy: number;
  /** 0 while it is not active. */
  asid: number;
  vek: Uint8Array;
  tweakKey: Uint8Array;
  /** What LAUNCH_UPDATE_* measured so far, in order; 32 bytes once LAUNCH_MEASURE hashed it. */
  launch: { update(bytes: Uint8Array): void; digest(): Uint8Array };
  digest: Uint8Array;
  /** Of the session that it is launched, sent or received under; zeros when none is open. */
  keys: TransportKeys;
  /** Where its VMSAs lie, whose checksums the silicon keeps. */
  vmsas: bigint[];
  /** Of LAUNCH_MEASURE: what a secret's packet is bound to. */
  measure?: Uint8Array | undefined;
}

export const isEs = ({ policy }: Pick<SevGuest, "policy">): boolean => bitOf(policy, Policy.ES_BIT);

/** Writes a VMSA, which the silicon guards by its checksum from then on. Answers a status: without a row left, nothing is done. */
export function guarded(
  port: FirmwarePort,
  guest: SevGuest,
  spa: bigint,
  write: () => void,
): number {
  if (!port.noteVmsa(spa, guest.asid)) return Status.RESOURCE_LIMIT;
  write();
  port.noteVmsa(spa, guest.asid);
  if (!guest.vmsas.includes(spa)) guest.vmsas.push(spa);
  return Status.SUCCESS;
}

/** The guest is no more: its pages are ordinary ones. */
export function forgetVmsas(port: FirmwarePort, { vmsas }: SevGuest): void {
  for (const spa of vmsas) port.forgetVmsa(spa);
}
