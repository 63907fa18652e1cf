// MSG_EXPORT_REQ: a migration agent takes a guest of its own along. SNP firmware ABI (AMD 56860), 7.4.
import * as Exported from "../../abi/exported-context.ts";
import * as Message from "../../abi/message.ts";
import * as Request from "../../abi/message-export-req.ts";
import * as Response from "../../abi/message-export-rsp.ts";
import { bitOf, isWellFormed, viewOf } from "../../layout.ts";
import { GuestState } from "../guest.ts";
import { allowsMigration } from "../policy.ts";
import { ownGuest } from "./agent.ts";
import type { Asked, MessageEntry } from "./entry.ts";
import { exportContext } from "./exported.ts";
import { refused } from "./response.ts";

/** The guest named, when it may leave: its policy allows it, it runs, no device is bound to it. */
function leaving(asked: Asked) {
  const { view, isBound } = asked;
  if (!isWellFormed(Request, view)) return undefined;
  const guest = ownGuest(asked, view.getBigUint64(Request.GCTX_PADDR, true));
  const imi = bitOf(view.getUint32(Request.FLAGS, true), Request.IMI_EN_BIT);
  if (!guest || guest.state !== GuestState.RUNNING || !allowsMigration(guest.policy))
    return undefined;
  return isBound(guest) || (imi && !guest.imiEn) ? undefined : guest;
}

export const exportGuest: MessageEntry = {
  versions: 1,
  fits: (bytes) => bytes === Request.SIZE,
  run(asked) {
    const guest = leaving(asked);
    if (!guest) return refused(Message.INVALID_PARAMETERS, Response.SIZE);
    const payload = new Uint8Array(Response.SIZE);
    viewOf(payload).setUint32(Response.GCTX_SIZE, Exported.SIZE, true);
    viewOf(payload).setUint32(Response.GCTX_VERSION, Exported.VERSION_2, true);
    payload.set(exportContext(guest), Response.GCTX);
    return { payload };
  },
};
