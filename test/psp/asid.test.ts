// Which guest has which ASID: every documented status, and that a refusal changes nothing.
// SEV API (AMD 55766), 6; SNP firmware ABI (AMD 56860), 8; DESIGN.md 3.

import * as Code from "../../ts/abi/exit.ts";
import * as Activate from "../../ts/abi/psp/activate.ts";
import * as Gctx from "../../ts/abi/psp/gctx.ts";
import * as SnpActivate from "../../ts/abi/psp/snp-activate.ts";
import * as SnpActivateEx from "../../ts/abi/psp/snp-activate-ex.ts";
import * as Slot from "../../ts/abi/slot.ts";
import * as Status from "../../ts/abi/status.ts";
import type { Exit } from "../../ts/port.ts";
import { hex, rmpLow } from "../core.ts";
import { assert, suite } from "../kit.ts";
import { VIA } from "../lab.ts";
import { POLICY, Rig } from "./rig.ts";

const test = suite("ASIDs");

const MIN_SEV_ASID = 0x80;
const LAST = 1006;
const GPA = 0x20_0000n;
const ES = 4;
const SINGLE_SOCKET = 1n << 20n;

test("the legacy life of an ASID: every command in every state of its guest", () => {
  for (const policy of [0, ES]) {
    const rig = new Rig({ generation: "sev-es" });
    const asid = policy === 0 ? MIN_SEV_ASID + 3 : 3;
    const { host, firmware } = rig.lab.core;
    const [a, b] = [rig.sevStart(policy), rig.sevStart(policy)];
    rig.sevActivate(777, asid, Status.INVALID_GUEST);
    rig.onHandle("DEACTIVATE", 777, Status.INVALID_GUEST);
    rig.onHandle("DECOMMISSION", 777, Status.INVALID_GUEST);
    rig.expect(Status.SUCCESS, "DF_FLUSH");
    rig.sevActivate(a, asid);
    assert.is(firmware.slotState(asid), Slot.ACTIVE);
    rig.sevActivate(a, asid + 1, Status.ACTIVE);
    rig.sevActivate(b, asid, Status.ASID_OWNED);
    rig.onHandle("DECOMMISSION", a, Status.ACTIVE);
    rig.onHandle("DEACTIVATE", a);
    for (const guest of [a, b]) rig.sevActivate(guest, asid, Status.WBINVD_REQUIRED);
    rig.expect(Status.WBINVD_REQUIRED, "DF_FLUSH");
    host.wbinvd();
    for (const guest of [a, b]) rig.sevActivate(guest, asid, Status.DFFLUSH_REQUIRED);
    rig.sevActivate(b, asid + 1);
    rig.expect(Status.SUCCESS, "DF_FLUSH");
    rig.sevActivate(a, asid);
    rig.onHandle("DEACTIVATE", a);
    rig.onHandle("DECOMMISSION", a);
    rig.sevActivate(a, asid, Status.INVALID_GUEST);
    rig.onHandle("DECOMMISSION", a, Status.INVALID_GUEST);
    rig.onHandle("DEACTIVATE", b);
    host.wbinvd();
    rig.onHandle("DEACTIVATE", b);
    rig.expect(Status.SUCCESS, "DF_FLUSH");
  }
});

test("the SNP life of an ASID: it is freed by DECOMMISSION, and the context page goes back to the firmware", () => {
  const rig = new Rig();
  const [a, b] = [rig.start(), rig.start()];
  const activate = (GCTX_PADDR: bigint, ASID: number, status: number) =>
    rig.expect(status, "SNP_ACTIVATE", SnpActivate, { GCTX_PADDR, ASID });
  const unknown = rig.firmwarePage();
  activate(unknown, 1, Status.INVALID_GUEST);
  rig.expect(Status.INVALID_GUEST, "SNP_DECOMMISSION", Gctx, { GCTX_PADDR: unknown });
  activate(a, 1, Status.SUCCESS);
  activate(a, 2, Status.ACTIVE);
  activate(b, 1, Status.ASID_OWNED);
  rig.decommission(a);
  assert.is(rig.rmp(a).low & 0x2000_0000_0000_0007n, 5n, "Firmware: assigned, immutable, no VMSA");
  assert.equal(rig.read(a), new Uint8Array(0x1000), "and nothing is left in it");
  activate(a, 1, Status.INVALID_GUEST);
  activate(b, 1, Status.WBINVD_REQUIRED);
  rig.expect(Status.WBINVD_REQUIRED, "SNP_DF_FLUSH");
  rig.host.wbinvd();
  activate(b, 1, Status.DFFLUSH_REQUIRED);
  rig.expect(Status.SUCCESS, "SNP_DF_FLUSH");
  activate(b, 1, Status.SUCCESS);
});

