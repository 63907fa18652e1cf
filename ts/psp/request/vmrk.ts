// MSG_VMRK_REQ: a migration agent gives a guest of its own the root of its derived keys. SNP firmware ABI (AMD 56860), 7.7.
import * as Message from "../../abi/message.ts";
import * as Request from "../../abi/message-vmrk-req.ts";
import { isWellFormed } from "../../layout.ts";
import { ownGuest } from "./agent.ts";
import type { MessageEntry } from "./entry.ts";
import { refused } from "./response.ts";

export const vmrk: MessageEntry = {
  versions: 1,
  fits: (bytes) => bytes === Request.SIZE,
  run(asked) {
    const { contexts, payload, view } = asked;
    const gctx = view.getBigUint64(Request.GCTX_PADDR, true);
    const guest = isWellFormed(Request, view) ? ownGuest(asked, gctx) : undefined;
    if (!guest) return refused(Message.INVALID_PARAMETERS);
    const root = payload.slice(Request.VMRK, Request.SIZE);
    const apply = () => contexts.save(gctx, { ...guest, vmrk: root });
    return { ...refused(Message.SUCCESS), apply };
  },
};
