// Registers behind a root port: the MMIO window that the RMP of a part with segments covers, and who reaches it as whom.

import { createPlatform } from "../../dist/index.js";
import * as Code from "../../ts/abi/exit.ts";
import * as Answer from "../../ts/abi/rmp-state.ts";
import type { MmioAccess } from "../../ts/port.ts";
import { hex, LARGE, MIB, OPEN, PAGE, pattern, rmpLow, withCore } from "../core.ts";
import { assert, suite } from "../kit.ts";
import { FULL, Lab } from "../lab.ts";

const test = suite("MMIO under the RMP");

const WINDOW = 512n << 30n;
const BAR = WINDOW + 0x20_0000n;
const GPA = 0x8_0000_0000n;
const GVA = 0x40_0000n;

function board() {
  const lab = new Lab({ generation: "sev-tio" });
  const seen: (MmioAccess & { bytes: string })[] = [];
  lab.core.onMmio((access, bytes) => {
    if (!access.write) bytes.set(pattern(bytes.length, 8));
    seen.push({ ...access, bytes: hex(bytes) });
  });
  lab.nest(GPA, BAR);
  lab.map(GVA, GPA | OPEN | lab.cBit);
  lab.map(GVA + PAGE, GPA | OPEN);
  lab.load();
  const entry = (fields: Parameters<typeof rmpLow>[0]) =>
    lab.core.firmware.setRmp(BAR, rmpLow(fields), FULL);
  return { lab, seen, entry };
}

const mine = { assigned: true, asid: 1, gpa: GPA, validated: true };

test("a validated page of registers takes the guest's loads and stores with the T bit", () => {
  const { lab, seen, entry } = board();
  entry(mine);
  const into = new Uint8Array(8);
  assert.ok(lab.core.guest.read(GVA + 0x10n, into));
  assert.is(hex(into), hex(pattern(8, 8)));
  assert.ok(lab.core.guest.write(GVA + 0x20n, pattern(64, 3)));
  assert.equal(seen, [
    { spa: BAR + 0x10n, asid: 1, write: false, bytes: hex(pattern(8, 8)) },
    { spa: BAR + 0x20n, asid: 1, write: true, bytes: hex(pattern(64, 3)) },
  ]);
});

// what is wrong with the entry, and how the guest leaves
// biome-ignore format: a table
const refusals: [string, Parameters<typeof rmpLow>[0], number, bigint][] = [
  ["the hypervisor's",     {},                                  Code.VMEXIT,    BigInt(Code.VMEXIT_NPF)],
  ["another guest's",      { ...mine, asid: 2 },                Code.VMEXIT,    BigInt(Code.VMEXIT_NPF)],
  ["mapped elsewhere",     { ...mine, gpa: GPA + PAGE },        Code.VMEXIT,    BigInt(Code.VMEXIT_NPF)],
  ["not validated",        { ...mine, validated: false },       Code.EXCEPTION, BigInt(Code.VC)],
];

for (const [name, fields, kind, code] of refusals) {
  test(`a private access to a page of registers that is ${name} reaches no device`, () => {
    const { lab, seen, entry } = board();
    entry(fields);
    assert.not.ok(lab.core.guest.read(GVA, new Uint8Array(8)));
    const exit = lab.core.guest.exit();
    assert.equal([exit.kind, exit.code], [kind, code]);
    assert.not.ok(lab.core.guest.write(GVA, new Uint8Array(8)));
    assert.equal(seen, []);
  });
}

test("a shared mapping goes without the T bit, and may not store where the page is a guest's", () => {
  const { lab, seen, entry } = board();
  assert.ok(lab.core.guest.read(GVA + PAGE, new Uint8Array(4)));
  assert.ok(lab.core.guest.write(GVA + PAGE, pattern(4, 1)));
  entry(mine);
  assert.ok(lab.core.guest.read(GVA + PAGE, new Uint8Array(4)));
  assert.not.ok(lab.core.guest.write(GVA + PAGE, pattern(4, 2)));
  assert.is(lab.core.guest.exit().code, BigInt(Code.VMEXIT_NPF));
  assert.equal(
    seen.map(({ asid, write }) => [asid, write]),
    [
      [undefined, false],
      [undefined, true],
      [undefined, false],
    ],
  );
});