test("each kind of guest has its own ASIDs", () => {
  for (const asid of [0, 1, MIN_SEV_ASID - 1, LAST + 1, 1023, 1024, 0xffff_ffff]) {
    const rig = new Rig({ generation: "sev-es" });
    rig.sevActivate(rig.sevStart(), asid, Status.INVALID_ASID);
  }
  const tooHigh = [0, MIN_SEV_ASID, LAST, 1024, 0xffff_ffff];
  const es = new Rig({ generation: "sev-es" });
  const snp = new Rig();
  const guest = es.sevStart(ES);
  const GCTX_PADDR = snp.start();
  for (const ASID of tooHigh) {
    es.sevActivate(guest, ASID, Status.INVALID_ASID);
    snp.expect(Status.INVALID_ASID, "SNP_ACTIVATE", SnpActivate, { GCTX_PADDR, ASID });
  }
  es.sevActivate(guest, MIN_SEV_ASID - 1);
  es.sevActivate(es.sevStart(), LAST);
  snp.activate(GCTX_PADDR, MIN_SEV_ASID - 1);
});

test("a guest of one book is no guest of the other", () => {
  const rig = new Rig();
  rig.sevInit();
  const handle = rig.sevStart(ES);
  const values = { GCTX_PADDR: BigInt(handle) << 12n, ASID: 1 };
  rig.expect(Status.INVALID_GUEST, "SNP_ACTIVATE", SnpActivate, values);
  rig.expect(Status.INVALID_GUEST, "SNP_DECOMMISSION", Gctx, { GCTX_PADDR: 0n });
  rig.expect(Status.INVALID_GUEST, "ACTIVATE", Activate, { HANDLE: 9, ASID: 1 });
  rig.sevActivate(handle, 1);
  const GCTX_PADDR = rig.start();
  rig.expect(Status.ASID_OWNED, "SNP_ACTIVATE", SnpActivate, { GCTX_PADDR, ASID: 1 });
});

/** A validated page of ASID 1 that its guest left behind. */
function leave({ lab }: Rig): bigint {
  const spa = lab.small();
  const low = rmpLow({ assigned: true, validated: true, asid: 1, gpa: GPA });
  lab.core.firmware.setRmp(spa, low, 0xfn);
  return spa;
}

const free = { gpa: 0n, assigned: false, pageSize: "4k", immutable: false, asid: 0 } as const;

test("an ASID is owned while a validated page names it, unless its last holder comes back", () => {
  const rig = new Rig();
  rig.sevInit();
  const [a, b] = [rig.sevStart(ES), rig.sevStart(ES)];
  rig.sevActivate(a, 1);
  const spa = leave(rig);
  rig.onHandle("DEACTIVATE", a);
  rig.flush();
  rig.sevActivate(b, 1, Status.ASID_OWNED);
  rig.sevActivate(a, 1);
  rig.onHandle("DEACTIVATE", a);
  rig.flush();
  assert.is(rig.host.rmpupdate(spa, free), 0);
  rig.sevActivate(b, 1);
});

test("the pages of a decommissioned SNP guest keep its ASID from the next until they are taken back", () => {
  const rig = new Rig();
  const [a, GCTX_PADDR] = [rig.launched(1), rig.start()];
  const spa = leave(rig);
  rig.decommission(a);
  rig.flush();
  rig.expect(Status.ASID_OWNED, "SNP_ACTIVATE", SnpActivate, { GCTX_PADDR, ASID: 1 });
  assert.is(rig.host.rmpupdate(spa, free), 0);
  rig.activate(GCTX_PADDR, 1);
});

test("in the field guide's dialect an SNP guest gives its ASID back, comes back to another, and finds its memory", () => {
  const rig = new Rig({ dialect: "field-guide" });
  const GCTX_PADDR = rig.running(1);
  rig.expect(Status.SUCCESS, "SNP_DEACTIVATE", Gctx, { GCTX_PADDR });
  rig.flush();
  const other = rig.launched(1);
  rig.activate(GCTX_PADDR, 2);
  rig.decommission(other);
  const abi = new Rig();
  abi.expect(Status.INVALID_COMMAND, "SNP_DEACTIVATE", Gctx, { GCTX_PADDR: abi.running(1) });
});

