// Guest messages on their way to the firmware: carried, refused, retried, with certificates and without. AMD 56421, 4.1.7 and 4.1.8.
import { setMemoryDecrypted } from "../../dist/guest/ghcb/page-state.js";
import { guestRequest, type RequestResult } from "../../dist/guest/ghcb/request.js";
import * as Code from "../../ts/abi/exit.ts";
import * as Layout from "../../ts/abi/ghcb.ts";
import * as Header from "../../ts/abi/message-header.ts";
import * as Status from "../../ts/abi/status.ts";
import { pattern } from "../core.ts";
import { assert, suite } from "../kit.ts";
import { type Rig, rig, SHARED } from "./rig.ts";

const test = suite("a guest request");

const pages = { request: SHARED, response: SHARED + 0x1000n };
const CERTIFICATES = SHARED + 0x2000n;
const REPORT = 5;

interface Seen {
  result?: RequestResult;
  response: Uint8Array;
  certificates: Uint8Array;
}

/** A guest that sends one message; with `room`, an extended request with so many pages for certificates. */
function sends(type: number, seen: Seen, room?: bigint): Rig {
  return rig(function* (cpu, guest) {
    yield* setMemoryDecrypted(cpu, guest, SHARED, 5n);
    const message = pattern(0x1000, 3);
    message[Header.MSG_TYPE] = type;
    yield* cpu.write(pages.request, message);
    const certificates = room === undefined ? undefined : { gpa: CERTIFICATES, pages: room };
    yield* cpu.write(CERTIFICATES, new Uint8Array(0x2000).fill(0xee));
    seen.result = yield* guestRequest(cpu, guest, pages, certificates);
    yield* cpu.read(pages.response, seen.response);
    yield* cpu.read(CERTIFICATES, seen.certificates);
  });
}

const fresh = (): Seen => ({
  response: new Uint8Array(0x1000),
  certificates: new Uint8Array(0x2000),
});

/** Stands in for the road to the firmware, and notes what went over it. */
function firmware({ vm }: Rig, status: number, sent: Uint8Array[]): void {
  Object.defineProperty(vm, "requests", {
    value: {
      send(message: Uint8Array) {
        sent.push(message.slice());
        return status === 0 ? { status, response: message.slice().reverse() } : { status };
      },
    },
  });
}

test("the message goes to the firmware as it is, and its answer comes back as it is", () => {
  const seen = fresh();
  const sent: Uint8Array[] = [];
  const made = sends(1, seen);
  firmware(made, 0, sent);
  assert.is(made.run(), "sleeps");
  assert.equal(seen.result, { outcome: "ok", firmware: 0, vmm: 0, pages: 0n });
  assert.is(sent.length, 1);
  assert.equal(seen.response, sent[0]!.slice().reverse());
});

test("the firmware's status comes back below, and nothing is written to the answer's page", () => {
  const seen = fresh();
  const made = sends(1, seen);
  firmware(made, 0x16, []);
  assert.is(made.run(), "sleeps");
  assert.equal(seen.result, { outcome: "failed", firmware: 0x16, vmm: 0, pages: 0n });
});

test("the emulated firmware itself answers: what is no message of the guest's is refused, each time", () => {
  for (const room of [undefined, 2n]) {
    const seen = fresh();
    const made = sends(REPORT, seen, room);
    assert.is(made.run(), "sleeps");
    assert.is(seen.result?.outcome, "failed");
    assert.is(seen.result?.firmware, Status.INVALID_PARAM);
  }
});

test("a busy hypervisor is asked again; its other errors fail the request", () => {
  const outcomes: string[] = [];
  for (const vmm of [Layout.VMM_BUSY, Layout.VMM_INVALID_LEN, 3]) {
    const seen = fresh();
    const made = sends(1, seen);
    const row = made.vm.ghcb.events.get(Code.VMGEXIT_GUEST_REQUEST)!;
    made.vm.ghcb.events.set(Code.VMGEXIT_GUEST_REQUEST, {
      ...row,
      serve({ page }) {
        page.answer(0n, BigInt(vmm) << 32n);
        return "runs";
      },
    });
    assert.is(made.run(), "sleeps");
    outcomes.push(seen.result!.outcome);
  }
  assert.equal(outcomes, ["again", "failed", "failed"]);
});

test("a host without certificates says so by an empty table, and sends the message on", () => {
  const seen = fresh();
  const sent: Uint8Array[] = [];
  const made = sends(REPORT, seen, 2n);
  firmware(made, 0, sent);
  assert.is(made.run(), "sleeps");
  assert.is(seen.result!.outcome, "ok");
  assert.is(sent.length, 1);
  assert.equal(seen.certificates.subarray(0, 24), new Uint8Array(24));
  assert.is(seen.certificates[24], 0xee);
});

test("certificates come along with a report; too little room is answered with how many pages they take", () => {
  const table = pattern(0x1800, 9);
  for (const room of [0n, 1n, 2n]) {
    const seen = fresh();
    const sent: Uint8Array[] = [];
    const made = sends(REPORT, seen, room);
    firmware(made, 0, sent);
    made.vm.ghcb.certificates = table;
    assert.is(made.run(), "sleeps");
    const fits = room === 2n;
    assert.is(seen.result!.outcome, fits ? "ok" : "space");
    assert.is(sent.length, fits ? 1 : 0);
    if (fits) assert.equal(seen.certificates.subarray(0, table.length), table);
    else assert.is(seen.result!.pages, 2n);
  }
});

test("for any other message an extended request has no certificates", () => {
  const seen = fresh();
  const made = sends(1, seen, 2n);
  firmware(made, 0, []);
  made.vm.ghcb.certificates = pattern(0x1800, 9);
  assert.is(made.run(), "sleeps");
  assert.is(seen.result!.outcome, "ok");
  assert.is(seen.certificates[0], 0xee);
});

test("an extended request for a report needs a page for its certificates", () => {
  const results: RequestResult[] = [];
  for (const gpa of [CERTIFICATES + 8n]) {
    const made = rig(function* (cpu, guest) {
      yield* setMemoryDecrypted(cpu, guest, SHARED, 5n);
      const message = new Uint8Array(0x1000);
      message[Header.MSG_TYPE] = REPORT;
      yield* cpu.write(pages.request, message);
      results.push(yield* guestRequest(cpu, guest, pages, { gpa, pages: 1n }));
    });
    firmware(made, 0, []);
    assert.is(made.run(), "sleeps");
  }
  assert.equal(
    results.map(({ outcome }) => outcome),
    ["failed"],
  );
});

test("requests and answers in pages that are not shared, or are one page, are refused", () => {
  const outcomes: string[] = [];
  const made = rig(function* (cpu, guest) {
    yield* setMemoryDecrypted(cpu, guest, SHARED, 1n);
    for (const wrong of [
      { request: SHARED, response: SHARED },
      { request: SHARED + 8n, response: SHARED },
      { request: SHARED, response: SHARED + 0x2000n },
    ]) {
      const { outcome } = yield* guestRequest(cpu, guest, wrong);
      outcomes.push(outcome);
    }
  });
  firmware(made, 0, []);
  assert.is(made.run(), "sleeps");
  assert.equal(outcomes, ["failed", "failed", "failed"]);
});
