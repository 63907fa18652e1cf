// MSG_CPUID_REQ: the firmware checks CPUID functions that somebody told the guest of. SNP firmware ABI (AMD 56860), 7.1.
import * as Entry from "../../abi/cpuid-entry.ts";
import * as Page from "../../abi/cpuid-page.ts";
import * as Message from "../../abi/message.ts";
import * as Response from "../../abi/message-cpuid-rsp.ts";
import { isZero } from "../../attest/bytes.ts";
import { viewOf } from "../../layout.ts";
import type { MessageEntry } from "./entry.ts";
import { refused } from "./response.ts";

const bytesOf = (count: number) => Response.SIZE + count * Entry.SIZE;

export const cpuid: MessageEntry = {
  versions: 1,
  fits: (bytes) =>
    (bytes - Response.SIZE) % Entry.SIZE === 0 && bytes <= bytesOf(Page.MOST_ENTRIES),
  run({ correctCpuid, payload, view }) {
    const count = view.getUint32(Page.COUNT, true);
    const inOrder =
      bytesOf(count) === payload.length &&
      isZero(payload.subarray(Page.RESERVED_004, Page.ENTRIES));
    if (!inOrder) return refused(Message.INVALID_PARAMETERS, Response.SIZE);
    const corrected = payload.slice();
    const entries = corrected.subarray(Page.ENTRIES);
    const safe = correctCpuid(entries);
    viewOf(corrected).setUint32(Response.STATUS, safe ? 0 : Message.INVALID_PARAMETERS, true);
    viewOf(corrected).setUint32(Response.COUNT, count, true);
    return { payload: corrected };
  },
};
