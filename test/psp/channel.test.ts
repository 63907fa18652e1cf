// The channel between guest and firmware: envelope, order, and what a wrong header gets. SNP firmware ABI (AMD 56860), 8.26.
import * as Message from "../../dist/abi/message.js";
import * as Header from "../../dist/abi/message-header.js";
import { seal, unseal } from "../../dist/guest-message.js";
import { prng } from "../../dist/prng.js";
import { guestRequest } from "../../dist/psp/channel.js";
import { assert, skip, suite } from "../kit.ts";
import { hasShared, shared } from "../shared.ts";
import { ask, guestOf, messageOf, sceneOf, statusOf } from "./scene.ts";

const test = suite("guest messages");

const VECTORS = "guest-message-vectors.json";
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const bytes = (text: string) => new Uint8Array(Buffer.from(text, "hex"));

interface Vector {
  name: string;
  vmpck: string;
  seqno: number;
  payload: string;
  message: string;
}

test("have the envelope of the shared vectors, sealed and opened", () => {
  if (!hasShared(VECTORS)) return skip("guest message vectors", "no shared vectors");
  const vectors = shared<Vector[]>(VECTORS);
  assert.is(vectors.length, 3);
  for (const { name, vmpck, seqno, payload, message } of vectors) {
    const wanted = bytes(message);
    const [type, version] = [wanted[Header.MSG_TYPE]!, wanted[Header.MSG_VERSION]!];
    const head = { seqno: BigInt(seqno), type, version, vmpck: wanted[Header.MSG_VMPCK]! };
    const page = seal(bytes(vmpck), head, bytes(payload));
    assert.is(hex(page.subarray(0, wanted.length)), message, name);
    assert.equal(page.slice(wanted.length), new Uint8Array(4096 - wanted.length), name);
    const size = bytes(payload).length;
    assert.is(hex(unseal(bytes(vmpck), page, { seqno: head.seqno, size })!), payload, name);
  }
});

const REPORT = { type: Message.REPORT_REQ };
const reportRequest = () => new Uint8Array(0x60);

test("are numbered 1, 3, 5 and answered 2, 4, 6, each VMPCK by itself", () => {
  const scene = sceneOf();
  for (const [vmpck, times] of [
    [0, 3],
    [2, 2],
  ] as const) {
    for (let i = 0; i < times; i++) {
      const payload = reportRequest();
      payload[0x40] = vmpck;
      const response = guestRequest(scene, messageOf(scene, { ...REPORT, vmpck }, payload));
      if (typeof response === "number") throw new Error(`status ${response}`);
      const view = new DataView(response.buffer);
      assert.is(view.getBigUint64(Header.MSG_SEQNO, true), BigInt(2 * i + 2));
      assert.is(response[Header.MSG_TYPE], Message.REPORT_RSP);
      assert.is(response[Header.MSG_VMPCK], vmpck);
    }
  }
  assert.equal(scene.guest.messageCount, [6n, 0n, 4n, 0n]);
});

test("are refused when a number was used, is skipped, or none is left, and nothing is counted", () => {
  const scene = sceneOf();
  const first = messageOf(scene, REPORT, reportRequest());
  assert.type(guestRequest(scene, first), "object");
  assert.is(guestRequest(scene, first), 0x16, "replayed");
  for (const seqno of [0n, 1n, 2n, 4n, 5n, (1n << 64n) - 1n])
    assert.is(ask(scene, { ...REPORT, seqno }, reportRequest()), 0x16, `${seqno}`);
  assert.equal(scene.guest.messageCount, [2n, 0n, 0n, 0n]);
  const last = (1n << 64n) - 1n;
  const full = sceneOf({ guest: guestOf({ messageCount: [last - 1n, last - 2n, 0n, 0n] }) });
  assert.is(ask(full, REPORT, reportRequest()), 0x1d, "AEAD_OFLOW");
  assert.is(ask(full, { ...REPORT, seqno: 1n }, reportRequest()), 0x1d, "AEAD_OFLOW comes first");
  assert.equal(full.guest.messageCount, [last - 1n, last - 2n, 0n, 0n]);
});

/** Writes `value` at `at` and says what the command answers. */
function withByte(at: number, value: number): { status: unknown; counts: bigint[] } {
  const scene = sceneOf();
  const message = messageOf(scene, REPORT, reportRequest());
  message[at] = value;
  return { status: guestRequest(scene, message), counts: scene.guest.messageCount };
}

test("with any header byte changed are refused by the status of its field, and nothing is counted", () => {
  const ranges: [number, number, number][] = [
    [Header.AUTHTAG, Header.RESERVED_10, 0x0b],
    [Header.RESERVED_10, Header.MSG_SEQNO, 0x16],
    [Header.MSG_SEQNO, Header.RESERVED_28, 0x16],
    [Header.RESERVED_28, Header.MSG_TYPE, 0x16],
    // A type that has another size, a version that is not, a size that is not the type's.
    [Header.MSG_TYPE, Header.RESERVED_38, 0x16],
    [Header.RESERVED_38, Header.MSG_VMPCK, 0x16],
    [Header.RESERVED_3D, Header.SIZE, 0x16],
    // The payload's bytes.
    [Header.SIZE, Header.SIZE + 0x60, 0x0b],
  ];
  for (const [from, to, status] of ranges) {
    for (let at = from; at < to; at++) {
      const before = messageOf(sceneOf(), REPORT, reportRequest())[at]!;
      for (const value of [before ^ 0x40, before ^ 0xff]) {
        const seen = withByte(at, value);
        assert.is(seen.status, status, `byte ${at} = ${value}`);
        assert.equal(seen.counts, [0n, 0n, 0n, 0n]);
      }
    }
  }
  // Another guest level's key does not open it; there is no fifth key.
  for (const vmpck of [1, 2, 3]) assert.is(withByte(Header.MSG_VMPCK, vmpck).status, 0x0b);
  for (const vmpck of [4, 0x80, 0xff]) assert.is(withByte(Header.MSG_VMPCK, vmpck).status, 0x16);
});

