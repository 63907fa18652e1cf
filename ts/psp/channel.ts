// The channel between a guest and the firmware: one message each way, sealed and counted. SNP firmware ABI (AMD 56860), 8.26.
import * as Message from "../abi/message.ts";
import { viewOf } from "../layout.ts";
import { openMessage, sealAnswer } from "./envelope.ts";
import { absorb, absorbNoMa } from "./request/absorb.ts";
import { cpuid } from "./request/cpuid.ts";
import type { MessageEntry, Scene } from "./request/entry.ts";
import { exportGuest } from "./request/export.ts";
import { importGuest } from "./request/import.ts";
import { key } from "./request/key.ts";
import { report } from "./request/report.ts";
import { tscInfo } from "./request/tsc-info.ts";
import { vmrk } from "./request/vmrk.ts";

const messages = new Map<number, MessageEntry>([
  [Message.CPUID_REQ, cpuid],
  [Message.KEY_REQ, key],
  [Message.REPORT_REQ, report],
  [Message.EXPORT_REQ, exportGuest],
  [Message.IMPORT_REQ, importGuest],
  [Message.ABSORB_REQ, absorb],
  [Message.VMRK_REQ, vmrk],
  [Message.ABSORB_NOMA_REQ, absorbNoMa],
  [Message.TSC_INFO_REQ, tscInfo],
]);

/**
 * Answers the message in a request page with a response page. A number is the command's status: then nothing has changed, no count.
 * What is wrong in the payload alone is said in the response, and counts.
 */
export function guestRequest(scene: Scene, request: Uint8Array): Uint8Array | number {
  const { guest } = scene;
  const opened = openMessage(messages, guest, request);
  if (typeof opened === "number") return opened;
  const { head, entry, payload } = opened;
  const { version, vmpck: vmpl } = head;
  const answered = entry.run({ ...scene, vmpl, version, payload, view: viewOf(payload) });
  const response = sealAnswer(guest, head, answered.payload);
  answered.apply?.();
  return response;
}
