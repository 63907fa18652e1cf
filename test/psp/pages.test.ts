// Pages that the firmware holds, moves, seals and opens; and what it makes of a context that somebody altered.
// SNP firmware ABI (AMD 56860), 5 and 8; spec digest rmp.md 3 and 8.
import { makeFirmware, makePreGuest, makeShared } from "../../dist/hypervisor/page-state.js";
import * as Context from "../../ts/abi/psp/context-page.ts";
import * as Gctx from "../../ts/abi/psp/gctx.ts";
import * as Entry from "../../ts/abi/psp/metadata-entry.ts";
import * as Activate from "../../ts/abi/psp/snp-activate.ts";
import * as Dbg from "../../ts/abi/psp/snp-dbg.ts";
import * as GuestStatus from "../../ts/abi/psp/snp-guest-status.ts";
import * as Page from "../../ts/abi/psp/snp-page.ts";
import * as MdInit from "../../ts/abi/psp/snp-page-md-init.ts";
import * as Move from "../../ts/abi/psp/snp-page-move.ts";
import * as SetState from "../../ts/abi/psp/snp-page-set-state.ts";
import * as SwapIn from "../../ts/abi/psp/snp-page-swap-in.ts";
import * as SwapOut from "../../ts/abi/psp/snp-page-swap-out.ts";
import * as SwapType from "../../ts/abi/psp/swap-type.ts";
import * as Status from "../../ts/abi/status.ts";
import { hex, LARGE, pattern } from "../core.ts";
import { assert, suite } from "../kit.ts";
import { DEBUG, POLICY, Rig } from "./rig.ts";

const test = suite("pages of the firmware");

const PAGE = 0x1000;
const SWAP_DISABLE = 1n << 25n;

test("a context that was altered on the chips answers SECURE_DATA_INVALID, wherever the byte", () => {
  const rig = new Rig();
  const gctx = rig.launched(1);
  const { dimm } = rig.lab.core;
  const values = { GCTX_PADDR: gctx, STATUS_PADDR: rig.firmwarePage() };
  for (const at of [
    Context.NONCE,
    Context.AUTH_TAG,
    Context.CIPHERTEXT,
    Context.RESERVED_0330 - 1,
  ]) {
    const byte = new Uint8Array(1);
    dimm.read(gctx + BigInt(at), byte);
    dimm.write(gctx + BigInt(at), Uint8Array.of(byte[0]! ^ 1));
    rig.expect(Status.SECURE_DATA_INVALID, "SNP_GUEST_STATUS", GuestStatus, values, `byte ${at}`);
    rig.expect(Status.SECURE_DATA_INVALID, "SNP_DECOMMISSION", Gctx, { GCTX_PADDR: gctx });
    dimm.write(gctx + BigInt(at), byte);
  }
  rig.expect(Status.SUCCESS, "SNP_GUEST_STATUS", GuestStatus, values, "as it was");
});

test("an older version of a context, or another guest's, is noticed", () => {
  const rig = new Rig();
  const gctx = rig.start();
  const other = rig.start();
  const { dimm } = rig.lab.core;
  const old = rig.lab.dram(gctx, PAGE);
  const values = { GCTX_PADDR: gctx, STATUS_PADDR: rig.firmwarePage() };
  rig.activate(gctx, 1);
  const now = rig.lab.dram(gctx, PAGE);
  for (const bytes of [old, rig.lab.dram(other, PAGE), new Uint8Array(PAGE)]) {
    dimm.write(gctx, bytes);
    rig.expect(Status.SECURE_DATA_INVALID, "SNP_GUEST_STATUS", GuestStatus, values);
  }
  dimm.write(gctx, now);
  rig.expect(Status.SUCCESS, "SNP_GUEST_STATUS", GuestStatus, values);
});

test("the host can neither write a context nor take it away", () => {
  const rig = new Rig();
  const gctx = rig.start();
  assert.not(rig.host.write(gctx, new Uint8Array(16)));
  const free = { gpa: 0n, assigned: false, pageSize: "4k", immutable: false, asid: 0 } as const;
  assert.is(rig.host.rmpupdate(gctx, free), 2, "FAIL_PERMISSION");
  rig.expect(Status.INVALID_PAGE_STATE, "SNP_PAGE_RECLAIM", Page, { PAGE_PADDR: gctx });
});

