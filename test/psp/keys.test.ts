// Keys derived for a guest: what they depend on, what a guest may not ask for. SNP firmware ABI (AMD 56860), 7.2.
import * as Message from "../../dist/abi/message.js";
import type { PlatformFacts } from "../../dist/psp/facts.js";
import type { GuestContext } from "../../dist/psp/guest.js";
import { unwrapVlek, wrapVlek } from "../../dist/psp/vlek.js";
import { assert, suite } from "../kit.ts";
import { ask, factsOf, guestOf, loaded, sceneOf, statusOf, word } from "./scene.ts";

const test = suite("derived keys");
const [OK, INVALID_PARAM, INVALID_KEY] = [0, 0x16, 0x27];

interface KeyAsk {
  flags?: number;
  select?: bigint;
  vmpl?: number;
  svn?: number;
  tcb?: bigint;
  vector?: bigint;
  version?: number;
  vmpck?: number;
  reserved?: bigint;
}

/** The answer to MSG_KEY_REQ: a key in hexadecimal, or the status. */
function askKey(facts: PlatformFacts, guest: GuestContext, asked: KeyAsk = {}): string | number {
  const version = asked.version ?? 2;
  const payload = new Uint8Array(version === 1 ? 0x20 : 0x28);
  word(payload, 0x00, BigInt(asked.flags ?? 0));
  word(payload, 0x04, asked.reserved ?? 0n);
  word(payload, 0x08, asked.select ?? 0n, 8);
  word(payload, 0x10, BigInt(asked.vmpl ?? 0));
  word(payload, 0x14, BigInt(asked.svn ?? 0));
  word(payload, 0x18, asked.tcb ?? 0n, 8);
  if (version > 1) word(payload, 0x20, asked.vector ?? 0n, 8);
  const said = { type: Message.KEY_REQ, version, vmpck: asked.vmpck ?? 0 };
  const answer = ask(sceneOf({ facts, guest: structuredClone(guest) }), said, payload);
  if (typeof answer === "number") throw new Error(`status ${answer}`);
  assert.is(answer.length, 0x40);
  assert.ok(answer.subarray(4, 0x20).every((byte) => byte === 0));
  const key = Buffer.from(answer.subarray(0x20)).toString("hex");
  if (statusOf(answer) === OK) return key;
  assert.is(key, "00".repeat(32));
  return statusOf(answer);
}

const idBlock = {
  familyId: new Uint8Array(16).fill(1),
  imageId: new Uint8Array(16).fill(2),
  guestSvn: 9,
  block: new Uint8Array(96),
  idKeyDigest: new Uint8Array(48).fill(4),
  authorKeyEn: false,
  authorKeyDigest: new Uint8Array(48),
};

test("a derived key is the same for the same guest, on every launch and firmware, and another for each field mixed in", () => {
  const facts = factsOf("Milan");
  const guest = guestOf({ idBlock });
  const key = askKey(facts, guest);
  assert.type(key, "string");
  assert.is(askKey(facts, guest, { version: 1 }), key, "version 1 means vector 0");
  const changed: [bigint, Partial<GuestContext>][] = [
    [1n << 0n, { policy: 0xb0000n }],
    [1n << 1n, { idBlock: { ...idBlock, imageId: new Uint8Array(16) } }],
    [1n << 2n, { idBlock: { ...idBlock, familyId: new Uint8Array(16) } }],
    [1n << 3n, { measurement: new Uint8Array(48) }],
  ];
  for (const [select, change] of changed) {
    const other = { ...guest, ...change };
    assert.is(askKey(facts, other), key, "a field that is not selected is not mixed in");
    assert.not.equal(askKey(facts, guest, { select }), askKey(facts, other, { select }));
  }
  const always: Partial<GuestContext>[] = [
    { hostData: new Uint8Array(32) },
    { idBlock: { ...idBlock, idKeyDigest: new Uint8Array(48) } },
    { idBlock: { ...idBlock, authorKeyDigest: new Uint8Array(48).fill(1) } },
  ];
  for (const change of always) assert.not.equal(askKey(facts, { ...guest, ...change }), key);
  const never: Partial<GuestContext>[] = [
    { reportId: new Uint8Array(32) },
    { vek: new Uint8Array(16) },
    { launchTcb: 0n },
  ];
  for (const change of never) assert.is(askKey(facts, { ...guest, ...change }), key);
  const later = {
    ...facts.tcb,
    current: facts.tcb.current + 1n,
    reported: facts.tcb.reported + 1n,
  };
  assert.is(askKey(factsOf("Milan", { tcb: later }), guest), key, "survives an update");
  assert.not.equal(askKey(factsOf("Milan", { seed: "another chip" }), guest), key);
  const asks: KeyAsk[] = [
    { vmpl: 1 },
    { select: 1n << 4n, svn: 8 },
    { select: 1n << 4n, svn: 9 },
    { select: 1n << 5n, tcb: 0n },
    { select: 1n << 5n, tcb: 4n },
    { select: 1n << 6n, vector: 0n },
    { select: 1n << 6n, vector: 2n },
    { flags: 2 },
    ...Array.from({ length: 16 }, (_, i) => ({ select: BigInt(i) })).slice(1),
  ];
  const keys = [key, ...asks.map((one) => askKey(facts, guest, one))];
  assert.is(new Set(keys).size, keys.length);
  assert.ok(keys.every((one) => typeof one === "string"));
});