test("of every type and version that is not one are refused, also when they are sealed right", () => {
  const known = new Set([1, 3, 5, 7, 9, 11, 13, 15, 17]);
  for (let type = 0; type < 256; type++) {
    if (!known.has(type)) assert.is(ask(sceneOf(), { type }, reportRequest()), 0x16, `${type}`);
  }
  for (const version of [0, 2, 255])
    assert.is(ask(sceneOf(), { ...REPORT, version }, reportRequest()), 0x16, `${version}`);
  assert.is(ask(sceneOf(), { type: Message.KEY_REQ, version: 3 }, new Uint8Array(0x28)), 0x16);
});

// MSG_SIZE of each type and version; that of CPUID_REQ is by its entries.
const sizes: [number, number, number[]][] = [
  [Message.CPUID_REQ, 1, [0x10, 0x40, 0x10 + 64 * 0x30]],
  [Message.KEY_REQ, 1, [0x20]],
  [Message.KEY_REQ, 2, [0x28]],
  [Message.REPORT_REQ, 1, [0x60]],
  [Message.EXPORT_REQ, 1, [0x10]],
  [Message.IMPORT_REQ, 1, [0x320]],
  [Message.ABSORB_REQ, 1, [0x320]],
  [Message.VMRK_REQ, 1, [0x40]],
  [Message.ABSORB_NOMA_REQ, 1, [0x320]],
  [Message.TSC_INFO_REQ, 1, [0x80]],
];

test("have the size of their type and version, or are refused", () => {
  for (const [type, version, right] of sizes) {
    for (const size of [0, 1, 0x20, 0x28, 0x60, 0x80, 0xc3f, 0xc40, 4000, ...right]) {
      const scene = sceneOf();
      const answer = ask(scene, { type, version }, new Uint8Array(size));
      if (right.includes(size)) {
        assert.type(answer, "object", `type ${type}, ${size} bytes`);
        assert.is(scene.guest.messageCount[0], 2n);
      } else {
        const fits = type === Message.CPUID_REQ && size >= 0x10 && (size - 0x10) % 0x30 === 0;
        if (fits) continue;
        assert.is(answer, 0x16, `type ${type}, ${size} bytes`);
        assert.is(scene.guest.messageCount[0], 0n);
      }
    }
  }
});

/** Every 8 consecutive bytes of the guest's secrets. */
function secretsOf(guest: ReturnType<typeof guestOf>): Set<string> {
  const keys = [guest.vek, guest.tweakKey, guest.oek, ...guest.vmpck];
  const windows = keys.flatMap((key) =>
    Array.from({ length: key.length - 7 }, (_, i) => hex(key.subarray(i, i + 8))),
  );
  return new Set(windows);
}

test("mutated 20,000 times never throw, answer a status or a sealed response, and leak no 8 bytes of a key", () => {
  const seed = 20260607n;
  const chance = prng(seed, "mutations");
  const scene = sceneOf();
  const secrets = secretsOf(scene.guest);
  let answered = 0;
  for (let i = 0; i < 20_000; i++) {
    const [a, b, c, d, e] = chance.bytes(5) as unknown as [number, number, number, number, number];
    const [type, version, right] = sizes[a % sizes.length]!;
    const before = [...scene.guest.messageCount];
    const payload = chance.bytes(right[0]!);
    const message = messageOf(
      scene,
      { type, version, vmpck: b & 3 },
      c & 1 ? payload : payload.fill(0),
    );
    // Half of them are sealed right and carry nonsense; the others have bytes changed.
    for (let n = c & 2 ? 0 : 1 + (d & 3); n > 0; n--) {
      const at = (d * 16 + e + n) % 0x160;
      message[at] = message[at]! ^ (e | 1);
    }
    const response = guestRequest(scene, message);
    if (typeof response === "number") {
      assert.ok([0x0b, 0x16].includes(response), `seed ${seed}, message ${i}: ${response}`);
      assert.equal(scene.guest.messageCount, before);
      continue;
    }
    answered++;
    const count = scene.guest.messageCount.reduce((sum, one) => sum + one, 0n);
    assert.is(count, before.reduce((sum, one) => sum + one, 0n) + 2n);
    for (let at = 0; at + 8 <= 0x60; at++)
      assert.not.ok(secrets.has(hex(response.subarray(at, at + 8))), `message ${i}`);
  }
  assert.ok(answered > 5000, `${answered} were answered`);
});

test("that fail in the payload alone are answered, sealed and counted", () => {
  const scene = sceneOf();
  const payload = reportRequest();
  payload[0x40] = 4;
  assert.is(statusOf(ask(scene, REPORT, payload)), 0x16);
  assert.equal(scene.guest.messageCount, [2n, 0n, 0n, 0n]);
});
