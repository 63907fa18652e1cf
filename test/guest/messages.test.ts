// The guest's end of the channel: what a host on the road may do to it, and what it then does. Linux drivers/virt/coco/sev-guest.
import * as Message from "../../dist/abi/message.js";
import * as Secrets from "../../dist/abi/secrets-page.js";
import { goodParts, makeIdentity } from "../../dist/attest/evidence/index.js";
import { tableOf } from "../../dist/attest/evidence/parts.js";
import { parseReport } from "../../dist/attest/index.js";
import { MessageFailed } from "../../dist/guest/messages.js";
import { assert, suite } from "../kit.ts";
import { guestOf, sceneOf } from "../psp/scene.ts";
import { type Host, type Road, roadOf, run } from "./road.ts";

const test = suite("a guest's messages");

const question = { type: Message.REPORT_REQ, version: 1, payload: new Uint8Array(0x60) };

/** What a message fails with. */
function failure(road: Road, asked = question): MessageFailed {
  try {
    run(road.messages.ask(asked));
  } catch (error) {
    if (error instanceof MessageFailed) return error;
    throw error;
  }
  throw new Error("expected a message to fail");
}

const isWiped = ({ page }: Road) =>
  page.subarray(Secrets.VMPCK0, Secrets.VMPCK1).every((byte) => byte === 0);

test("get their answers, and the count stands in the secrets page, both words of it", () => {
  const road = roadOf();
  for (let i = 1; i <= 3; i++) {
    const { payload } = run(road.messages.ask(question));
    assert.is(parseReport(payload.slice(0x20)).vmpl, 0);
    assert.is(run(road.key.count()), BigInt(2 * i));
  }
  const guest = guestOf({ messageCount: [0xffff_fffen, 0n, 0n, 0n] });
  const long = roadOf({}, sceneOf({ guest }));
  run(long.key.setCount(0xffff_fffen));
  run(long.messages.ask(question));
  assert.is(run(long.key.count()), 0x1_0000_0000n);
  assert.is(new DataView(long.page.buffer).getUint32(Secrets.MESSAGE_HIGH0, true), 1);
});

test("show the host nothing that is the same twice, and no byte of the payload", () => {
  const road = roadOf();
  const payload = new Uint8Array(0x60).fill(0xa5, 0, 64);
  for (let i = 0; i < 2; i++) run(road.messages.ask({ ...question, payload }));
  const [a, b] = road.seen.map((page) => Buffer.from(page.subarray(0x60, 0xc0)).toString("hex"));
  assert.not.equal(a, b);
  for (const text of [a, b]) assert.not.match(text!, "a5".repeat(4));
});

test("with an answer that has any byte changed are given up, and the key with them", () => {
  // Up to the end of the response's payload, 0x4c0 bytes behind the header; the reserved half of AUTHTAG is not read.
  for (let at = 0; at < 0x60 + 0x4c0; at += at < 0x60 ? 1 : 31) {
    if ((at >= 0x10 && at < 0x20) || (at >= 0x28 && at < 0x30)) continue;
    const road = roadOf({ after: (page) => page.fill(page[at]! ^ 0x10, at, at + 1) });
    assert.is(failure(road).errno, "EBADMSG", `byte ${at}`);
    assert.is(isWiped(road), true);
    assert.is(failure(road).errno, "ENOTTY", "a wiped key seals nothing");
    assert.is(road.seen.length, 1);
  }
});

test("are not answered by an old response, by silence, or by the request itself", () => {
  let first: Uint8Array | undefined;
  const replay: Host = {
    after(page) {
      if (first) page.set(first);
      first ??= page.slice();
    },
  };
  const road = roadOf(replay);
  run(road.messages.ask(question));
  assert.is(failure(road).errno, "EBADMSG");
  assert.is(isWiped(road), true);
  assert.is(failure(roadOf({ after: (page) => page.fill(0) })).errno, "EBADMSG");
  assert.is(failure(roadOf({ before: () => ({}) })).errno, "EBADMSG");
  assert.is(failure(roadOf({ before: (request) => ({ response: request }) })).errno, "EBADMSG");
});

test("that the firmware refuses say its status, and the key is given up", () => {
  const road = roadOf({}, sceneOf({ guest: guestOf({ messageCount: [2n, 0n, 0n, 0n] }) }));
  const refused = failure(road);
  assert.equal([refused.errno, refused.exitInfo2], ["EIO", 0x16n]);
  assert.is(isWiped(road), true);
});

test("go out again, the same page, while the hypervisor is busy; not for ever", () => {
  let times = 0;
  const busy: Host = { before: () => (times++ < 5 ? { outcome: "again", vmm: 2 } : undefined) };
  const road = roadOf(busy);
  run(road.messages.ask(question));
  assert.is(road.seen.length, 6);
  for (const page of road.seen) assert.equal(page, road.seen[0]);
  const never = roadOf({ before: () => ({ outcome: "again", vmm: 2 }) });
  const refused = failure(never);
  assert.equal([refused.errno, refused.exitInfo2], ["EAGAIN", 2n << 32n]);
  assert.is(isWiped(never), true);
});

test("learn how many pages the certificates need, and never use a number twice for it", async () => {
  const identity = await makeIdentity({ seed: "scene", product: "Milan", at: 0 });
  const table = tableOf(goodParts(identity));
  const pages = Math.ceil(table.length / 0x1000);
  const road = roadOf({ table });
  const refused = failure(road, { ...question, certificatePages: 0 } as typeof question);
  assert.equal([refused.errno, refused.exitInfo2, refused.pages], ["ENOSPC", 1n << 32n, pages]);
  assert.is(isWiped(road), false);
  assert.is(run(road.key.count()), 2n);
  const answer = run(road.messages.ask({ ...question, certificatePages: pages }));
  assert.equal(answer.certificates.slice(0, table.length), table);
  assert.is(run(road.key.count()), 4n);
  const sealed = road.seen.map((page) => Buffer.from(page.subarray(0x20, 0x28)).toString("hex"));
  assert.equal(sealed[0], sealed[1], "the same request, asked plainly");
  assert.equal(road.seen[0], road.seen[1]);
  assert.not.equal(sealed[1], sealed[2]);
});

test("end before a number is used twice", () => {
  const road = roadOf();
  const last = (1n << 64n) - 2n;
  run(road.key.setCount(last));
  assert.is(failure(road).errno, "EIO");
  assert.equal(road.seen, []);
  assert.is(failure(roadOf(), { ...question, version: 0 }).errno, "EINVAL");
});
