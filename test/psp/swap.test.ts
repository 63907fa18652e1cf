// Pages of a guest that leave for memory of the host's and come back. SNP firmware ABI (AMD 56860), 8; spec digest rmp.md 8.
import { makePreGuest } from "../../dist/hypervisor/page-state.js";
import * as Entry from "../../ts/abi/psp/metadata-entry.ts";
import * as MdInit from "../../ts/abi/psp/snp-page-md-init.ts";
import * as Move from "../../ts/abi/psp/snp-page-move.ts";
import * as SwapIn from "../../ts/abi/psp/snp-page-swap-in.ts";
import * as SwapOut from "../../ts/abi/psp/snp-page-swap-out.ts";
import * as SwapType from "../../ts/abi/psp/swap-type.ts";
import * as Status from "../../ts/abi/status.ts";
import { hex, pattern } from "../core.ts";
import { assert, suite } from "../kit.ts";
import { TioRig } from "../tio/rig.ts";
import { POLICY, Rig } from "./rig.ts";

const test = suite("swapped pages");

const PAGE = 0x1000;
const SWAP_DISABLE = 1n << 25n;

/** A running guest with a metadata page and a validated page of its own that it is asked to give up. */
function swapping(policy = POLICY, rig = new Rig()) {
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
  const rig = new TioRig();
  const bound = swapping(POLICY, rig);
  rig.bound(bound.gctx);
  const values = {
    GCTX_PADDR: bound.gctx,
    SRC_PADDR: bound.page,
    DST_PADDR: bound.rig.preGuest(1, 0x5000n),
  };
  bound.rig.expect(Status.INVALID_GUEST_STATE, "SNP_PAGE_SWAP_OUT", SwapOut, bound.out);
  bound.rig.expect(Status.INVALID_GUEST_STATE, "SNP_PAGE_MOVE", Move, values);
});
