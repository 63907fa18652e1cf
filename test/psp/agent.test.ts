// A migration agent's messages: root keys, export, import, absorb; between two platforms. SNP firmware ABI (AMD 56860), 4.10 and 7.
import * as Message from "../../dist/abi/message.js";
import { type GuestContext, GuestState } from "../../dist/psp/guest.js";
import { assert, suite } from "../kit.ts";
import { ask, factsOf, GCTX, guestOf, type SceneOptions, sceneOf, statusOf } from "./scene.ts";

const test = suite("a migration agent");

const PLACE = 0x200000n;
const MIGRATES = 0x70000n;
const [OK, REFUSED] = [0, 0x16];

const own = (changes: Partial<GuestContext> = {}) =>
  guestOf({ policy: MIGRATES, maContext: GCTX, ...changes }, 1);

function payloadOf(bytes: number, gctx: bigint, rest: [number, Uint8Array][] = []): Uint8Array {
  const payload = new Uint8Array(bytes);
  new DataView(payload.buffer).setBigUint64(0, gctx, true);
  for (const [at, part] of rest) payload.set(part, at);
  return payload;
}

/** The exported context, or the status. */
function exported(options: SceneOptions, flags = 0): Uint8Array | number {
  const payload = payloadOf(0x10, PLACE, [[8, Uint8Array.of(flags)]]);
  const answer = ask(sceneOf(options), { type: Message.EXPORT_REQ }, payload) as Uint8Array;
  if (statusOf(answer) !== OK) {
    assert.ok(answer.subarray(4).every((byte) => byte === 0));
    return statusOf(answer);
  }
  assert.is(new DataView(answer.buffer).getUint32(4, true), 0x300);
  assert.is(new DataView(answer.buffer).getUint32(8, true), 2);
  return answer.slice(0x20);
}

const HEAD = Uint8Array.of(0, 3, 0, 0, 2, 0, 0, 0);
const arrival = (context: Uint8Array, gctx = PLACE) =>
  payloadOf(0x320, gctx, [
    [8, HEAD],
    [0x20, context],
  ]);

const fresh = () =>
  guestOf({ state: GuestState.INIT, policy: 0n, asid: 0, vmpck: [], messageCount: [] }, 2);

function imported(context: Uint8Array, place: GuestContext | undefined = fresh()) {
  const others = new Map(place ? [[PLACE, place]] : []);
  const scene = sceneOf({ others, facts: factsOf("Milan") });
  const status = statusOf(ask(scene, { type: Message.IMPORT_REQ }, arrival(context)));
  return { status, guest: others.get(PLACE), scene };
}

const idBlock = {
  familyId: new Uint8Array(16).fill(1),
  imageId: new Uint8Array(16).fill(2),
  guestSvn: 9,
  block: new Uint8Array(96),
  idKeyDigest: new Uint8Array(48).fill(4),
  authorKeyEn: true,
  authorKeyDigest: new Uint8Array(48).fill(5),
};
idBlock.block.set(idBlock.familyId, 0x30);
idBlock.block.set(idBlock.imageId, 0x40);
idBlock.block[0x54] = 9;

test("takes its guest from one platform to another, with all that the guest is but its memory key", () => {
  const vmrk = new Uint8Array(32).fill(8);
  const messageCount = [4n, 0n, 6n, 2n];
  const guest = own({ idBlock, vmrk, messageCount, vcekDisable: true, desiredTscKhz: 1_900_000 });
  const context = exported({ others: new Map([[PLACE, guest]]) }) as Uint8Array;
  assert.is(context.length, 0x300);
  const { status, guest: arrived, scene } = imported(context);
  assert.is(status, OK);
  const { asid, vek, tweakKey, reportIdMa, maContext, launchTcb, launchMitVector, ...rest } =
    arrived as GuestContext;
  const { facts } = scene;
  assert.equal(reportIdMa, scene.guest.reportId);
  assert.equal([asid, maContext], [0, GCTX]);
  assert.equal([launchTcb, launchMitVector], [facts.tcb.current, facts.mitigationVector]);
  assert.not.equal(vek, guest.vek);
  assert.not.equal(tweakKey, guest.tweakKey);
  const kept = Object.fromEntries(Object.keys(rest).map((key) => [key, guest[key as "policy"]]));
  assert.equal(rest as unknown, kept);
});

test("exports only a guest of its own, that runs, whose policy lets it go, and which has no device", () => {
  const rows: [string, GuestContext | undefined, SceneOptions, number][] = [
    ["another agent's", own({ maContext: 0x300000n }), {}, 0],
    ["nobody's", own({ maContext: undefined }), {}, 0],
    ["no context", undefined, {}, 0],
    ["in INIT", own({ state: GuestState.INIT }), {}, 0],
    ["in LAUNCH", own({ state: GuestState.LAUNCH }), {}, 0],
    ["never allowed", own({ policy: 0x30000n }), {}, 0],
    ["with a device", own(), { bound: true }, 0],
    ["no IMI", own(), {}, 1],
    ["reserved flag", own(), {}, 2],
  ];
  for (const [name, guest, options, flags] of rows) {
    const others = new Map(guest ? [[PLACE, guest]] : []);
    const before = structuredClone(guest);
    assert.is(exported({ ...options, others }, flags), REFUSED, name);
    assert.equal(others.get(PLACE), before, name);
  }
  const self = ask(
    sceneOf({ guest: own(), others: new Map([[GCTX, own()]]) }),
    { type: Message.EXPORT_REQ },
    payloadOf(0x10, GCTX),
  );
  assert.is(statusOf(self), REFUSED, "itself");
  const others = new Map([[PLACE, own({ imiEn: true })]]);
  assert.type(exported({ others }, 1), "object", "an IMI guest as one");
});

