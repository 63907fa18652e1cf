// MSG_KEY_REQ: a key derived from the chip's, the provider's or the VM's root, for sealing. SNP firmware ABI (AMD 56860), 7.2.
import * as Message from "../../abi/message.ts";
import * as Request from "../../abi/message-key-req.ts";
import * as Response from "../../abi/message-key-rsp.ts";
import { bitOf } from "../../layout.ts";
import type { PlatformFacts } from "../facts.ts";
import type { GuestContext } from "../guest.ts";
import { derivedKey, type KeyRequest, selectedKey, tcbAtMost } from "../keys.ts";
import type { Asked, MessageEntry } from "./entry.ts";
import { refused } from "./response.ts";

const FIRST = { select: Request.VERSION_1_SELECT_WIDTH, bytes: Request.VERSION_1_SIZE };
const SECOND = { select: Request.SELECT_WIDTH, bytes: Request.SIZE };
const formOf = (version: number) => (version === 1 ? FIRST : SECOND);

function requestOf({ view, version }: Asked): KeyRequest {
  return {
    flags: view.getUint32(Request.FLAGS, true),
    select: view.getBigUint64(Request.GUEST_FIELD_SELECT, true),
    vmpl: view.getUint32(Request.VMPL, true),
    guestSvn: view.getUint32(Request.GUEST_SVN, true),
    tcb: view.getBigUint64(Request.TCB_VERSION, true),
    mitVector: version === 1 ? 0n : view.getBigUint64(Request.LAUNCH_MIT_VECTOR, true),
  };
}

const FLAGS_WIDTH = Request.KEY_SEL_LSB + Request.KEY_SEL_WIDTH;
const keySelOf = (flags: number) => (flags >> Request.KEY_SEL_LSB) & 3;

/** Whether the request stays within what the guest is and what the firmware has been committed to. */
function isInOrder(request: KeyRequest, asked: Asked): boolean {
  const { facts, guest, vmpl, version, view } = asked;
  const { flags, select, guestSvn, tcb, mitVector } = request;
  const selected = (bit: number) => bitOf(select, bit);
  const svn = guest.idBlock?.guestSvn ?? 0;
  return (
    flags >>> FLAGS_WIDTH === 0 &&
    keySelOf(flags) !== 3 &&
    view.getUint32(Request.RESERVED_04, true) === 0 &&
    select >> BigInt(formOf(version).select) === 0n &&
    request.vmpl >= vmpl &&
    request.vmpl <= 3 &&
    (!selected(Request.SELECT_GUEST_SVN_BIT) || guestSvn <= svn) &&
    (!selected(Request.SELECT_TCB_VERSION_BIT) || tcbAtMost(tcb, facts.tcb.committed)) &&
    (!selected(Request.SELECT_LAUNCH_MIT_VECTOR_BIT) || (mitVector & ~guest.launchMitVector) === 0n)
  );
}

/**
 * The root: VMRK, or an endorsement key of the TCB that was selected, else of the lowest, so that a key outlives an update.
 * Undefined when the guest has none such.
 */
function rootOf(request: KeyRequest, { keys, facts, guest }: Asked): Uint8Array | undefined {
  if (bitOf(request.flags, Request.ROOT_KEY_SELECT_BIT)) return guest.vmrk;
  const kind = selectedKey(facts, guest, keySelOf(request.flags));
  if (kind === undefined || isMasked(kind, facts)) return undefined;
  const bound = bitOf(request.select, Request.SELECT_TCB_VERSION_BIT);
  return keys.endorsement(kind, facts, bound ? request.tcb : 0n);
}

/** MASK_CHIP_KEY takes the VCEK out of use. AMD 56860, SNP_CONFIG. */
const isMasked = (kind: string, facts: PlatformFacts) => kind === "VCEK" && facts.maskChipKey;

function answer(guest: GuestContext, root: Uint8Array, request: KeyRequest): Uint8Array {
  const payload = new Uint8Array(Response.SIZE);
  payload.set(derivedKey(root, guest, request), Response.DERIVED_KEY);
  return payload;
}

export const key: MessageEntry = {
  versions: 2,
  fits: (bytes, version) => bytes === formOf(version).bytes,
  run(asked) {
    const request = requestOf(asked);
    if (!isInOrder(request, asked)) return refused(Message.INVALID_PARAMETERS, Response.SIZE);
    const root = rootOf(request, asked);
    if (!root) return refused(Message.INVALID_KEY, Response.SIZE);
    return { payload: answer(asked.guest, root, request) };
  },
};