test("RECLAIM gives back what the firmware held, and nothing else", () => {
  const rig = new Rig();
  const gctx = rig.launched(1);
  const firmware = rig.firmwarePage();
  const offered = rig.preGuest(1, 0x1000n);
  const given = rig.update(gctx, 1, 0x2000n, pattern(PAGE, 1));
  const reclaim = (status: number, PAGE_PADDR: bigint, why: string) =>
    rig.expect(status, "SNP_PAGE_RECLAIM", Page, { PAGE_PADDR }, why);
  const region = rig.lab.large();
  makeFirmware(rig.host, region);
  reclaim(Status.INVALID_PAGE_SIZE, region | 1n, "4 KiB, not 2 MiB");
  reclaim(Status.INVALID_PARAM, firmware | 2n, "reserved bits");
  reclaim(Status.INVALID_ADDRESS, 1n << 40n, "no memory");
  reclaim(Status.INVALID_PAGE_STATE, rig.page(), "the hypervisor's");
  reclaim(Status.INVALID_PAGE_STATE, given, "the guest's");
  rig.reclaim(firmware);
  rig.reclaim(offered);
  reclaim(Status.INVALID_PAGE_STATE, firmware, "a Reclaim page");
  for (const spa of [firmware, offered]) makeShared(rig.host, spa, false);
  assert.ok(rig.host.write(offered, pattern(16, 1)));
  // Guest-Valid -> Pre-Swap -> Guest-Valid: the guest keeps it.
  makePreGuest(rig.host, given, 0x2000n, 1, false);
  rig.reclaim(given);
  assert.is(hex(rig.plain(given, 1)), hex(pattern(PAGE, 1)));
});

test("DBG_DECRYPT and DBG_ENCRYPT look into a guest whose policy allows it, and into no other", () => {
  const rig = new Rig();
  const contents = pattern(PAGE, 8);
  const closed = rig.launched(1);
  const open = rig.launched(2, POLICY | DEBUG);
  const secret = rig.update(closed, 1, 0n, contents);
  const shown = rig.update(open, 2, 0n, contents);
  const to = rig.firmwarePage();
  const decrypt = (status: number, GCTX_PADDR: bigint, SRC_PADDR: bigint, DST_PADDR = to) =>
    rig.expect(status, "SNP_DBG_DECRYPT", Dbg, { GCTX_PADDR, SRC_PADDR, DST_PADDR });
  decrypt(Status.POLICY_FAILURE, closed, secret);
  decrypt(Status.INVALID_PAGE_OWNER, open, secret);
  decrypt(Status.INVALID_PAGE_STATE, open, rig.page());
  decrypt(Status.INVALID_PAGE_STATE, open, shown, rig.page());
  decrypt(Status.INVALID_ADDRESS, open, shown + 16n);
  decrypt(Status.SUCCESS, open, shown);
  assert.is(hex(rig.takeBack(to)), hex(contents));
  makePreGuest(rig.host, shown, 0n, 2, false);
  const SRC_PADDR = rig.filled(pattern(PAGE, 9));
  const encrypt = (status: number, GCTX_PADDR: bigint, DST_PADDR: bigint) =>
    rig.expect(status, "SNP_DBG_ENCRYPT", Dbg, { GCTX_PADDR, SRC_PADDR, DST_PADDR });
  encrypt(Status.POLICY_FAILURE, closed, shown);
  encrypt(Status.SUCCESS, open, shown);
  assert.is(hex(rig.plain(shown, 2)), hex(pattern(PAGE, 9)));
});

/** A running guest with a metadata page and a validated page of its own that it is asked to give up. */
function swapping(policy = POLICY) {
  const rig = new Rig();
  const gctx = rig.launched(1, policy);
  const contents = pattern(PAGE, 11);
  const page = rig.update(gctx, 1, 0x5000n, contents);
  rig.finish(gctx);
  makePreGuest(rig.host, page, 0x5000n, 1, false);
  const metadata = rig.firmwarePage();
  rig.expect(Status.SUCCESS, "SNP_PAGE_MD_INIT", MdInit, {
    GCTX_PADDR: gctx,
    PAGE_PADDR: metadata,
  });
  const target = rig.firmwarePage();
  const out = {
    GCTX_PADDR: gctx,
    SRC_PADDR: page,
    DST_PADDR: target,
    MDATA_PADDR: metadata + 64n,
    SOFTWARE_DATA: 77n,
  };
  return { rig, gctx, contents, page, metadata, target, out };
}

