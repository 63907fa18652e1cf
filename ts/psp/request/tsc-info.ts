// MSG_TSC_INFO_REQ: what a guest with a secure TSC scales it by. SNP firmware ABI (AMD 56860), 7.10.
import * as Message from "../../abi/message.ts";
import * as Request from "../../abi/message-tsc-info-req.ts";
import * as Response from "../../abi/message-tsc-info-rsp.ts";
import { isWellFormed, viewOf } from "../../layout.ts";
import type { PlatformFacts } from "../facts.ts";
import type { GuestContext } from "../guest.ts";
import type { MessageEntry } from "./entry.ts";
import { refused } from "./response.ts";

/** Spread-spectrum clocking is off here: nothing to take away. */
export const TSC_FACTOR = 0;

/** The guest's frequency over the chip's, with 32 bits of fraction; DESIRED_TSC_KHZ of 0 leaves it alone. */
export function tscScale({ chip }: PlatformFacts, { desiredTscKhz }: GuestContext): bigint {
  const one = 1n << BigInt(Response.SCALE_FRACTION_WIDTH);
  return desiredTscKhz === 0 ? one : (BigInt(desiredTscKhz) * one) / BigInt(chip.tscKhz);
}

export const tscInfo: MessageEntry = {
  versions: 1,
  fits: (bytes) => bytes === Request.SIZE,
  run({ facts, guest, view }) {
    if (!isWellFormed(Request, view)) return refused(Message.INVALID_PARAMETERS, Response.SIZE);
    const payload = new Uint8Array(Response.SIZE);
    viewOf(payload).setBigUint64(Response.GUEST_TSC_SCALE, tscScale(facts, guest), true);
    viewOf(payload).setUint32(Response.TSC_FACTOR, TSC_FACTOR, true);
    return { payload };
  },
};
