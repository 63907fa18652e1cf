// What the #VC handler keeps to itself, and the registers of devices. AMD 56421, 4.1; APM vol. 2, 15.36.18.
import type { Cpu } from "../../dist/guest/cpu.js";
import { setMemoryDecrypted } from "../../dist/guest/ghcb/page-state.js";
import type { Verdict } from "../../dist/guest/ghcb.js";
import { readDr7, writeDr7 } from "../../dist/guest/vc/debug.js";
import { rdtsc, rdtscp } from "../../dist/guest/vc/instruction.js";
import { mmio } from "../../dist/guest/vc/mmio.js";
import { msr } from "../../dist/guest/vc/msr.js";
import type { Act } from "../../dist/guest/vc.js";
import * as Msr from "../../ts/abi/msr.ts";
import * as Features from "../../ts/abi/sev-features.ts";
import { assert, suite } from "../kit.ts";
import { finish, rig, SCRATCH, TABLES } from "./rig.ts";

const test = suite("#VC, apart from the hypervisor");

test("a private page that the hypervisor marks as a device's is not read out for it", () => {
  const made = rig(function* (cpu, guest) {
    assert.ok((yield* guest.pages.translate(cpu, SCRATCH))?.encrypted);
    cpu.instruction = { kind: "mmio-write", length: 3, gva: SCRATCH, bytes: 8 };
    assert.is(yield* mmio(cpu, guest), "unsupported");
  });
  finish(made);
});

test("a device beyond the guest's memory is reached by the nested fault that #VC tells of", () => {
  const DEVICE = 0x400000n;
  const seen: bigint[] = [];
  const written: bigint[] = [];
  const made = rig(function* (cpu) {
    const entry = new DataView(new ArrayBuffer(8));
    entry.setBigUint64(0, DEVICE | 3n, true);
    yield* cpu.write(TABLES + 0x3000n + (SCRATCH >> 12n) * 8n, new Uint8Array(entry.buffer));
    yield* cpu.mmioWrite(SCRATCH + 4n, 4, 0x1122_3344n);
    seen.push(yield* cpu.mmioRead(SCRATCH + 4n, 2));
  });
  made.vm.ghcb.mmio.attach(DEVICE, 0x1000, {
    read: (offset) => BigInt(offset) << 8n,
    write: (_, __, value) => void written.push(value),
  });
  finish(made);
  assert.equal([written, seen], [[0x1122_3344n], [0x400n]]);
});

test("device registers are read and written through the shared buffer, in their own width", () => {
  const registers = new Map<number, bigint>();
  const read: bigint[] = [];
  const made = rig(function* (cpu, guest) {
    yield* setMemoryDecrypted(cpu, guest, SCRATCH, 1n);
    for (const bytes of [1, 2, 4, 8]) {
      cpu.registers.rax = 0x8877_6655_4433_2211n;
      cpu.instruction = { kind: "mmio-write", length: 3, gva: SCRATCH + 8n, bytes };
      assert.is(yield* mmio(cpu, guest), "ok");
      cpu.registers.rax = 0n;
      cpu.instruction = { kind: "mmio-read", length: 3, gva: SCRATCH + 8n, bytes };
      assert.is(yield* mmio(cpu, guest), "ok");
      read.push(cpu.registers.rax);
    }
  });
  made.vm.ghcb.mmio.attach(SCRATCH, 0x1000, {
    read: (offset) => registers.get(offset) as bigint,
    write: (offset, _, value) => void registers.set(offset, value),
  });
  finish(made);
  assert.equal(read, [0x11n, 0x2211n, 0x4433_2211n, 0x8877_6655_4433_2211n]);
});

// A feature that is on, and the instruction that then must not leave the guest: whoever makes it leave is lying.
const status = (feature: number) => 1n << BigInt(feature + Features.STATUS_FEATURES_LSB);
const never: [string, number, Act, (cpu: Cpu) => void][] = [
  ["RDTSC with secure TSC", Features.SECURE_TSC_BIT, rdtsc, () => {}],
  ["RDTSCP with secure TSC", Features.SECURE_TSC_BIT, rdtscp, () => {}],
  [
    "RDMSR of the TSC's frequency",
    Features.SECURE_TSC_BIT,
    msr,
    (cpu) => reads(cpu, Msr.GUEST_TSC_FREQ),
  ],
  ["a read of DR7 with DebugSwap", Features.DEBUG_SWAP_BIT, readDr7, () => {}],
  ["a write of DR7 with DebugSwap", Features.DEBUG_SWAP_BIT, writeDr7, () => {}],
];

function reads(cpu: Cpu, number: number): void {
  cpu.registers.rcx = BigInt(number);
  cpu.instruction = { kind: "rdmsr", length: 2 };
}

for (const [name, feature, act, prepare] of never) {
  test(`${name} is not asked of the hypervisor`, () => {
    let verdict: Verdict = "ok";
    const made = rig(function* (cpu, guest) {
      prepare(cpu);
      verdict = yield* act(cpu, { ...guest, status: guest.status | status(feature) });
    });
    // A hypervisor that would answer: it is not asked.
    made.vm.msrs.set(Msr.GUEST_TSC_FREQ, 2500n);
    finish(made);
    assert.is(verdict, "vmm-error");
  });
}

test("the calling area's MSR is the guest's own to answer, and so is a secure TSC", () => {
  const values: bigint[] = [];
  const made = rig(function* (cpu, guest) {
    const svsm = { gva: SCRATCH, gpa: 0x1_2345_6000n };
    const own = { ...guest, svsm, status: guest.status | status(Features.SECURE_TSC_BIT) };
    for (const number of [Msr.SVSM_CAA, Msr.TSC]) {
      reads(cpu, number);
      assert.is(yield* msr(cpu, own), "ok");
      values.push((cpu.registers.rdx << 32n) | cpu.registers.rax);
      cpu.registers.rcx = BigInt(number);
      cpu.instruction = { kind: "wrmsr", length: 2 };
      assert.is(yield* msr(cpu, own), "ok");
    }
  });
  made.vm.ghcb.events.clear();
  finish(made);
  assert.is(values[0], 0x1_2345_6000n);
  assert.ok((values[1] as bigint) > 0n);
});
