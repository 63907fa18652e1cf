// Carries a guest message to the firmware and its answer back; what is in it only the two ends can read. AMD 56421, 4.1.7 and 4.1.8.
import * as Code from "../../abi/exit.ts";
import * as Layout from "../../abi/ghcb.ts";
import type { Cpu, Step } from "../cpu.ts";
import type { SevGuest } from "../sev.ts";

/** How a request ended. Linux snp_issue_guest_request. */
export interface RequestResult {
  /** `again`: the hypervisor is busy; `space`: the certificates need more pages. */
  outcome: "ok" | "again" | "space" | "failed";
  /** The firmware's status. */
  firmware: number;
  /** The hypervisor's own error. */
  vmm: number;
  /** Pages that the certificates need or have; only of an extended request. */
  pages: bigint;
}

/** The pages of a request: shared, and two different ones. */
export interface RequestPages {
  request: bigint;
  response: bigint;
}

/** Shared pages for the certificates of an extended request. */
export interface CertificatePages {
  gpa: bigint;
  pages: bigint;
}

/** Sends the message in `pages.request`; the answer comes to `pages.response`. With `certificates` it is an extended request. */
export function* guestRequest(
  cpu: Cpu,
  guest: SevGuest,
  pages: RequestPages,
  certificates?: CertificatePages,
): Step<RequestResult> {
  return yield* guest.ghcb.alone(cpu, () => send(cpu, guest, pages, certificates));
}

function* send(
  cpu: Cpu,
  { ghcb }: SevGuest,
  { request, response }: RequestPages,
  certificates?: CertificatePages,
): Step<RequestResult> {
  ghcb.clear();
  if (certificates) {
    ghcb.set(Layout.RAX, certificates.gpa);
    ghcb.set(Layout.RBX, certificates.pages);
  }
  const code = certificates ? Code.VMGEXIT_EXT_GUEST_REQUEST : Code.VMGEXIT_GUEST_REQUEST;
  const verdict = yield* ghcb.call(cpu, code, request, response);
  const failed: RequestResult = { outcome: "failed", firmware: 0, vmm: 0, pages: 0n };
  if (verdict !== "ok" || !ghcb.has(Layout.SW_EXITINFO2)) return failed;
  const answer = ghcb.get(Layout.SW_EXITINFO2);
  const firmware = Number(answer & 0xffff_ffffn);
  const vmm = Number(answer >> 32n);
  const needed = certificates && ghcb.has(Layout.RBX) ? ghcb.get(Layout.RBX) : 0n;
  const result = { ...failed, firmware, vmm, pages: needed };
  if (answer === 0n) return { ...result, outcome: "ok" };
  if (firmware !== 0) return result;
  if (vmm === Layout.VMM_BUSY) return { ...result, outcome: "again" };
  if (vmm === Layout.VMM_INVALID_LEN && certificates) return { ...result, outcome: "space" };
  return result;
}