test("a derived key is refused for what the guest is not: SVN, TCB, mitigations, VMPL, reserved bits", () => {
  const facts = factsOf("Milan");
  const guest = guestOf({ idBlock });
  const { committed } = facts.tcb;
  const rows: [KeyAsk, number][] = [
    [{ select: 1n << 4n, svn: 10 }, INVALID_PARAM],
    [{ select: 1n << 5n, tcb: committed + 1n }, INVALID_PARAM],
    // each part by itself: one byte above, all others far below
    [{ select: 1n << 5n, tcb: (committed & 0xffn) + 1n }, INVALID_PARAM],
    [{ select: 1n << 5n, tcb: 1n << 8n }, INVALID_PARAM],
    [{ select: 1n << 6n, vector: 4n }, INVALID_PARAM],
    [{ select: 1n << 7n }, INVALID_PARAM],
    [{ select: 1n << 63n }, INVALID_PARAM],
    [{ select: 1n << 6n, version: 1 }, INVALID_PARAM],
    [{ vmpl: 4 }, INVALID_PARAM],
    [{ vmpck: 2, vmpl: 1 }, INVALID_PARAM],
    [{ reserved: 1n }, INVALID_PARAM],
    [{ flags: 6 }, INVALID_PARAM],
    [{ flags: 8 }, INVALID_PARAM],
    [{ flags: 4 }, INVALID_KEY],
    [{ flags: 1 }, INVALID_KEY],
  ];
  for (const [asked, status] of rows) {
    const name = Object.entries(asked).join(" ");
    assert.is(askKey(facts, guest, asked), status, name);
  }
  assert.type(askKey(facts, guest, { svn: 10, tcb: committed + 1n, vector: 4n }), "string");
  const masked = factsOf("Milan", { maskChipKey: true });
  assert.is(askKey(masked, guest), INVALID_KEY);
  assert.is(askKey(facts, { ...guest, vcekDisable: true }), INVALID_KEY);
});

test("a root key of the VM or of the provider gives other keys than the chip's", () => {
  const plain = factsOf("Milan");
  const facts = { ...plain, vlek: loaded("Milan", plain.tcb.reported) };
  const guest = guestOf({ vmrk: new Uint8Array(32).fill(6) });
  const keys = [0, 1, 2, 4].map((flags) => askKey(facts, guest, { flags }));
  assert.is(new Set(keys).size, 4);
  // the VM's own root does not depend on the chip: it migrates
  const other = { ...factsOf("Genoa"), seed: "another" };
  assert.is(askKey(other, guest, { flags: 1 }), keys[1]);
});

test("a hash stick opens on the chip it was wrapped for, unaltered, and nowhere else", () => {
  const tcb = factsOf("Milan").tcb.reported;
  const vlek = { seed: "scene", cspId: "CN=cloister.invalid", tcb };
  const page = wrapVlek("scene", "Milan", vlek);
  assert.is(page.length, 0x1b0);
  assert.equal(unwrapVlek("scene", "Milan", page), loaded("Milan", tcb));
  assert.is(unwrapVlek("other", "Milan", page), undefined);
  assert.is(unwrapVlek("scene", "Genoa", page), undefined);
  for (let at = 0; at < page.length; at += 5) {
    const changed = page.slice();
    changed[at] = changed[at]! ^ 1;
    assert.is(unwrapVlek("scene", "Milan", changed), undefined, `byte ${at}`);
  }
});
