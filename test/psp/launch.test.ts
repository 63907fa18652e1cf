// A launch page by page: what is measured, what the guest finds, what is refused. SNP firmware ABI (AMD 56860), 8.17 and 8.18.
import { makePreGuest } from "../../dist/hypervisor/page-state.js";
import { type Region, snpDigest } from "../../dist/launch/index.js";
import * as CpuidEntry from "../../ts/abi/cpuid-entry.ts";
import * as CpuidPage from "../../ts/abi/cpuid-page.ts";
import * as PageInfo from "../../ts/abi/page-info.ts";
import * as Start from "../../ts/abi/psp/snp-launch-start.ts";
import * as Update from "../../ts/abi/psp/snp-launch-update.ts";
import * as Rmp from "../../ts/abi/rmp.ts";
import * as Secrets from "../../ts/abi/secrets-page.ts";
import * as Status from "../../ts/abi/status.ts";
import { bit, hex, LARGE, pattern } from "../core.ts";
import { assert, skip, suite } from "../kit.ts";
import { hasShared, shared } from "../shared.ts";
import { POLICY, Rig } from "./rig.ts";

const test = suite("a launch");

const PAGE = 0x1000;
const types: Region["type"][] = ["normal", "vmsa", "zero", "unmeasured", "secrets", "cpuid"];
const typeOf = (type: Region["type"]) => types.indexOf(type) + 1;

const guestAt = (rig: Rig, gctx: bigint) => {
  const guest = rig.psp.contexts.open(gctx);
  assert.type(guest, "object");
  return guest as Exclude<typeof guest, number>;
};
const measured = (rig: Rig, gctx: bigint) => hex(guestAt(rig, gctx).measurement);

interface Traces {
  synthetic: { page: string; type: number; gpa: string; ld: string }[];
}
const TRACES = "launch-digest-traces.json";
if (!hasShared(TRACES)) skip("the digest after every page", `no ../shared/vectors/${TRACES}`);

test("every type of page extends the digest to the value that another implementation has", () => {
  if (!hasShared(TRACES)) return;
  const rig = new Rig();
  const gctx = rig.launched(1);
  for (const { page, type, gpa, ld } of shared<Traces>(TRACES).synthetic) {
    if (type === PageInfo.VMSA) break;
    const contents = new Uint8Array(PAGE).fill(page === "NORMAL ff" ? 0xff : 0);
    rig.update(gctx, 1, BigInt(gpa), contents, type);
    assert.is(measured(rig, gctx), ld, page);
  }
});

test("two implementations agree on the digest of random pages of every type", () => {
  const rig = new Rig();
  const gctx = rig.launched(1);
  let digest: Uint8Array = new Uint8Array(48);
  for (let i = 0; i < 24; i++) {
    const type = types[i % 6]!;
    const gpa = BigInt(i) << 12n;
    const contents = type === "cpuid" ? new Uint8Array(PAGE) : pattern(PAGE, i);
    rig.update(gctx, 1, gpa, contents, typeOf(type));
    const region: Region = { type, gpa, bytes: PAGE, contents };
    digest = snpDigest([region], digest);
    assert.is(measured(rig, gctx), hex(digest), `${i} ${type}`);
  }
});

test("the guest finds what its page's type says, the host ciphertext, and the RMP names the guest", () => {
  const rig = new Rig({ chip: "milan" });
  const gctx = rig.launched(1);
  const bytes = pattern(PAGE, 7);
  for (const type of ["normal", "vmsa", "zero", "unmeasured"] as const) {
    const spa = rig.update(gctx, 1, BigInt(typeOf(type)) << 12n, bytes, typeOf(type));
    const expected = type === "zero" ? new Uint8Array(PAGE) : bytes;
    assert.is(hex(rig.plain(spa, 1)), hex(expected), type);
    assert.is.not(hex(rig.read(spa)), hex(expected), type);
    const { low, high } = rig.rmp(spa);
    const flags = low & (bit(Rmp.ASSIGNED_BIT) | bit(Rmp.VALIDATED_BIT) | bit(Rmp.IMMUTABLE_BIT));
    assert.is(flags, bit(Rmp.ASSIGNED_BIT) | bit(Rmp.VALIDATED_BIT));
    assert.is((low & bit(Rmp.VMSA_BIT)) !== 0n, type === "vmsa");
    assert.is(high, 0xfn);
    assert.not(rig.host.write(spa, bytes), "the host may not write it");
  }
});

