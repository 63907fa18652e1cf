// CPUID in an SNP guest with a CPUID page: the firmware's table answers, the hypervisor only for what is the vCPU's own. AMD 56860, 7.1.
import type { Cpu, Step } from "../../dist/guest/cpu.js";
import { type Leaf, readCpuidPage } from "../../dist/guest/ghcb/cpuid.js";
import { vcHandler } from "../../dist/guest/vc.js";
import { type MsrRow, msrRows } from "../../dist/hypervisor/ghcb/msr-protocol.js";
import * as Entry from "../../ts/abi/cpuid-entry.ts";
import * as Page from "../../ts/abi/cpuid-page.ts";
import * as Code from "../../ts/abi/exit.ts";
import * as Vmsa from "../../ts/abi/vmsa.ts";
import { assert, suite } from "../kit.ts";
import { type Rig, rig, SCRATCH } from "./rig.ts";

const test = suite("the CPUID page");

type Row = [
  leaf: number,
  sub: number,
  xcr0: bigint,
  xss: bigint,
  eax: number,
  ebx: number,
  ecx: number,
  edx: number,
];

const ROWS: Row[] = [
  [0, 0, 0n, 0n, 0x10, 1, 2, 3],
  [0x80000000, 0, 0n, 0n, 0x8000001f, 1, 2, 3],
  [0x40000000, 0, 0n, 0n, 0x40000001, 4, 5, 6],
  [1, 0, 0n, 0n, 0xa00f11, 0x00112233, 0x1, 0x0],
  [7, 0, 0n, 0n, 1, 2, 0x10, 4],
  [7, 1, 0n, 0n, 5, 6, 7, 8],
  [0xb, 0, 0n, 0n, 1, 2, 3, 0],
  [0xd, 0, 7n, 0n, 7, 0x999, 0x999, 0],
  [0xd, 0, 3n, 1n, 7, 0x888, 0x888, 0],
  [0xd, 0, 1n, 0n, 7, 0x240, 0x988, 0],
  [0xd, 1, 1n, 0n, 0xf, 0x240, 0, 0],
  [0xd, 2, 0n, 0n, 0x100, 0x240, 0, 0],
  [0xd, 9, 0n, 0n, 0x8, 0xa80, 0, 0],
  [0xd, 11, 0n, 0n, 0x10, 0, 1, 0],
  [0x8000001e, 0, 0n, 0n, 0, 0xaabbcc00, 0x11223300, 0],
];

function pageOf(rows: Row[]): Uint8Array {
  const page = new Uint8Array(Page.SIZE);
  const view = new DataView(page.buffer);
  view.setUint32(Page.COUNT, rows.length, true);
  rows.forEach(([leaf, sub, xcr0, xss, ...values], i) => {
    const at = Page.ENTRIES + i * Entry.SIZE;
    view.setUint32(at + Entry.EAX_IN, leaf, true);
    view.setUint32(at + Entry.ECX_IN, sub, true);
    view.setBigUint64(at + Entry.XCR0_IN, xcr0, true);
    view.setBigUint64(at + Entry.XSS_IN, xss, true);
    values.forEach((value, register) => {
      view.setUint32(at + Entry.EAX + 4 * register, value, true);
    });
  });
  return page;
}

/** A guest that has read the page, and then asks. */
function guestWith(rows: Row[], program: (cpu: Cpu) => Step): Rig {
  return rig(function* (cpu, guest) {
    yield* cpu.write(SCRATCH, pageOf(rows));
    const cpuid = yield* readCpuidPage(cpu, SCRATCH);
    cpu.on(Code.VC, vcHandler({ ...guest, cpuid }));
    yield* program(cpu);
  });
}

function ask(leaf: number, sub: number, prepare: (cpu: Cpu) => void = () => {}): Leaf {
  let answer: Leaf = { eax: 0, ebx: 0, ecx: 0, edx: 0 };
  const made = guestWith(ROWS, function* (cpu) {
    prepare(cpu);
    answer = yield* cpu.cpuid(leaf, sub);
  });
  const lie = { eax: 0x11111111, ebx: 0x77000055, ecx: 0x66666644, edx: 0x33333233 };
  const { cpuid } = made.vm;
  // True only of the leaf that the guest boots by, before it has its page.
  const lying: typeof cpuid = (at, below) => (at === 0x8000001f ? cpuid(at, below) : lie);
  Object.assign(made.vm, { cpuid: lying });
  assert.is(made.run(), "sleeps");
  assert.is(made.vm.ghcb.terminated, undefined);
  return answer;
}