test("imports only into a fresh context, and only what is whole and may migrate", () => {
  const good = exported({ others: new Map([[PLACE, own()]]) }) as Uint8Array;
  for (const place of [
    undefined,
    own(),
    own({ state: GuestState.LAUNCH }),
    own({ state: GuestState.RUNNING }),
  ]) {
    const seen = imported(good, place);
    assert.is(place === undefined ? REFUSED : seen.status, REFUSED);
    if (place) assert.equal(seen.guest, place);
  }
  const changes: [string, number, number][] = [
    ["flags", 0x220, 0x20],
    ["policy: MIGRATE_MA", 0x22a, 0x03],
    ["policy: bit 17", 0x22a, 0x05],
    ["policy: reserved", 0x22f, 0x80],
    ["policy: firmware too old", 0x229, 0x02],
    ["state INIT", 0x230, 0],
    ["state LAUNCH", 0x230, 1],
    ["state", 0x230, 3],
    ["reserved", 0x231, 1],
    ["ID block without its flag", 0x250, 1],
    ["reserved tail", 0x2ff, 1],
  ];
  for (const [name, at, value] of changes) {
    const context = good.slice();
    context[at] = value;
    const place = fresh();
    const seen = imported(context, place);
    assert.is(seen.status, REFUSED, name);
    assert.equal(seen.guest, place, name);
  }
  for (const [at, value] of [
    [8, 1],
    [12, 3],
    [0x10, 1],
    [0x1f, 1],
  ] as const) {
    const payload = arrival(good);
    payload[at] = value;
    const scene = sceneOf({ others: new Map([[PLACE, fresh()]]) });
    assert.is(statusOf(ask(scene, { type: Message.IMPORT_REQ }, payload)), REFUSED, `byte ${at}`);
  }
});

test("gives a root key to a guest of its own alone", () => {
  const key = new Uint8Array(32).fill(3);
  const payload = payloadOf(0x40, PLACE, [[0x20, key]]);
  const said = { type: Message.VMRK_REQ };
  const others = new Map([[PLACE, own()]]);
  assert.is(statusOf(ask(sceneOf({ others }), said, payload)), OK);
  assert.equal(others.get(PLACE)?.vmrk, key);
  const foreign = new Map([[PLACE, own({ maContext: 0x300000n })]]);
  assert.is(statusOf(ask(sceneOf({ others: foreign }), said, payload)), REFUSED);
  assert.is(foreign.get(PLACE)?.vmrk, undefined);
  payload[8] = 1;
  assert.is(statusOf(ask(sceneOf({ others: new Map([[PLACE, own()]]) }), said, payload)), REFUSED);
});

/** What was exported of a guest that was launched from an initial migration image. */
const travelling = (imd: Uint8Array) => {
  const guest = own({ imiEn: true, imd, messageCount: [8n, 0n, 0n, 0n] });
  return { guest, context: exported({ others: new Map([[PLACE, guest]]) }) as Uint8Array };
};

test("has an image absorb the guest that was launched from the same image, once", () => {
  const imd = new Uint8Array(48).fill(1);
  const { guest, context } = travelling(imd);
  const image = guestOf({ policy: MIGRATES, maContext: GCTX, imiEn: true, imd }, 3);
  const others = new Map([[PLACE, image]]);
  const said = { type: Message.ABSORB_REQ };
  assert.is(statusOf(ask(sceneOf({ others }), said, arrival(context))), OK);
  const seen = others.get(PLACE) as GuestContext;
  assert.equal([seen.vek, seen.asid, seen.launchTcb], [image.vek, image.asid, image.launchTcb]);
  assert.equal([seen.measurement, seen.vmpck], [guest.measurement, guest.vmpck]);
  assert.equal([seen.messageCount, seen.oek], [guest.messageCount, guest.oek]);
  assert.is(seen.imiEn, false);
  assert.is(statusOf(ask(sceneOf({ others }), said, arrival(context))), REFUSED, "twice");
  const rows: [string, Partial<GuestContext>][] = [
    ["another image", { imd: new Uint8Array(48).fill(2) }],
    ["no image", { imiEn: false }],
    ["not launched", { state: GuestState.LAUNCH }],
    ["another agent's", { maContext: 0x300000n }],
  ];
  for (const [name, change] of rows) {
    const wrong = { ...image, ...change };
    const places = new Map([[PLACE, wrong]]);
    assert.is(statusOf(ask(sceneOf({ others: places }), said, arrival(context))), REFUSED, name);
    assert.equal(places.get(PLACE), wrong, name);
  }
});

test("is not needed where the image absorbs by itself: the keys and counts that came are the next message's", () => {
  const imd = new Uint8Array(48).fill(1);
  const { guest, context } = travelling(imd);
  const image = guestOf({ policy: MIGRATES, imiEn: true, imd }, 3);
  const scene = sceneOf({ guest: image });
  const said = { type: Message.ABSORB_NOMA_REQ };
  assert.is(statusOf(ask(scene, said, arrival(context))), REFUSED, "GCTX_PADDR is reserved");
  assert.is(statusOf(ask(scene, said, arrival(context, 0n))), OK);
  assert.equal(scene.guest.vmpck, guest.vmpck);
  assert.equal(scene.guest.messageCount, [8n, 0n, 0n, 0n]);
  assert.type(ask(scene, { type: Message.REPORT_REQ }, new Uint8Array(0x60)), "object");
  assert.equal(scene.guest.messageCount, [10n, 0n, 0n, 0n]);
  const agent = sceneOf({ guest: guestOf({ imiEn: true, imd, maContext: 0x300000n }, 3) });
  assert.is(statusOf(ask(agent, said, arrival(context, 0n))), REFUSED, "has an agent");
});
