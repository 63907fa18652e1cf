// A guest moved between two platforms through the mailbox: agents export and import its context, its pages go sealed.
// SNP firmware ABI (AMD 56860), 4.10, 7 and 8.
import * as Message from "../../dist/abi/message.js";
import { seal, unseal } from "../../dist/guest-message.js";
import { makePreGuest } from "../../dist/hypervisor/page-state.js";
import * as Request from "../../ts/abi/psp/snp-guest-request.ts";
import * as Start from "../../ts/abi/psp/snp-launch-start.ts";
import * as MdInit from "../../ts/abi/psp/snp-page-md-init.ts";
import * as SwapIn from "../../ts/abi/psp/snp-page-swap-in.ts";
import * as SwapOut from "../../ts/abi/psp/snp-page-swap-out.ts";
import * as SwapType from "../../ts/abi/psp/swap-type.ts";
import * as Status from "../../ts/abi/status.ts";
import { hex, pattern } from "../core.ts";
import { assert, suite } from "../kit.ts";
import { TioRig } from "../tio/rig.ts";
import { MIGRATE_MA, POLICY, Rig } from "./rig.ts";

const test = suite("a guest moved between two platforms");

const PAGE = 0x1000;
const GPA = 0x7000n;
const REFUSED = 0x16;

const guestAt = (rig: Rig, gctx: bigint) => {
  const guest = rig.psp.contexts.open(gctx);
  assert.type(guest, "object");
  return guest as Exclude<typeof guest, number>;
};

/** A message of an agent, through SNP_GUEST_REQUEST. Answers the response's payload. */
function ask(rig: Rig, gctx: bigint, type: number, payload: Uint8Array): Uint8Array {
  const { vmpck, messageCount } = guestAt(rig, gctx);
  const seqno = messageCount[0]! + 1n;
  const head = { seqno, type, version: 1, size: payload.length, vmpck: 0 };
  const RESPONSE_PADDR = rig.firmwarePage();
  const REQUEST_PADDR = rig.filled(seal(vmpck[0]!, head, payload));
  const values = { GCTX_PADDR: gctx, REQUEST_PADDR, RESPONSE_PADDR };
  rig.expect(Status.SUCCESS, "SNP_GUEST_REQUEST", Request, values);
  const page = rig.takeBack(RESPONSE_PADDR);
  const size = new DataView(page.buffer).getUint16(0x36, true);
  const answer = unseal(vmpck[0]!, page, { seqno: seqno + 1n, size });
  assert.ok(answer);
  return answer as Uint8Array;
}

const statusOf = (answer: Uint8Array) =>
  new DataView(answer.buffer, answer.byteOffset).getUint32(0, true);

const naming = (gctx: bigint, bytes: number) => {
  const payload = new Uint8Array(bytes);
  new DataView(payload.buffer).setBigUint64(0, gctx, true);
  return payload;
};

/** A platform with an agent in ASID 1 and its guest in ASID 2, which has a page. */
function departure(policy = POLICY | MIGRATE_MA, rig = new Rig({ seed: 1n })) {
  const agent = rig.running(1);
  const migrates = (policy & MIGRATE_MA) !== 0n;
  const named = { FLAGS: 1 << Start.MA_EN_BIT, MA_GCTX_PADDR: agent };
  const gctx = rig.start(policy, migrates ? named : {});
  rig.activate(gctx, 2);
  const page = rig.update(gctx, 2, GPA, pattern(PAGE, 21));
  rig.finish(gctx);
  return { rig, agent, gctx, page };
}

/** Swaps the page out, then the metadata page that has its entry. Answers both, sealed. */
function swapOut({ rig, gctx, page }: ReturnType<typeof departure>) {
  const [metadata, to, last] = [rig.firmwarePage(), rig.firmwarePage(), rig.firmwarePage()];
  rig.expect(Status.SUCCESS, "SNP_PAGE_MD_INIT", MdInit, {
    GCTX_PADDR: gctx,
    PAGE_PADDR: metadata,
  });
  makePreGuest(rig.host, page, GPA, 2, false);
  const out = { GCTX_PADDR: gctx, SRC_PADDR: page, DST_PADDR: to, MDATA_PADDR: metadata };
  rig.expect(Status.SUCCESS, "SNP_PAGE_SWAP_OUT", SwapOut, out);
  const FLAGS = (1 << SwapOut.ROOT_MDATA_EN_BIT) | (SwapType.METADATA << SwapOut.PAGE_TYPE_LSB);
  const root = { GCTX_PADDR: gctx, SRC_PADDR: metadata, DST_PADDR: last, FLAGS };
  rig.expect(Status.SUCCESS, "SNP_PAGE_SWAP_OUT", SwapOut, root);
  return { page: rig.takeBack(to), metadata: rig.takeBack(last) };
}