const leaf = (eax: number, ebx: number, ecx: number, edx: number): Leaf => ({ eax, ebx, ecx, edx });

test("the page answers, whatever the hypervisor would", () => {
  assert.equal(ask(0, 0), leaf(0x10, 1, 2, 3));
  assert.equal(ask(0, 5), leaf(0x10, 1, 2, 3));
  assert.equal(ask(7, 1), leaf(5, 6, 7, 8));
});

test("a leaf that the page does not have reads as zeros, and so does one out of its ranges", () => {
  for (const absent of [2, 0x11, 0x40000001, 0x40000002, 0x80000020, 0xffffffff])
    assert.equal(ask(absent, 0), leaf(0, 0, 0, 0), absent.toString(16));
  assert.equal(ask(7, 2), leaf(0, 0, 0, 0));
});

test("APIC ids and whether the APIC is on are the hypervisor's, and nothing else of leaf 1", () => {
  assert.equal(ask(1, 0), leaf(0xa00f11, 0x77112233, 1, 0x200));
  assert.equal(ask(0xb, 0), leaf(1, 2, 3, 0x33333233));
  assert.equal(ask(0x8000001e, 0), leaf(0x11111111, 0xaabbcc55, 0x11223344, 0));
});

test("OSXSAVE and OSPKE follow the guest's own CR4", () => {
  const on = (bits: number) => (cpu: Cpu) => {
    cpu.registers.cr4 |= 1n << BigInt(bits);
  };
  assert.is(ask(7, 0).ecx, 0);
  assert.is(ask(7, 0, on(Vmsa.CR4_PKE_BIT)).ecx, 0x10);
  assert.is(ask(1, 0, on(Vmsa.CR4_OSXSAVE_BIT)).ecx >>> 27, 1);
});

test("the XSAVE area's size is computed from its components, only the smallest entry is trusted", () => {
  const enable =
    (xcr0: bigint, xss = 0n) =>
    (cpu: Cpu) => {
      cpu.registers.cr4 |= 1n << BigInt(Vmsa.CR4_OSXSAVE_BIT);
      cpu.registers.xcr0 = xcr0;
      cpu.registers.xss = xss;
    };
  assert.is(ask(0xd, 0).ebx, 0x240);
  assert.is(ask(0xd, 0, enable(3n)).ebx, 0x240);
  assert.is(ask(0xd, 0, enable(7n)).ebx, 0x340);
  assert.is(ask(0xd, 0, enable(0x207n)).ebx, 0xa88);
  assert.is(ask(0xd, 1, enable(0x207n)).ebx, 0x240 + 0x100 + 8);
  assert.is(ask(0xd, 1, enable(0x207n, 0x800n)).ebx, 0x240 + 0x100 + 8 + 0x10);
  assert.is(ask(0xd, 0, enable(7n, 0x800n)).ebx, 0x340);
});

test("a component that is on and not in the page contradicts it: the guest ends itself", () => {
  const made = guestWith(ROWS, function* (cpu) {
    cpu.registers.cr4 |= 1n << BigInt(Vmsa.CR4_OSXSAVE_BIT);
    cpu.registers.xcr0 = 0x27n;
    yield* cpu.cpuid(0xd, 0);
  });
  assert.is(made.run(), "ends");
  assert.equal(made.vm.ghcb.terminated, { set: 0, code: 0 });
});

test("a hypervisor that does not answer for the ids ends the guest, by CPUID's own reason", () => {
  const made = guestWith(ROWS, function* (cpu) {
    yield* cpu.cpuid(1, 0);
  });
  // Boot needs the request once, before there is a page.
  made.vm.ghcb.requests.set(0x4, refuseLeaf(1));
  assert.is(made.run(), "ends");
  assert.equal(made.vm.ghcb.terminated, { set: 1, code: 5 });
});

/** CPUID's request, but for one leaf. */
function refuseLeaf(refused: number): MsrRow {
  const row = msrRows.get(0x4) as MsrRow;
  const serve: MsrRow["serve"] = (vm, vcpu, value) =>
    Number(value >> 32n) === refused ? "runs" : row.serve(vm, vcpu, value);
  return { ...row, serve };
}
