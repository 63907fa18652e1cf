// MSG_ABSORB_REQ and MSG_ABSORB_NOMA_REQ: a guest launched from an initial migration image becomes the guest that was brought.
// SNP firmware ABI (AMD 56860), 7.6 and 7.8.
import * as Message from "../../abi/message.ts";
import * as Request from "../../abi/message-import-req.ts";
import { equal } from "../../attest/bytes.ts";
import { type GuestContext, GuestState } from "../guest.ts";
import { ownGuest } from "./agent.ts";
import type { Asked, MessageEntry } from "./entry.ts";
import type { Travelling } from "./exported.ts";
import { arriving } from "./import.ts";
import { refused } from "./response.ts";

/** An image takes in only what was launched from the same image, and once. */
const takes = (image: GuestContext, guest: Travelling) =>
  image.state === GuestState.RUNNING && image.imiEn && guest.imiEn && equal(image.imd, guest.imd);

/** Memory key, ASID, TCB at launch and agent stay the image's. */
const absorbed = (image: GuestContext, guest: Travelling): GuestContext => ({
  ...image,
  ...guest,
  imiEn: false,
});

function answer(asked: Asked, image: GuestContext | undefined, save: (one: GuestContext) => void) {
  const guest = arriving(asked);
  if (!image || !guest || !takes(image, guest)) return refused(Message.INVALID_PARAMETERS);
  return { ...refused(Message.SUCCESS), apply: () => save(absorbed(image, guest)) };
}

/** Asked for by the agent, of a guest of its own. */
export const absorb: MessageEntry = {
  versions: 1,
  fits: (bytes) => bytes === Request.SIZE,
  run(asked) {
    const gctx = asked.view.getBigUint64(Request.GCTX_PADDR, true);
    return answer(asked, ownGuest(asked, gctx), (guest) => asked.contexts.save(gctx, guest));
  },
};

/** Asked for by the image itself, which has no agent; its next message goes under the keys and counts that came. */
export const absorbNoMa: MessageEntry = {
  versions: 1,
  fits: (bytes) => bytes === Request.SIZE,
  run(asked) {
    const { view, guest } = asked;
    const inOrder = view.getBigUint64(Request.GCTX_PADDR, true) === 0n && !guest.maContext;
    return answer(asked, inOrder ? guest : undefined, (other) => Object.assign(guest, other));
  },
};
