// The first vCPU of the guest below an SVSM: memory, VMSA, calling area, and the secrets page that tells of it. AMD 58019, 2.
import * as Layout from "../../abi/ghcb.ts";
import * as Answer from "../../abi/rmp-state.ts";
import * as Secrets from "../../abi/secrets-page.ts";
import * as Calls from "../../abi/svsm.ts";
import type { Cpu, Step } from "../cpu.ts";
import { requestAp } from "../ghcb/ap.ts";
import type { SevGuest } from "../sev.ts";
import { EVERYTHING, permit } from "./pvalidate.ts";
import type { GuestVcpu, Svsm } from "./svsm.ts";

const PAGE = 0x1000n;

/** What the guest starts with; gpas of its own pages, all validated. */
export interface FirstVcpu extends GuestVcpu {
  /** The state it starts in, as ts/abi/vmsa.ts. */
  state: Uint8Array;
  /** Where the guest finds its secrets page, of which it gets what is not VMPL0's. */
  secrets: bigint;
}

/** Gives the guest its memory and its first vCPU. False: the RMP or the hypervisor would not. */
export function* launchGuest(
  cpu: Cpu,
  guest: SevGuest,
  svsm: Svsm,
  first: FirstVcpu,
): Step<boolean> {
  const { memory, vmpl } = svsm.options;
  for (let gpa = memory.gpa; gpa < memory.gpa + memory.bytes; gpa += PAGE) {
    if (!svsm.isGuestPage(gpa)) continue;
    const eax = yield* permit(cpu, svsm, svsm.gva(gpa), false, EVERYTHING);
    if (eax !== Answer.SUCCESS) return false;
  }
  yield* cpu.write(svsm.gva(first.callingArea), new Uint8Array(Calls.SIZE));
  yield* tell(cpu, svsm, first);
  const at = svsm.gva(first.vmsa);
  yield* cpu.write(at, first.state);
  const eax = yield* cpu.rmpadjust(at, false, { vmpl, permissions: 0, vmsa: true });
  if (eax !== Answer.SUCCESS) return false;
  svsm.adopt({ apicId: first.apicId, vmsa: first.vmsa, callingArea: first.callingArea });
  const { apicId, vmsa: gpa } = first;
  return yield* requestAp(cpu, guest, { apicId, gpa }, Layout.AP_CREATE, vmpl);
}

/** The secrets page's part for the guest: where the SVSM is and how it is called. */
function* tell(cpu: Cpu, svsm: Svsm, { secrets, callingArea }: FirstVcpu): Step {
  const [own] = svsm.options.own;
  const page = new Uint8Array(Secrets.SIZE);
  const view = new DataView(page.buffer);
  view.setBigUint64(Secrets.SVSM_BASE, own?.gpa ?? 0n, true);
  view.setBigUint64(Secrets.SVSM_BYTES, own?.bytes ?? 0n, true);
  view.setBigUint64(Secrets.SVSM_CAA, callingArea, true);
  view.setUint32(Secrets.SVSM_MAX_VERSION, Calls.CORE_VERSION, true);
  view.setUint8(Secrets.SVSM_GUEST_VMPL, svsm.options.vmpl);
  yield* cpu.write(svsm.gva(secrets), page);
}
