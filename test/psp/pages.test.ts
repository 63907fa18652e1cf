// Pages that the firmware holds, moves, seals and opens; and what it makes of a context that somebody altered.
// SNP firmware ABI (AMD 56860), 5 and 8; spec digest rmp.md 3 and 8.
import { makeFirmware, makePreGuest, makeShared } from "../../dist/hypervisor/page-state.js";
import * as Context from "../../ts/abi/psp/context-page.ts";
import * as Gctx from "../../ts/abi/psp/gctx.ts";
import * as Activate from "../../ts/abi/psp/snp-activate.ts";
import * as Dbg from "../../ts/abi/psp/snp-dbg.ts";
import * as GuestStatus from "../../ts/abi/psp/snp-guest-status.ts";
import * as Page from "../../ts/abi/psp/snp-page.ts";
import * as SetState from "../../ts/abi/psp/snp-page-set-state.ts";
import * as Status from "../../ts/abi/status.ts";
import { hex, LARGE, pattern } from "../core.ts";
import { assert, suite } from "../kit.ts";
import { DEBUG, POLICY, Rig } from "./rig.ts";

const test = suite("pages of the firmware");

const PAGE = 0x1000;

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
