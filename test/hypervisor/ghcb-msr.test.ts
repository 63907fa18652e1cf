// The GHCB MSR protocol, request by request. KVM sev_handle_vmgexit_msr_protocol; spec digest ghcb.md 1.

import { apResetHoldByMsr, preferredGhcb, terminate } from "../../dist/guest/ghcb/msr-protocol.js";
import { deliverSipi } from "../../dist/hypervisor/ghcb/processor.js";
import * as Layout from "../../ts/abi/ghcb.ts";
import * as Protocol from "../../ts/abi/ghcb-msr.ts";
import * as Vmcb from "../../ts/abi/vmcb.ts";
import { rig, SHARED, turn } from "../guest/rig.ts";
import { assert, suite } from "../kit.ts";
import { Raw } from "./raw.ts";

const test = suite("the GHCB MSR protocol");

const snp = new Raw();

test("SEV_INFO: versions 1 to 2, and where the C-bit is", () => {
  assert.is(snp.request(0x002n), (2n << 48n) | (1n << 32n) | (51n << 24n) | 1n);
});

test("CPUID: one register a request, of subleaf 0", () => {
  const { eax, ebx, ecx, edx } = snp.vm.cpuid(0x8000_001f, 0);
  [eax, ebx, ecx, edx].forEach((value, register) => {
    const low = (BigInt(register) << 30n) | 5n;
    const request = (0x8000_001fn << 32n) | (BigInt(register) << 30n) | 4n;
    assert.is(snp.request(request), (BigInt(value >>> 0) << 32n) | low);
  });
});

test("the hypervisor features are those of the page protocol", () => {
  assert.is(snp.request(0x080n), (snp.vm.ghcb.features << 12n) | 0x81n);
});

test("the preferred GHCB is none, or the hypervisor's", () => {
  assert.is(snp.request(0x010n), 0xffff_ffff_ffff_f011n);
  snp.vm.ghcb.preferredGhcb = SHARED;
  assert.is(snp.request(0x010n), SHARED | 0x11n);
});

test("registering a GHCB echoes its page, and the last one counts", () => {
  const raw = new Raw();
  for (const gpa of [SHARED, SHARED + 0x1000n]) {
    assert.is(raw.request(gpa | 0x12n), gpa | 0x13n);
    assert.is(raw.vcpu.ghcb.levels[0]?.registered, gpa);
  }
});

test("a page state change by MSR: private and shared, and bit 63 for any other", () => {
  const gpa = 0x150_000n;
  assert.is(snp.request((2n << 52n) | gpa | 0x14n), 0x15n);
  assert.is(snp.request((1n << 52n) | gpa | 0x14n), 0x15n);
  for (const operation of [0n, 3n, 4n, 15n])
    assert.is(snp.request((operation << 52n) | gpa | 0x14n), (1n << 63n) | 0x15n);
});

test("a page state change beyond the guest's memory fails", () => {
  assert.is(snp.request((2n << 52n) | 0x4000_0000n | 0x14n), (1n << 63n) | 0x15n);
});

test("a level without a VMSA cannot be run", () => {
  for (const vmpl of [1n, 2n, 3n, 4n, 255n])
    assert.is(snp.request((vmpl << 32n) | 0x16n), (1n << 32n) | 0x17n);
  assert.is(snp.request(0x16n), 0x17n);
});

test("a request that nobody knows leaves the MSR as it was", () => {
  for (const request of [0x003n, 0x008n, 0x00fn, 0x082n, 0xf00n, 0xf03n, 0x001n])
    assert.is(snp.request(request | (7n << 40n)), request | (7n << 40n));
});

test("a termination request names its reason, and the guest is over", () => {
  for (const [set, code] of [
    [0, 2],
    [1, 5],
    [15, 255],
  ] as const) {
    const raw = new Raw();
    const outcome = raw.act((cpu) => terminate(cpu, set, code));
    assert.is(outcome, "ends");
    assert.equal(raw.vm.ghcb.terminated, { set, code });
  }
});

test("a guest that is run again after it asked to be ended halts for good", () => {
  const { vm, vcpu } = rig((cpu) => terminate(cpu, 0, 0));
  assert.is(turn(vm, vcpu), "ends");
  for (let i = 0; i < 5; i++) assert.is(turn(vm, vcpu), "sleeps");
});

test("what only SNP guests may ask ends a SEV-ES guest", () => {
  for (const request of [0x010n, 0x012n, 0x014n, 0x016n]) {
    const es = new Raw({ generation: "sev-es" });
    assert.is(es.request(request), "ends");
  }
});

test("an AP in its reset hold sleeps until its SIPI, and knows a waking without one", () => {
  const woken: boolean[] = [];
  const { vm, vcpu } = rig(function* (cpu) {
    woken.push(yield* apResetHoldByMsr(cpu));
    woken.push(yield* apResetHoldByMsr(cpu));
  });
  assert.is(turn(vm, vcpu), "sleeps");
  assert.equal(woken, []);
  // Run again although nothing came: the answer is there, and says so.
  assert.is(turn(vm, vcpu), "sleeps");
  assert.equal(woken, [false]);
  deliverSipi(vm, vcpu);
  assert.is(vcpu.vmcb.u64(Vmcb.GHCB_PA), 0x1007n);
  turn(vm, vcpu);
  assert.equal(woken, [false, true]);
});

test("the guest's library finds the preferred GHCB", () => {
  const found: (bigint | undefined)[] = [];
  const made = rig(function* (cpu) {
    found.push(yield* preferredGhcb(cpu));
    yield* cpu.hlt();
    found.push(yield* preferredGhcb(cpu));
  });
  made.run();
  made.vm.ghcb.preferredGhcb = SHARED;
  made.run();
  assert.equal(found, [undefined, SHARED]);
});

test("every request of the table has an example here", () => {
  const codes = [...snp.vm.ghcb.requests.keys()].sort((a, b) => a - b);
  assert.equal(codes, [2, 4, 6, 0x10, 0x12, 0x14, 0x16, 0x80, Protocol.TERMINATE]);
  assert.is(Layout.VERSION_MAX, 2);
});