test("a page swapped out is sealed, its place is no longer the guest's, and it comes back once", () => {
  const { rig, gctx, contents, page, metadata, target, out } = swapping();
  rig.expect(Status.SUCCESS, "SNP_PAGE_SWAP_OUT", SwapOut, out);
  const ciphertext = rig.takeBack(target);
  assert.is.not(hex(ciphertext), hex(contents));
  const entry = rig.lab.dram(metadata + 64n, 64);
  const view = new DataView(entry.buffer);
  assert.is(view.getBigUint64(Entry.SOFTWARE_DATA, true), 77n);
  assert.is(view.getBigUint64(Entry.PAGE, true), 0x5000n | 3n, "valid, validated, its GPA");
  rig.takeBack(page);
  const place = rig.preGuest(1, 0x5000n);
  const SRC_PADDR = rig.filled(ciphertext);
  const values = { GCTX_PADDR: gctx, SRC_PADDR, DST_PADDR: place, MDATA_PADDR: metadata + 64n };
  rig.expect(Status.SUCCESS, "SNP_PAGE_SWAP_IN", SwapIn, values);
  assert.is(hex(rig.plain(place, 1)), hex(contents));
  makePreGuest(rig.host, place, 0x5000n, 1, false);
  const again = { ...values, DST_PADDR: rig.preGuest(1, 0x5000n) };
  rig.expect(Status.INVALID_MDATA_ENTRY, "SNP_PAGE_SWAP_IN", SwapIn, again, "only once");
});

test("a swapped page is refused elsewhere, altered, of another type, or under another guest", () => {
  const { rig, gctx, metadata, target, out } = swapping();
  rig.expect(Status.SUCCESS, "SNP_PAGE_SWAP_OUT", SwapOut, out);
  const ciphertext = rig.takeBack(target);
  const other = rig.running(2);
  const DST_PADDR = rig.preGuest(1, 0x5000n);
  const MDATA_PADDR = metadata + 64n;
  const values = { GCTX_PADDR: gctx, SRC_PADDR: rig.filled(ciphertext), DST_PADDR, MDATA_PADDR };
  const expect = (status: number, change: object, why: string) =>
    rig.expect(status, "SNP_PAGE_SWAP_IN", SwapIn, { ...values, ...change }, why);
  const wrong = ciphertext.slice();
  wrong[9]! ^= 1;
  expect(Status.BAD_MEASUREMENT, { SRC_PADDR: rig.filled(wrong) }, "altered");
  expect(Status.INVALID_MDATA_ENTRY, { DST_PADDR: rig.preGuest(1, 0x6000n) }, "another GPA");
  expect(Status.INVALID_PAGE_OWNER, { DST_PADDR: rig.preGuest(2, 0x5000n) }, "another ASID");
  expect(Status.INVALID_PAGE_STATE, { DST_PADDR: rig.page() }, "the hypervisor's");
  expect(Status.INVALID_MDATA_ENTRY, { MDATA_PADDR: metadata }, "an empty entry");
  expect(
    Status.INVALID_PAGE_OWNER,
    { GCTX_PADDR: other, DST_PADDR: rig.preGuest(2, 0x5000n) },
    "another's metadata",
  );
  expect(Status.INVALID_PAGE_STATE, { MDATA_PADDR: rig.page() }, "no metadata page");
  expect(Status.INVALID_ADDRESS, { MDATA_PADDR: MDATA_PADDR + 8n }, "no entry");
  const type = (kind: number) => ({ FLAGS: kind << SwapIn.PAGE_TYPE_LSB });
  expect(Status.INVALID_MDATA_ENTRY, type(SwapType.VMSA), "no VMSA");
  expect(Status.INVALID_MDATA_ENTRY, type(SwapType.METADATA), "no metadata");
  expect(Status.INVALID_PARAM, type(3), "no type");
  expect(Status.INVALID_PARAM, { FLAGS: 1 | (SwapType.VMSA << SwapIn.PAGE_TYPE_LSB) }, "2 MiB");
  expect(Status.SUCCESS, {}, "as it was");
});

test("SWAP_OUT takes a guest's own Pre-Swap page into a Firmware page, and nothing else", () => {
  const { rig, metadata, target, page, out } = swapping();
  const expect = (status: number, change: object, why: string) =>
    rig.expect(status, "SNP_PAGE_SWAP_OUT", SwapOut, { ...out, ...change }, why);
  expect(Status.INVALID_PAGE_STATE, { SRC_PADDR: rig.preGuest(1, 0x9000n) }, "not valid");
  expect(Status.INVALID_PAGE_STATE, { DST_PADDR: rig.page() }, "into the hypervisor's");
  expect(Status.INVALID_ADDRESS, { DST_PADDR: page }, "into itself");
  expect(Status.INVALID_ADDRESS, { FLAGS: 1 }, "not at 2 MiB");
  expect(Status.INVALID_PAGE_STATE, { MDATA_PADDR: target }, "no metadata page");
  const idle = rig.start();
  expect(Status.INACTIVE, { GCTX_PADDR: idle }, "not active");
  expect(Status.SUCCESS, { SRC_PADDR: page, MDATA_PADDR: metadata }, "as it should be");
});

