// Keys that a guest's messages need: endorsement keys by TCB, and keys derived from a root. SNP firmware ABI (AMD 56860), 7.2.
import * as Mix from "../abi/key-mix.ts";
import * as Message from "../abi/message.ts";
import * as Request from "../abi/message-key-req.ts";
import { chipSecretsOf, vcekOf, vlekOf } from "../attest/evidence/secret.ts";
import { kdf } from "../kdf.ts";
import { bitOf, viewOf } from "../layout.ts";
import type { PlatformFacts } from "./facts.ts";
import type { GuestContext } from "./guest.ts";

export type EndorsementKind = "VCEK" | "VLEK";

/** True when no byte of TCB_VERSION `a` is above that of `b`. */
export function tcbAtMost(a: bigint, b: bigint): boolean {
  for (let shift = 0n; shift < 64n; shift += 8n) {
    if (((a >> shift) & 0xffn) > ((b >> shift) & 0xffn)) return false;
  }
  return true;
}

/** Endorsement keys of a chip. The chain to one costs up to 2,040 hashes (5 ms), so those made are remembered. */
export class RootKeys {
  readonly #made = new Map<string, Uint8Array>();

  /** 48 bytes; undefined when the VLEK is not loaded, or only for a lower TCB. */
  endorsement(kind: EndorsementKind, facts: PlatformFacts, tcb: bigint): Uint8Array | undefined {
    const { seed, product, vlek } = facts;
    if (kind === "VLEK") {
      if (!vlek || !tcbAtMost(tcb, vlek.tcb)) return undefined;
      return vlekOf(vlek.sticks, vlek.tcb, tcb);
    }
    const name = `${seed} ${product} ${tcb}`;
    const known = this.#made.get(name);
    if (known) return known;
    const key = vcekOf(chipSecretsOf(seed, product).vcekSeed, tcb);
    this.#made.set(name, key);
    return key;
  }
}

/** Which endorsement key KEY_SEL means for this guest; undefined when it may not have it or there is none. */
export function selectedKey(
  facts: PlatformFacts,
  guest: GuestContext,
  select: number,
): EndorsementKind | undefined {
  const vlek = facts.vlek !== undefined;
  if (select === Message.KEY_SEL_VLEK) return vlek ? "VLEK" : undefined;
  if (select === Message.KEY_SEL_VLEK_OR_VCEK && vlek) return "VLEK";
  return guest.vcekDisable ? undefined : "VCEK";
}

/** A MSG_KEY_REQ that has been found in order. */
export interface KeyRequest {
  readonly flags: number;
  readonly select: bigint;
  readonly vmpl: number;
  readonly guestSvn: number;
  readonly tcb: bigint;
  readonly mitVector: bigint;
}

/** What the key depends on: the fields selected, and always VMPL, HOST_DATA and the keys that signed the ID block. */
function mixOf(guest: GuestContext, asked: KeyRequest): Uint8Array {
  const { policy, measurement, hostData, idBlock } = guest;
  const bytes = new Uint8Array(Mix.SIZE);
  const view = viewOf(bytes);
  const selected = (bit: number) => bitOf(asked.select, bit);
  view.setUint32(Mix.FLAGS, asked.flags, true);
  view.setBigUint64(Mix.GUEST_FIELD_SELECT, asked.select, true);
  view.setUint32(Mix.VMPL, asked.vmpl, true);
  bytes.set(hostData, Mix.HOST_DATA);
  if (idBlock) {
    bytes.set(idBlock.idKeyDigest, Mix.ID_KEY_DIGEST);
    bytes.set(idBlock.authorKeyDigest, Mix.AUTHOR_KEY_DIGEST);
  }
  if (selected(Request.SELECT_GUEST_SVN_BIT)) view.setUint32(Mix.GUEST_SVN, asked.guestSvn, true);
  if (selected(Request.SELECT_TCB_VERSION_BIT)) {
    view.setBigUint64(Mix.TCB_VERSION, asked.tcb, true);
  }
  if (selected(Request.SELECT_LAUNCH_MIT_VECTOR_BIT)) {
    view.setBigUint64(Mix.LAUNCH_MIT_VECTOR, asked.mitVector, true);
  }
  if (selected(Request.SELECT_GUEST_POLICY_BIT)) view.setBigUint64(Mix.POLICY, policy, true);
  if (selected(Request.SELECT_MEASUREMENT_BIT)) bytes.set(measurement, Mix.MEASUREMENT);
  if (selected(Request.SELECT_IMAGE_ID_BIT) && idBlock) bytes.set(idBlock.imageId, Mix.IMAGE_ID);
  if (selected(Request.SELECT_FAMILY_ID_BIT) && idBlock) {
    bytes.set(idBlock.familyId, Mix.FAMILY_ID);
  }
  return bytes;
}

/** A derived key, 32 bytes. */
export const derivedKey = (root: Uint8Array, guest: GuestContext, asked: KeyRequest): Uint8Array =>
  kdf(root, "gmsg-keyreq", 32, mixOf(guest, asked));
