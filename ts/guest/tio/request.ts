// SEV-TIO's two exits: an operation upon a device, and a message to the firmware about one. A draft: AMD's Linux series of 2025.
import * as Code from "../../abi/exit.ts";
import * as Layout from "../../abi/ghcb.ts";
import * as Tio from "../../abi/ghcb-tio.ts";
import type { Cpu, Step } from "../cpu.ts";
import { plainCall } from "../ghcb/event.ts";
import type { CertificatePages, RequestPages, RequestResult } from "../ghcb/request.ts";
import type { SevGuest } from "../sev.ts";

/** What goes along with a message: the device, and words for the host that it may act upon. */
export interface TioAsk {
  rid: number;
  param: bigint;
  /** Shared pages for the evidence. */
  evidence?: CertificatePages | undefined;
}

/** Answers the firmware's status; undefined when the hypervisor refused. */
export function* tioOperation(
  cpu: Cpu,
  guest: SevGuest,
  operation: number,
  rid: number,
): Step<number | undefined> {
  const info = (BigInt(operation) << BigInt(Tio.OP_LSB)) | BigInt(rid);
  const answer = yield* plainCall(cpu, guest, Code.VMGEXIT_TIO_OP, info, 0n);
  return answer === undefined ? undefined : Number(answer & 0xffff_ffffn);
}

/** Sends the message in `pages.request`; the answer comes to `pages.response`. */
export function* tioGuestRequest(
  cpu: Cpu,
  { ghcb }: SevGuest,
  { request, response }: RequestPages,
  { rid, param, evidence }: TioAsk,
): Step<RequestResult> {
  return yield* ghcb.alone(cpu, function* () {
    ghcb.clear();
    ghcb.set(Layout.RCX, BigInt(rid));
    ghcb.set(Layout.RDX, param);
    if (evidence) {
      ghcb.set(Layout.RAX, evidence.gpa);
      ghcb.set(Layout.RBX, evidence.pages);
    }
    const code = Code.VMGEXIT_TIO_GUEST_REQUEST;
    const verdict = yield* ghcb.call(cpu, code, request, response);
    const failed: RequestResult = { outcome: "failed", firmware: 0, vmm: 0, pages: 0n };
    if (verdict !== "ok" || !ghcb.has(Layout.SW_EXITINFO2)) return failed;
    const answer = ghcb.get(Layout.SW_EXITINFO2);
    const pages = evidence && ghcb.has(Layout.RBX) ? ghcb.get(Layout.RBX) : 0n;
    const [firmware, vmm] = [Number(answer & 0xffff_ffffn), Number(answer >> 32n)];
    const outcome = answer === 0n ? "ok" : vmm === Layout.VMM_INVALID_LEN ? "space" : "failed";
    return { outcome, firmware, vmm, pages };
  });
}