test("with ciphertext hiding SNP guests and SEV-ES guests have ASIDs of their own", () => {
  const rig = new Rig({ chip: "turin", initialise: false });
  rig.hide(10);
  rig.sevInit();
  const [a, b] = [rig.start(), rig.sevStart(ES)];
  const values = { GCTX_PADDR: a, ASID: 11 };
  rig.expect(Status.INVALID_ASID, "SNP_ACTIVATE", SnpActivate, values);
  rig.sevActivate(b, 10, Status.INVALID_ASID);
  rig.activate(a, 10);
  rig.sevActivate(b, 11);
});

test("a guest bound to one socket is activated on the cores of one socket", () => {
  const rig = new Rig({ sockets: 2 });
  const GCTX_PADDR = rig.start(POLICY | SINGLE_SOCKET);
  const values = { GCTX_PADDR, ASID: 1 };
  rig.expect(Status.POLICY_FAILURE, "SNP_ACTIVATE", SnpActivate, values);
  const ids = (...list: number[]) => rig.filled(new Uint8Array(Uint32Array.from(list).buffer));
  const ex = (IDS_PADDR: bigint, NUMIDS: number) => ({
    ...values,
    EX_LEN: SnpActivateEx.SIZE,
    NUMIDS,
    IDS_PADDR,
  });
  const both = ex(ids(0, 512), 2);
  rig.expect(Status.POLICY_FAILURE, "SNP_ACTIVATE_EX", SnpActivateEx, both);
  rig.expect(Status.INVALID_PARAM, "SNP_ACTIVATE_EX", SnpActivateEx, ex(ids(1024), 1));
  rig.expect(Status.INVALID_PARAM, "SNP_ACTIVATE_EX", SnpActivateEx, ex(ids(0), 0));
  const far = ex(1n << 40n, 1);
  rig.expect(Status.INVALID_ADDRESS, "SNP_ACTIVATE_EX", SnpActivateEx, far);
  const short = { ...ex(ids(512), 1), EX_LEN: 8 };
  rig.expect(Status.INVALID_LENGTH, "SNP_ACTIVATE_EX", SnpActivateEx, short);
  rig.expect(Status.SUCCESS, "SNP_ACTIVATE_EX", SnpActivateEx, ex(ids(512, 513), 2));
});

test("VMRUN of an encrypted guest on an ASID without an activated guest exits VMEXIT_INVALID", () => {
  const rig = new Rig({ generation: "sev-es" });
  const { lab } = rig;
  const run = () => {
    lab.load({ asid: 5, paging: false });
    return [lab.core.guest.mayRun(), lab.read(GPA) instanceof Uint8Array];
  };
  lab.back(GPA);
  const guest = rig.sevStart(ES);
  assert.equal(run(), [false, false]);
  const exit = lab.read(GPA) as Exit;
  assert.equal([exit.kind, exit.code], [Code.VMEXIT, 0xffff_ffff_ffff_ffffn]);
  rig.sevActivate(guest, 5);
  assert.equal(run(), [true, true]);
  rig.onHandle("DEACTIVATE", guest);
  assert.equal(run(), [false, false]);
});

test("a guest that is activated again finds its memory; another guest on the ASID finds garbage", () => {
  const rig = new Rig({ generation: "sev-es" });
  const { lab } = rig;
  const [a, b] = [rig.sevStart(ES), rig.sevStart(ES)];
  lab.back(GPA);
  const plain = new Uint8Array(64).fill(7);
  const turn = (guest: number) => {
    rig.host.wbinvd();
    rig.expect(Status.SUCCESS, "DF_FLUSH");
    rig.sevActivate(guest, 5);
    lab.load({ asid: 5, paging: false });
  };
  turn(a);
  lab.write(GPA, plain);
  rig.onHandle("DEACTIVATE", a);
  turn(b);
  assert.is.not(hex(lab.read(GPA, 64) as Uint8Array), hex(plain));
  rig.onHandle("DEACTIVATE", b);
  turn(a);
  assert.is(hex(lab.read(GPA, 64) as Uint8Array), hex(plain));
});

test("a device bound to a guest that was decommissioned is refused", () => {
  const rig = new Rig();
  const { lab } = rig;
  const gctx = rig.launched(1);
  const spa = lab.small();
  lab.nest(GPA, spa);
  const low = rmpLow({ assigned: true, validated: true, asid: 1, gpa: GPA });
  lab.core.firmware.setRmp(spa, low, 0xfn);
  lab.trust(4, { asid: 1 });
  assert.ok(lab.core.device.read(4, GPA, new Uint8Array(16), VIA));
  rig.decommission(gctx);
  assert.not.ok(lab.core.device.read(4, GPA, new Uint8Array(16), VIA));
  assert.is(lab.core.device.exit().code, BigInt(Code.IO_PAGE_FAULT));
});
