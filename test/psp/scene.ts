// A platform's facts and a guest's context, as the messages' tests want them, and what carries a message to the firmware.
import { chipIdOf, defaultTcb } from "../../dist/attest/evidence/index.js";
import { hashSticksOf } from "../../dist/attest/evidence/secret.js";
import { composeTcb } from "../../dist/attest/index.js";
import type { Product } from "../../dist/attest/product.js";
import { chips } from "../../dist/chip/index.js";
import { type MessageHead, seal, unseal } from "../../dist/guest-message.js";
import { prng } from "../../dist/prng.js";
import { guestRequest } from "../../dist/psp/channel.js";
import type { PlatformFacts } from "../../dist/psp/facts.js";
import { type GuestContext, GuestState } from "../../dist/psp/guest.js";
import { RootKeys } from "../../dist/psp/keys.js";
import type { Scene } from "../../dist/psp/request/entry.js";

const names = { Milan: "milan", Genoa: "genoa", Turin: "turin" } as const;

export function factsOf(product: Product, changes: Partial<PlatformFacts> = {}): PlatformFacts {
  const tcb = composeTcb(defaultTcb[product], product);
  const version = { major: 1, minor: 55, build: 31 };
  return {
    chip: chips[names[product]],
    product,
    seed: "scene",
    chipId: chipIdOf("scene", product),
    tcb: { current: tcb, committed: tcb, reported: tcb },
    version: { current: version, committed: version },
    platformInfo: 0x25n,
    maskChipId: false,
    maskChipKey: false,
    mitigationVector: 0n,
    dialect: "abi",
    ...changes,
  };
}

const filled = (bytes: number, value: number) => new Uint8Array(bytes).fill(value);

/** A running guest, every field of it with bytes of its own. */
export function guestOf(changes: Partial<GuestContext> = {}, salt = 0): GuestContext {
  const chance = prng(BigInt(salt), "a guest");
  return {
    state: GuestState.RUNNING,
    asid: 1 + salt,
    policy: 0x30000n,
    reportId: chance.bytes(32),
    reportIdMa: filled(32, 0xff),
    measurement: chance.bytes(48),
    imd: chance.bytes(48),
    hostData: chance.bytes(32),
    vcekDisable: false,
    launchTcb: 0x0400000000000004n,
    launchMitVector: 0b11n,
    gosvw: chance.bytes(16),
    imiEn: false,
    desiredTscKhz: 0,
    vek: chance.bytes(16),
    tweakKey: chance.bytes(16),
    oek: chance.bytes(32),
    oekIv: 5n,
    vmpck: [0, 1, 2, 3].map(() => chance.bytes(32)),
    messageCount: [0n, 0n, 0n, 0n],
    rootMetadata: chance.bytes(64),
    ...changes,
  };
}

export const GCTX = 0x100000n;

export interface SceneOptions {
  facts?: PlatformFacts;
  guest?: GuestContext;
  /** Other contexts, by page. */
  others?: Map<bigint, GuestContext>;
  bound?: boolean;
}

export function sceneOf(options: SceneOptions = {}): Scene {
  const others = options.others ?? new Map<bigint, GuestContext>();
  return {
    facts: options.facts ?? factsOf("Milan"),
    keys: new RootKeys(),
    gctx: GCTX,
    guest: options.guest ?? guestOf(),
    contexts: {
      open: (gctx) => others.get(gctx) ?? 0x10,
      save: (gctx, context) => void others.set(gctx, context),
    },
    isBound: () => options.bound ?? false,
    correctCpuid: () => true,
    chance: prng(7n, "scene"),
  };
}

export type Said = Partial<MessageHead> & { type: number };

/** The next message under a key, as a page. */
export function messageOf(scene: Scene, said: Said, payload: Uint8Array): Uint8Array {
  const vmpck = said.vmpck ?? 0;
  const seqno = (scene.guest.messageCount[vmpck] as bigint) + 1n;
  return seal(scene.guest.vmpck[vmpck]!, { vmpck, seqno, version: 1, ...said }, payload);
}

/** Sends a message and opens the response; a status when the command refuses it. */
export function ask(scene: Scene, said: Said, payload: Uint8Array): Uint8Array | number {
  const key = scene.guest.vmpck[said.vmpck ?? 0]!.slice();
  const request = messageOf(scene, said, payload);
  const response = guestRequest(scene, request);
  if (typeof response === "number") return response;
  const view = new DataView(response.buffer);
  const size = view.getUint16(0x36, true);
  const opened = unseal(key, response, { seqno: view.getBigUint64(0x20, true), size });
  if (!opened) throw new Error("the response does not open");
  return opened;
}

export const statusOf = (payload: Uint8Array | number): number =>
  typeof payload === "number" ? -1 : new DataView(payload.buffer).getUint32(0, true);

/** The hash sticks of this seed's provider. */
export const loaded = (product: Product, tcb: bigint) => ({
  sticks: hashSticksOf("scene", product, "CN=cloister.invalid", tcb),
  tcb,
});

/** Writes a little-endian number. */
export const word = (bytes: Uint8Array, offset: number, value: bigint, width: 4 | 8 = 4) => {
  const view = new DataView(bytes.buffer);
  if (width === 4) view.setUint32(offset, Number(value), true);
  else view.setBigUint64(offset, value, true);
};