test("permissions of VMPL1 to 3 are given and measured; a VMSA has none", () => {
  const rig = new Rig({ chip: "milan" });
  const gctx = rig.launched(1);
  const values = { GCTX_PADDR: gctx, VMPL1_PERMS: 1, VMPL2_PERMS: 3, VMPL3_PERMS: 0xf };
  const PAGE_PADDR = rig.preGuest(1, 0n);
  rig.expect(Status.SUCCESS, "SNP_LAUNCH_UPDATE", Update, { ...values, PAGE_PADDR, FLAGS: 2 });
  assert.is(rig.rmp(PAGE_PADDR).high, 0x0f03010fn);
  const region: Region = { type: "normal", gpa: 0n, bytes: PAGE, contents: new Uint8Array(PAGE) };
  const permissions = [1, 3, 0xf] as const;
  assert.is(measured(rig, gctx), hex(snpDigest([{ ...region, permissions }])));
  const vmsa = rig.preGuest(1, 0x1000n);
  const flags = { PAGE_PADDR: vmsa, FLAGS: PageInfo.VMSA << Update.PAGE_TYPE_LSB };
  rig.expect(Status.SUCCESS, "SNP_LAUNCH_UPDATE", Update, { ...values, ...flags });
  assert.is(rig.rmp(vmsa).high, 0xfn);
  // Milan has no supervisor shadow stacks.
  const wrong = { ...values, VMPL1_PERMS: 0x10, PAGE_PADDR: rig.preGuest(1, 0n), FLAGS: 2 };
  rig.expect(Status.INVALID_PARAM, "SNP_LAUNCH_UPDATE", Update, wrong);
});

test("a page of 2 MiB is measured as the 512 that are in it, and given as one", () => {
  const rig = new Rig();
  const gctx = rig.launched(1);
  const contents = pattern(Number(LARGE), 3);
  const PAGE_PADDR = rig.lab.large();
  assert.ok(rig.host.write(PAGE_PADDR, contents));
  makePreGuest(rig.host, PAGE_PADDR, LARGE, 1, true);
  const values = { GCTX_PADDR: gctx, PAGE_PADDR };
  rig.expect(Status.INVALID_PAGE_SIZE, "SNP_LAUNCH_UPDATE", Update, { ...values, FLAGS: 2 });
  rig.expect(Status.SUCCESS, "SNP_LAUNCH_UPDATE", Update, { ...values, FLAGS: 3 });
  const region: Region = { type: "normal", gpa: LARGE, bytes: Number(LARGE), contents };
  assert.is(measured(rig, gctx), hex(snpDigest([region])));
  assert.is(hex(rig.plain(PAGE_PADDR + LARGE - 0x1000n, 1)), hex(contents.subarray(-PAGE)));
  assert.ok(rig.rmp(PAGE_PADDR).low & bit(Rmp.PAGE_SIZE_BIT));
});

test("LAUNCH_UPDATE refuses a page that is not offered, not this guest's, not aligned, not of a type", () => {
  const rig = new Rig();
  const gctx = rig.launched(1);
  const idle = rig.start();
  const PAGE_PADDR = rig.preGuest(1, 0x1000n);
  const expect = (status: number, values: object, why: string) => {
    const all = { GCTX_PADDR: gctx, PAGE_PADDR, FLAGS: 2, ...values };
    rig.expect(status, "SNP_LAUNCH_UPDATE", Update, all, why);
  };
  expect(Status.INACTIVE, { GCTX_PADDR: idle }, "not active");
  expect(Status.INVALID_PAGE_STATE, { PAGE_PADDR: rig.page() }, "the hypervisor's");
  expect(Status.INVALID_PAGE_STATE, { PAGE_PADDR: rig.firmwarePage() }, "the firmware's");
  expect(Status.INVALID_PAGE_STATE, { PAGE_PADDR: gctx }, "a context");
  expect(Status.INVALID_PAGE_OWNER, { PAGE_PADDR: rig.preGuest(2, 0x1000n) }, "another's");
  expect(Status.INVALID_ADDRESS, { PAGE_PADDR: PAGE_PADDR + 8n }, "not aligned");
  expect(Status.INVALID_ADDRESS, { PAGE_PADDR: 1n << 40n }, "no memory");
  for (const type of [0, 7])
    expect(Status.INVALID_PARAM, { FLAGS: type << Update.PAGE_TYPE_LSB }, `type ${type}`);
  for (const type of [PageInfo.VMSA, PageInfo.SECRETS, PageInfo.CPUID])
    expect(Status.INVALID_PARAM, { FLAGS: (type << Update.PAGE_TYPE_LSB) | 1 }, "2 MiB");
  expect(Status.INVALID_PARAM, { FLAGS: 2 | (1 << Update.IMI_PAGE_BIT) }, "no IMI");
  expect(Status.SUCCESS, {}, "as it should be");
  expect(Status.INVALID_PAGE_STATE, {}, "given already");
});

test("an initial migration image is measured twice: as the guest, and by itself", () => {
  const rig = new Rig();
  const gctx = rig.start(POLICY, { FLAGS: 1 << Start.IMI_EN_BIT });
  rig.activate(gctx, 1);
  rig.update(gctx, 1, 0n, pattern(PAGE, 1));
  const before = guestAt(rig, gctx).imd;
  assert.equal(before, new Uint8Array(48), "an ordinary page is none of it");
  const PAGE_PADDR = rig.preGuest(1, 0x1000n, pattern(PAGE, 2));
  const imi = 1 << Update.IMI_PAGE_BIT;
  const values = { GCTX_PADDR: gctx, PAGE_PADDR, FLAGS: 2 | imi };
  rig.expect(Status.SUCCESS, "SNP_LAUNCH_UPDATE", Update, values);
  assert.is.not(hex(guestAt(rig, gctx).imd), hex(before));
});