test("metadata pages are swapped themselves, the last one into the guest's context", () => {
  const { rig, gctx, metadata, out, contents, target } = swapping();
  rig.expect(Status.SUCCESS, "SNP_PAGE_SWAP_OUT", SwapOut, out);
  const page = rig.takeBack(target);
  const DST_PADDR = rig.firmwarePage();
  const root = (1 << SwapOut.ROOT_MDATA_EN_BIT) | (SwapType.METADATA << SwapOut.PAGE_TYPE_LSB);
  const values = { GCTX_PADDR: gctx, SRC_PADDR: metadata, DST_PADDR, FLAGS: root };
  rig.expect(Status.SUCCESS, "SNP_PAGE_SWAP_OUT", SwapOut, values);
  const sealed = rig.takeBack(DST_PADDR);
  rig.takeBack(metadata);
  // Back again, elsewhere.
  const place = rig.firmwarePage();
  const back = { GCTX_PADDR: gctx, SRC_PADDR: rig.filled(sealed), DST_PADDR: place, FLAGS: root };
  rig.expect(Status.SUCCESS, "SNP_PAGE_SWAP_IN", SwapIn, back);
  const again = { ...back, DST_PADDR: rig.firmwarePage() };
  rig.expect(Status.INVALID_MDATA_ENTRY, "SNP_PAGE_SWAP_IN", SwapIn, again, "only once");
  const spa = rig.preGuest(1, 0x5000n);
  rig.expect(Status.SUCCESS, "SNP_PAGE_SWAP_IN", SwapIn, {
    GCTX_PADDR: gctx,
    SRC_PADDR: rig.filled(page),
    DST_PADDR: spa,
    MDATA_PADDR: place + 64n,
  });
  assert.is(hex(rig.plain(spa, 1)), hex(contents));
});

test("RMPUPDATE makes nothing that the firmware takes for metadata", () => {
  const { rig, gctx, out } = swapping();
  const spa = rig.page();
  const gpa = ((gctx >> 12n) | (1n << 37n)) << 12n;
  const state = { gpa, assigned: true, pageSize: "4k", immutable: true, asid: 0 } as const;
  assert.is(rig.host.rmpupdate(spa, state), 0);
  rig.expect(Status.INVALID_PAGE_STATE, "SNP_PAGE_SWAP_OUT", SwapOut, { ...out, MDATA_PADDR: spa });
});

test("MOVE encrypts a page anew for another place, and the old one is no longer the guest's", () => {
  const { rig, gctx, contents, page } = swapping();
  const DST_PADDR = rig.preGuest(1, 0x5000n);
  const values = { GCTX_PADDR: gctx, SRC_PADDR: page, DST_PADDR };
  const expect = (status: number, change: object, why: string) =>
    rig.expect(status, "SNP_PAGE_MOVE", Move, { ...values, ...change }, why);
  expect(Status.INVALID_PAGE_STATE, { DST_PADDR: rig.preGuest(1, 0x6000n) }, "another GPA");
  expect(Status.INVALID_PAGE_OWNER, { DST_PADDR: rig.preGuest(2, 0x5000n) }, "another ASID");
  expect(Status.INVALID_PAGE_STATE, { DST_PADDR: rig.page() }, "the hypervisor's");
  expect(Status.INVALID_ADDRESS, { FLAGS: 1 }, "not at 2 MiB");
  expect(Status.SUCCESS, {}, "as it should be");
  assert.is(hex(rig.plain(DST_PADDR, 1)), hex(contents));
  assert.is.not(hex(rig.read(DST_PADDR)), hex(rig.read(page)));
  rig.takeBack(page);
});

