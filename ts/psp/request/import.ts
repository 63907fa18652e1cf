// MSG_IMPORT_REQ: a migration agent puts a guest that it brought into a fresh context. SNP firmware ABI (AMD 56860), 7.5.
import * as Exported from "../../abi/exported-context.ts";
import * as Message from "../../abi/message.ts";
import * as Request from "../../abi/message-import-req.ts";
import { isWellFormed } from "../../layout.ts";
import { dialects } from "../dialect.ts";
import { type GuestContext, GuestState } from "../guest.ts";
import { allowsMigration, memoryKeyBytes } from "../policy.ts";
import { otherGuest } from "./agent.ts";
import type { Asked, MessageEntry } from "./entry.ts";
import { importContext, type Travelling } from "./exported.ts";
import { refused } from "./response.ts";

/** The guest in a request, when it is whole and this platform may run it. Shared with MSG_ABSORB_REQ. */
export function arriving({ facts, payload, view }: Asked): Travelling | undefined {
  const known =
    isWellFormed(Request, view) &&
    view.getUint32(Request.GCTX_SIZE, true) === Exported.SIZE &&
    view.getUint32(Request.GCTX_VERSION, true) === Exported.VERSION_2;
  if (!known) return undefined;
  const guest = importContext(payload.slice(Request.GCTX, Request.SIZE));
  return guest &&
    allowsMigration(guest.policy) &&
    dialects[facts.dialect].keeps(facts, guest.policy)
    ? guest
    : undefined;
}

/** What a platform adds: memory keys of its own, its TCB, and the agent. LAUNCH_TCB is that at launch or import. */
function settled(asked: Asked, guest: Travelling): GuestContext {
  const { facts, chance, gctx, guest: agent } = asked;
  const bytes = memoryKeyBytes(facts, guest.policy);
  return {
    ...guest,
    asid: 0,
    vek: chance.bytes(bytes),
    tweakKey: chance.bytes(bytes),
    launchTcb: facts.tcb.current,
    launchMitVector: facts.mitigationVector,
    reportIdMa: agent.reportId,
    maContext: gctx,
  };
}

export const importGuest: MessageEntry = {
  versions: 1,
  fits: (bytes) => bytes === Request.SIZE,
  run(asked) {
    const gctx = asked.view.getBigUint64(Request.GCTX_PADDR, true);
    const place = otherGuest(asked, gctx);
    const guest = arriving(asked);
    if (place?.state !== GuestState.INIT || !guest) return refused(Message.INVALID_PARAMETERS);
    const apply = () => asked.contexts.save(gctx, settled(asked, guest));
    return { ...refused(Message.SUCCESS), apply };
  },
};
