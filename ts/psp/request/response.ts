// Responses of guest messages: a layout's bytes with STATUS at their front. SNP firmware ABI (AMD 56860), 7.
import * as StatusOnly from "../../abi/message-status-rsp.ts";
import { viewOf } from "../../layout.ts";
import type { Answered } from "./entry.ts";

/** A response of `size` bytes that says `status` and nothing else. */
export function refused(status: number, size: number = StatusOnly.SIZE): Answered {
  const payload = new Uint8Array(size);
  viewOf(payload).setUint32(StatusOnly.STATUS, status, true);
  return { payload };
}