test("the host's own loads and stores go without the T bit, stores under the RMP", () => {
  const { lab, seen, entry } = board();
  const { host } = lab.core;
  const into = new Uint8Array(4);
  assert.ok(host.read(BAR, into));
  assert.is(hex(into), hex(pattern(4, 8)));
  assert.ok(host.write(BAR, into));
  entry(mine);
  assert.not.ok(host.write(BAR, into));
  assert.equal([host.exit().kind, host.exit().code], [Code.HOST_FAULT, BigInt(Code.PF)]);
  assert.ok(host.read(BAR, into), "reads are never refused");
  assert.ok(seen.every(({ asid }) => asid === undefined));
  assert.is(seen.length, 3);
});

test("nothing is remembered of registers: the next access asks the RMP again", () => {
  const { lab, seen, entry } = board();
  entry(mine);
  assert.ok(lab.core.guest.read(GVA, new Uint8Array(4)));
  assert.is(
    lab.core.host.rmpupdate(BAR, {
      gpa: GPA,
      assigned: true,
      pageSize: "4k",
      immutable: false,
      asid: 2,
    }),
    Answer.SUCCESS,
  );
  assert.not.ok(lab.core.guest.read(GVA, new Uint8Array(4)));
  assert.is(seen.length, 1);
});

test("no code is fetched from registers, no table read there, no access crosses out of a page of them", () => {
  const { lab, seen, entry } = board();
  entry(mine);
  const leaves = () => assert.is(lab.core.guest.exit().code, BigInt(Code.VMEXIT_NPF));
  assert.not.ok(lab.core.guest.fetch(GVA, new Uint8Array(4)));
  leaves();
  assert.not.ok(lab.core.guest.read(GVA + PAGE - 2n, new Uint8Array(4)));
  leaves();
  assert.not.ok(lab.core.guest.write(GVA + PAGE - 2n, new Uint8Array(4)));
  leaves();
  lab.load({ ncr3: BAR });
  assert.not.ok(lab.core.guest.read(GVA, new Uint8Array(4)));
  leaves();
  assert.equal(seen, []);
});

test("the host assigns pages of registers by RMPUPDATE, small and large; only the firmware validates them", () => {
  const { lab } = board();
  const { host, firmware, guest } = lab.core;
  const state = { gpa: GPA, assigned: true, pageSize: "4k" as const, immutable: false, asid: 1 };
  assert.is(host.rmpupdate(BAR, state), Answer.SUCCESS);
  assert.equal(host.rmpread(BAR)?.entry, { ...state, regionAssigned: false });
  assert.is(guest.pvalidate(GVA, false, true), undefined);
  assert.is(guest.exit().code, BigInt(Code.VMEXIT_NPF));
  assert.is(firmware.rmp(BAR).low & rmpLow({ validated: true }), 0n);
  assert.is(firmware.validatedOf(1), lab.core.firmware.validatedOf(1));
  const before = firmware.validatedOf(1);
  assert.ok(firmware.setRmp(BAR, rmpLow(mine), FULL));
  assert.is(firmware.validatedOf(1), before + 1n, "it counts as the guest's");
  assert.is(host.rmpupdate(BAR, { ...state, gpa: GPA + PAGE }), Answer.SUCCESS);
  assert.is(firmware.validatedOf(1), before, "validation is lost with the place");
  const large = { ...state, pageSize: "2m" as const };
  assert.is(host.rmpupdate(BAR + LARGE, large), Answer.SUCCESS);
  assert.is(host.rmpupdate(BAR, { ...large }), Answer.FAIL_OVERLAP);
  assert.is(host.rmpupdate(WINDOW + (1n << 30n), state), Answer.FAIL_INPUT, "beyond the window");
  assert.is(host.rmpupdate(WINDOW - PAGE, state), Answer.FAIL_INPUT);
});

test("a device's requests to other devices' registers are refused", () => {
  const { lab, seen, entry } = board();
  entry(mine);
  lab.trust(5);
  for (const via of [undefined, { streamId: 0, rootPortId: 1 }]) {
    assert.not.ok(lab.core.device.read(5, GPA, new Uint8Array(4), via));
    assert.is(lab.core.device.exit().code, BigInt(Code.IO_PAGE_FAULT));
  }
  assert.equal(seen, []);
});

test("without sev-tio, and with a contiguous RMP, there is no window", () => {
  const cases = [
    { generation: "sev-snp" as const },
    { generation: "sev-tio" as const, rmp: { segmented: false } },
  ];
  for (const options of cases) {
    const platform = createPlatform({ resident: 64 * MIB, ...options, ...withCore });
    assert.is(platform.rmp?.mmio, undefined);
    assert.not.ok(platform.core.host.read(WINDOW, new Uint8Array(4)));
    assert.is(platform.core.host.exit().kind, Code.HOST_FAULT);
  }
});