test("a guest launched with PAGE_SWAP_DISABLE, or with a device, stays where it is", () => {
  const still = swapping(POLICY | SWAP_DISABLE);
  const moved = {
    GCTX_PADDR: still.gctx,
    SRC_PADDR: still.page,
    DST_PADDR: still.rig.preGuest(1, 0x5000n),
  };
  still.rig.expect(Status.POLICY_FAILURE, "SNP_PAGE_SWAP_OUT", SwapOut, still.out);
  still.rig.expect(Status.POLICY_FAILURE, "SNP_PAGE_SWAP_IN", SwapIn, moved);
  still.rig.expect(Status.POLICY_FAILURE, "SNP_PAGE_MOVE", Move, moved);
  const bound = swapping();
  bound.rig.psp.bindDevice(3, bound.rig.lab.root, 1);
  const values = {
    GCTX_PADDR: bound.gctx,
    SRC_PADDR: bound.page,
    DST_PADDR: bound.rig.preGuest(1, 0x5000n),
  };
  bound.rig.expect(Status.INVALID_GUEST_STATE, "SNP_PAGE_SWAP_OUT", SwapOut, bound.out);
  bound.rig.expect(Status.INVALID_GUEST_STATE, "SNP_PAGE_MOVE", Move, values);
});

test("UNSMASH joins 512 pages of one guest that follow one another, and refuses any gap", () => {
  const rig = new Rig();
  rig.launched(1);
  const spa = rig.lab.large();
  for (let i = 0n; i < 512n; i++)
    makePreGuest(rig.host, spa + (i << 12n), LARGE + (i << 12n), 1, false);
  const unsmash = (status: number) =>
    rig.expect(status, "SNP_PAGE_UNSMASH", Page, { PAGE_PADDR: spa | 1n });
  const last = spa + (511n << 12n);
  rig.reclaim(last);
  unsmash(Status.INVALID_PAGE_STATE);
  makeShared(rig.host, last, false);
  makePreGuest(rig.host, last, LARGE, 1, false);
  unsmash(Status.INVALID_PAGE_STATE);
  rig.reclaim(last);
  makeShared(rig.host, last, false);
  makePreGuest(rig.host, last, LARGE + (511n << 12n), 1, false);
  unsmash(Status.SUCCESS);
  assert.is(rig.rmp(spa).low & 0b111n, 0b111n, "assigned, 2 MiB, immutable");
  assert.is(rig.rmp(last).low, 0n);
});

test("SET_STATE makes Firmware pages nobody's until SNP is shut down", () => {
  const rig = new Rig();
  const spa = rig.firmwarePage();
  const list = (base: bigint, count: number) => {
    const bytes = new Uint8Array(24);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, 1, true);
    view.setBigUint64(8, base, true);
    view.setUint32(16, count, true);
    return { LENGTH: SetState.SIZE, LIST_PADDR: rig.filled(bytes) };
  };
  const expect = (status: number, values: object) =>
    rig.expect(status, "SNP_PAGE_SET_STATE", SetState, values as { LENGTH: number });
  expect(Status.INVALID_PAGE_STATE, list(rig.page(), 1));
  expect(Status.INVALID_ADDRESS, list(spa + 8n, 1));
  expect(Status.INVALID_LENGTH, { ...list(spa, 1), LENGTH: 8 });
  expect(Status.SUCCESS, list(spa, 1));
  assert.is(rig.rmp(spa).low, 4n, "HV-Fixed");
  assert.throws(() => makeFirmware(rig.host, spa), /answered 2/);
});

test("SHUTDOWN wants both flushes, forgets every guest, and INIT begins anew", () => {
  const rig = new Rig();
  const gctx = rig.running(1);
  const shutdown = (status: number) => rig.expect(status, "SNP_SHUTDOWN");
  shutdown(Status.WBINVD_REQUIRED);
  rig.host.wbinvd();
  shutdown(Status.DFFLUSH_REQUIRED);
  rig.expect(Status.SUCCESS, "SNP_DF_FLUSH");
  rig.shutDown();
  assert.is(rig.lab.core.firmware.slotState(1), 0, "its key is gone");
  assert.equal(rig.read(gctx), new Uint8Array(PAGE), "and its context");
  assert.ok(rig.host.write(gctx, pattern(16, 1)), "the RMP is no longer checked");
  rig.expect(Status.INVALID_PLATFORM_STATE, "SNP_ACTIVATE", Activate, {
    GCTX_PADDR: gctx,
    ASID: 1,
  });
  rig.expect(Status.RMP_INIT_REQUIRED, "SNP_INIT_EX", { FLAGS: 0, SIZE: 64 });
  rig.init();
  rig.expect(Status.INVALID_GUEST, "SNP_DECOMMISSION", Gctx, { GCTX_PADDR: gctx });
  rig.flush();
  rig.running(1);
});
