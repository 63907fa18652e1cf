// SEV-TIO's two exits: what a hypervisor refuses of a guest's, and what a guest refuses of a hypervisor's.
import type { Behaviour } from "../../dist/board.js";
import { evidenceOf, matchDigests } from "../../dist/guest/tio/evidence.js";
import { tioLayout } from "../../dist/guest/tio/program.js";
import { tioGuestRequest, tioOperation } from "../../dist/guest/tio/request.js";
import { tableOf } from "../../dist/hypervisor/tsm/evidence.js";
import { TioMachine } from "../../dist/tio/index.js";
import * as Code from "../../ts/abi/exit.ts";
import * as Layout from "../../ts/abi/ghcb.ts";
import * as Tio from "../../ts/abi/ghcb-tio.ts";
import { MIB, withCore } from "../core.ts";
import { TOY } from "../device/toy.ts";
import { assert, suite } from "../kit.ts";

const test = suite("trusted I/O by VMGEXIT");

const behaviour: Behaviour = () => ({ load() {}, store() {}, reset() {} });
const VF = 0x101;

function machine(): { made: TioMachine; rid: number } {
  const devices = [{ behaviour, vfs: 1 }];
  const made = new TioMachine({ devices, resident: 64 * MIB, ...withCore, ...TOY });
  made.tsm.write(made.node(0x100, "tsm/connect"), "tsm0");
  return { made, rid: made.assign(VF) };
}

test("the hypervisor offers SEV-TIO by feature bit 7, and only with a TSM of phase 2 or later", () => {
  const { made } = machine();
  const bit = 1n << 7n;
  assert.is(made.vm.ghcb.features & bit, bit);
  const first = new TioMachine({
    devices: [{ behaviour }],
    phase: 1,
    resident: 64 * MIB,
    ...withCore,
    ...TOY,
  });
  assert.is(first.vm.ghcb.features & bit, 0n);
  assert.not(first.vm.ghcb.events.has(Code.VMGEXIT_TIO_OP));
});

test("an operation that there is not, or upon a device that the VM does not have, is malformed input", () => {
  const { made, rid } = machine();
  const seen: (number | undefined)[] = [];
  made.run(function* (_tsm, cpu, guest) {
    for (const [operation, device] of [
      [9, rid],
      [Tio.OP_BIND, 0x99],
      [Tio.OP_BIND, 0x1_0000 + rid],
      [Tio.OP_RUN, rid],
      [Tio.OP_UNBIND, rid],
    ] as const)
      seen.push(yield* tioOperation(cpu, guest, operation, device));
  });
  assert.equal(seen.slice(0, 3), [undefined, undefined, undefined]);
  assert.equal(seen.slice(3), [0x38, 0x38], "INVALID_TDI: nothing was bound");
});

test("a request without two pages, without its fields, or about an interface that is not bound is malformed input", () => {
  const { made, rid } = machine();
  const { request, response } = tioLayout;
  const outcomes: string[] = [];
  made.run(function* (_tsm, cpu, guest) {
    const ask = { rid, param: 0n };
    for (const pages of [
      { request, response },
      { request: request + 8n, response },
      { request, response: request },
    ])
      outcomes.push((yield* tioGuestRequest(cpu, guest, pages, ask)).outcome);
    const { ghcb } = guest;
    ghcb.clear();
    yield* ghcb.call(cpu, Code.VMGEXIT_TIO_GUEST_REQUEST, request, response);
    outcomes.push(`${ghcb.get(Layout.SW_EXITINFO1)} ${ghcb.get(Layout.SW_EXITINFO2)}`);
  });
  assert.equal(outcomes, ["failed", "failed", "failed", "2 4"]);
});

test("evidence that has no room is told in pages; the firmware has not seen the message then", () => {
  const { made, rid } = machine();
  made.write(rid, "tsm/lock", "tsm0");
  made.tsm.connected(VF).certificates = () => new Uint8Array(0x1000);
  const seen: unknown[] = [];
  made.run(function* (_tsm, cpu, guest) {
    const { gpa } = tioLayout.evidence;
    const ask = { rid, param: 0b1110n, evidence: { gpa, pages: 1n } };
    const { request, response } = tioLayout;
    // A page of zeros would be INVALID_PARAM, had it been sent.
    yield* cpu.write(request, tdiInfoHeader());
    const told = yield* tioGuestRequest(cpu, guest, { request, response }, ask);
    seen.push(told.outcome, told.firmware, told.vmm, told.pages > 1n);
  });
  assert.equal(seen, ["space", 0, Layout.VMM_INVALID_LEN, true]);
});

/** A page whose header says MSG_TDI_INFO_REQ and nothing else. */
function tdiInfoHeader(): Uint8Array {
  const page = new Uint8Array(0x1000);
  page[0x34] = 19;
  return page;
}

test("registers that the guest asks to be made private must be the device's", () => {
  const { made } = machine();
  const [device] = made.assigned;
  const [bar] = device!.bars;
  assert.not(device!.setPrivate(bar!.gpa - 0x1000n, 1, true));
  assert.not(device!.setPrivate(bar!.gpa, 64, true), "it ends before");
  assert.ok(device!.setPrivate(bar!.gpa, 1, true));
});

test("a table of evidence that leads out of its pages, or whose objects are not those of the digests, is refused", () => {
  const report = Uint8Array.of(1, 2, 3);
  const table = tableOf([["70dc5b0e-0cc0-4cd5-97bb-ff0ba25bf320", report]]);
  assert.equal(evidenceOf(table), { report });
  const long = table.slice();
  new DataView(long.buffer).setUint32(20, 0xffff, true);
  assert.throws(() => evidenceOf(long), /an object to/);
  assert.equal(evidenceOf(new Uint8Array(0x1000)), {});
  const digests = { certsDigest: new Uint8Array(48), measDigest: new Uint8Array(48) };
  const info = { status: 0, measured: true, fresh: true, lockFlags: 0, reports: 1n, ...digests };
  assert.throws(
    () => matchDigests({ report }, { ...info, reportDigest: new Uint8Array(48) }),
    /report: not those/,
  );
});