test("it is the same guest, with its memory, its name and its keys, under another memory key", () => {
  const from = departure();
  const vmrk = naming(from.gctx, 0x40);
  vmrk.set(pattern(32, 5), 0x20);
  assert.is(statusOf(ask(from.rig, from.agent, Message.VMRK_REQ, vmrk)), 0);
  const sealed = swapOut(from);
  const exported = ask(from.rig, from.agent, Message.EXPORT_REQ, naming(from.gctx, 0x10));
  assert.is(statusOf(exported), 0);

  const to = new Rig({ seed: 2n });
  const agent = to.running(5);
  const gctx = to.create();
  const arrival = naming(gctx, 0x320);
  arrival.set(exported.subarray(4, 12), 8);
  arrival.set(exported.subarray(0x20), 0x20);
  assert.is(statusOf(ask(to, agent, Message.IMPORT_REQ, arrival)), 0);
  to.activate(gctx, 6);
  const metadata = to.firmwarePage();
  const FLAGS = (1 << SwapIn.ROOT_MDATA_EN_BIT) | (SwapType.METADATA << SwapIn.PAGE_TYPE_LSB);
  to.expect(Status.SUCCESS, "SNP_PAGE_SWAP_IN", SwapIn, {
    GCTX_PADDR: gctx,
    SRC_PADDR: to.filled(sealed.metadata),
    DST_PADDR: metadata,
    FLAGS,
  });
  const place = to.preGuest(6, GPA);
  const back = { GCTX_PADDR: gctx, SRC_PADDR: to.filled(sealed.page), DST_PADDR: place };
  to.expect(Status.SUCCESS, "SNP_PAGE_SWAP_IN", SwapIn, { ...back, MDATA_PADDR: metadata });
  assert.is(hex(to.plain(place, 6)), hex(pattern(PAGE, 21)));

  const [here, there] = [guestAt(from.rig, from.gctx), guestAt(to, gctx)];
  for (const name of ["reportId", "measurement", "hostData", "oek", "vmrk"] as const)
    assert.is(hex(there[name]!), hex(here[name]!), name);
  assert.equal(there.messageCount, here.messageCount);
  assert.is.not(hex(there.vek), hex(here.vek));
  assert.is(hex(there.reportIdMa), hex(guestAt(to, agent).reportId));
});

test("a guest whose policy did not allow it at launch is never exported", () => {
  const { rig, agent, gctx } = departure(POLICY);
  const answer = ask(rig, agent, Message.EXPORT_REQ, naming(gctx, 0x10));
  assert.is(statusOf(answer), REFUSED);
  assert.ok(
    answer.subarray(4).every((byte) => byte === 0),
    "nothing of it is told",
  );
});

test("a guest with a device is not exported until the device is gone", () => {
  const rig = new TioRig();
  const { agent, gctx } = departure(POLICY | MIGRATE_MA, rig);
  const tdi = rig.bound(gctx);
  assert.is(statusOf(ask(rig, agent, Message.EXPORT_REQ, naming(gctx, 0x10))), REFUSED);
  assert.is(rig.unbind(tdi), Status.SUCCESS);
  assert.is(statusOf(ask(rig, agent, Message.EXPORT_REQ, naming(gctx, 0x10))), 0);
});

test("a platform that does not keep the guest's policy takes it not", () => {
  const from = departure();
  const exported = ask(from.rig, from.agent, Message.EXPORT_REQ, naming(from.gctx, 0x10));
  const to = new Rig({ seed: 2n, firmware: { version: { major: 0, minor: 9, build: 1 } } });
  const agent = to.running(5, 0x30000n);
  const gctx = to.create();
  const arrival = naming(gctx, 0x320);
  arrival.set(exported.subarray(4, 12), 8);
  arrival.set(exported.subarray(0x20), 0x20);
  // Its policy, in the agent's hands: hiding of ciphertext is asked for.
  arrival[0x20 + 0x228 + 3]! |= 1;
  const before = guestAt(to, gctx);
  assert.is(statusOf(ask(to, agent, Message.IMPORT_REQ, arrival)), REFUSED);
  assert.equal(guestAt(to, gctx), before);
});