test("the secrets page has the guest's keys, and nobody but the guest reads them", () => {
  const rig = new Rig();
  const GOSVW = pattern(16, 9);
  const gctx = rig.start(POLICY, { GOSVW });
  rig.activate(gctx, 1);
  const spa = rig.update(gctx, 1, 0xd000n, new Uint8Array(PAGE).fill(0xee), PageInfo.SECRETS);
  const page = rig.plain(spa, 1);
  const guest = guestAt(rig, gctx);
  const offsets = [Secrets.VMPCK0, Secrets.VMPCK1, Secrets.VMPCK2, Secrets.VMPCK3];
  for (const [i, at] of offsets.entries())
    assert.is(hex(page.subarray(at, at + 32)), hex(guest.vmpck[i]!));
  assert.is(hex(page.subarray(Secrets.GOSVW, Secrets.GOSVW + 16)), hex(GOSVW));
  const fms = new DataView(page.buffer).getUint32(Secrets.FMS, true);
  assert.is(fms, rig.lab.platform.chip.signature);
  assert.equal(page.subarray(0xa0, 0x100), new Uint8Array(0x60), "the guest's own area is zero");
  assert.is.not(hex(rig.read(spa, 0x20)), hex(page.subarray(0, 0x20)));
});

/** A CPUID page with entries: leaf, subleaf, EAX to EDX. */
function cpuidPage(...entries: [number, number, number, number, number, number][]): Uint8Array {
  const page = new Uint8Array(PAGE);
  const view = new DataView(page.buffer);
  view.setUint32(CpuidPage.COUNT, entries.length, true);
  const fields = [CpuidEntry.EAX_IN, CpuidEntry.ECX_IN, CpuidEntry.EAX];
  for (const [i, entry] of entries.entries()) {
    const at = CpuidPage.ENTRIES + i * CpuidEntry.SIZE;
    for (const [j, offset] of [...fields, CpuidEntry.EBX, CpuidEntry.ECX, CpuidEntry.EDX].entries())
      view.setUint32(at + offset, entry[j]! >>> 0, true);
  }
  return page;
}

const TSC_DEADLINE = 1 << 24;
const CBIT_LEAF = 51 | (5 << 6) | (4 << 12);

test("an unsafe CPUID page is corrected where it lies, is not measured, and is then taken", () => {
  const rig = new Rig({ chip: "milan" });
  const gctx = rig.launched(1);
  const before = measured(rig, gctx);
  const page = cpuidPage(
    [1, 0, 0x00a00f11, 0, 0x8020_0000 | TSC_DEADLINE, 0x178bfbff],
    [7, 0, 0, 0x219c07ab, 0, 0x8c00_0010],
    [0xd, 0, 7, 0x340, 0x340, 0],
    [0x8000_0008, 0, 0x3030, 0x0300_0000, 0, 0],
    [0x8000_001f, 0, 0x1a, 52 | (5 << 6) | (15 << 12), 0, 0],
  );
  const right = cpuidPage(
    [1, 0, 0x00a00f11, 0, 0x8020_0000, 0x178bfbff],
    [7, 0, 0, 0x219c07a9, 0, 0x0000_0010],
    [0xd, 0, 7, 0x240, 0x340, 0],
    [0x8000_0008, 0, 0x3030, 0x0100_0000, 0, 0],
    [0x8000_001f, 0, 0x1a, CBIT_LEAF, 0, 0],
  );
  const PAGE_PADDR = rig.preGuest(1, 0xe000n, page);
  const FLAGS = PageInfo.CPUID << Update.PAGE_TYPE_LSB;
  const values = { GCTX_PADDR: gctx, PAGE_PADDR, FLAGS };
  const entry = rig.rmp(PAGE_PADDR);
  assert.is(rig.send("SNP_LAUNCH_UPDATE", Update, values), Status.INVALID_PARAM);
  assert.equal(rig.rmp(PAGE_PADDR), entry, "the page is still Pre-Guest");
  assert.is(hex(rig.read(PAGE_PADDR)), hex(right), "and plaintext, as it may be");
  assert.is(measured(rig, gctx), before);
  rig.expect(Status.SUCCESS, "SNP_LAUNCH_UPDATE", Update, values);
  assert.is(hex(rig.plain(PAGE_PADDR, 1)), hex(right));
});

test("a CPUID page of more than 64 entries is cut to 64", () => {
  const rig = new Rig();
  const gctx = rig.launched(1);
  const page = new Uint8Array(PAGE);
  new DataView(page.buffer).setUint32(CpuidPage.COUNT, 0xffff_ffff, true);
  const PAGE_PADDR = rig.preGuest(1, 0n, page);
  const values = { GCTX_PADDR: gctx, PAGE_PADDR, FLAGS: PageInfo.CPUID << Update.PAGE_TYPE_LSB };
  assert.is(rig.send("SNP_LAUNCH_UPDATE", Update, values), Status.INVALID_PARAM);
  assert.is(rig.read(PAGE_PADDR)[0], 64);
});
