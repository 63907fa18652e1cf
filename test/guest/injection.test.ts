// Interrupts of a guest that restricts injection, and the events of the lower levels. AMD 56421; coconut-svsm; APM vol. 2, 15.36.16.
import type { Cpu, Step } from "../../dist/guest/cpu.js";
import {
  answerDoorbell,
  clearDoorbell,
  preferredDoorbell,
  queryDoorbell,
  setDoorbell,
} from "../../dist/guest/ghcb/doorbell.js";
import {
  configureInjection,
  disableAlternateInjection,
  registerSavic,
  sendIpi,
  specificEoi,
} from "../../dist/guest/ghcb/event.js";
import { setMemoryDecrypted } from "../../dist/guest/ghcb/page-state.js";
import type { SevGuest } from "../../dist/guest/sev.js";
import { deliver, ring } from "../../dist/hypervisor/ghcb/injection.js";
import * as Code from "../../ts/abi/exit.ts";
import * as Page from "../../ts/abi/hv-doorbell.ts";
import * as Features from "../../ts/abi/sev-features.ts";
import * as Vmcb from "../../ts/abi/vmcb.ts";
import { assert, suite } from "../kit.ts";
import { type Rig, rig, SCRATCH, SHARED, turn } from "./rig.ts";

const test = suite("injection by doorbell");

const RESTRICTED = 1n << BigInt(Features.RESTRICTED_INJECTION_BIT);

/** A guest with a doorbell that takes what it rings for, and halts in between. */
function listening(taken: number[], sevFeatures = RESTRICTED): Rig {
  const made = rig(
    function* (cpu, guest) {
      yield* setMemoryDecrypted(cpu, guest, SHARED, 1n);
      yield* cpu.write(SHARED, new Uint8Array(Page.SIZE));
      cpu.on(Code.HV, function* (inner) {
        const { vector } = yield* answerDoorbell(inner, SHARED);
        taken.push(vector);
      });
      assert.ok(yield* setDoorbell(cpu, guest, SHARED));
      for (;;) yield* cpu.hlt();
    },
    { sevFeatures },
  );
  assert.is(made.run(), "sleeps");
  return made;
}

test("the hypervisor puts the vector into the page and rings; the guest takes it once", () => {
  const taken: number[] = [];
  const { vm, vcpu } = listening(taken);
  assert.ok(deliver(vm, vcpu, 0x41));
  assert.not(vcpu.halted);
  turn(vm, vcpu);
  assert.equal(taken, [0x41]);
  turn(vm, vcpu);
  assert.equal(taken, [0x41]);
});

test("while the guest is about to look, it is not rung again", () => {
  const { vm, vcpu } = listening([]);
  let rung = 0;
  const inject = vcpu.inject.bind(vcpu);
  vcpu.inject = (...event) => {
    rung++;
    inject(...event);
  };
  ring(vm, vcpu, 0x41);
  ring(vm, vcpu, 0x42);
  assert.is(rung, 1);
  turn(vm, vcpu);
  ring(vm, vcpu, 0x43);
  assert.is(rung, 2);
});

test("without a doorbell a guest that restricts injection cannot be reached", () => {
  const made = rig(function* () {}, { sevFeatures: RESTRICTED });
  made.run();
  assert.not(deliver(made.vm, made.vcpu, 0x41));
});

test("whatever else the hypervisor injects into such a guest, VMRUN refuses", () => {
  const { vcpu } = listening([]);
  vcpu.inject(0, 0x41);
  assert.is(vcpu.run().code, (1n << 64n) - 1n);
});

test("the doorbell page is asked for, set, and cleared", () => {
  const seen: unknown[] = [];
  const made = rig(function* (cpu, guest) {
    yield* setMemoryDecrypted(cpu, guest, SHARED, 1n);
    seen.push(yield* preferredDoorbell(cpu, guest), yield* queryDoorbell(cpu, guest));
    seen.push(yield* setDoorbell(cpu, guest, SHARED), yield* queryDoorbell(cpu, guest));
    seen.push(yield* clearDoorbell(cpu, guest), yield* queryDoorbell(cpu, guest));
    seen.push(yield* setDoorbell(cpu, guest, SHARED + 8n));
  });
  assert.is(made.run(), "sleeps");
  assert.equal(seen, [undefined, 0n, true, SHARED, true, 0n, false]);
});

test("an NMI and a machine check are flags of the page", () => {
  const rung: { nmi: boolean; machineCheck: boolean; vector: number }[] = [];
  const made = rig(function* (cpu, guest) {
    yield* setMemoryDecrypted(cpu, guest, SHARED, 1n);
    yield* cpu.write(SHARED, Uint8Array.of(0, 1));
    rung.push(yield* answerDoorbell(cpu, SHARED));
    yield* cpu.write(SHARED, Uint8Array.of(7, 0x82));
    rung.push(yield* answerDoorbell(cpu, SHARED));
    rung.push(yield* answerDoorbell(cpu, SHARED));
  });
  assert.is(made.run(), "sleeps");
  assert.equal(rung, [
    { vector: 0, nmi: true, machineCheck: false },
    { vector: 7, nmi: false, machineCheck: true },
    { vector: 0, nmi: false, machineCheck: false },
  ]);
});

test("an IPI reaches the vCPUs that its ICR names", () => {
  const injected: [number, number, number][] = [];
  const made = rig(
    function* (cpu, guest) {
      yield* cpu.sti();
      for (const icr of [(1n << 32n) | 0x51n, 0x40052n, 0x80053n, 0xc0054n, 0xc0400n])
        assert.ok(yield* sendIpi(cpu, guest, icr), icr.toString(16));
    },
    { vcpus: 3 },
  );
  for (const vcpu of made.vm.vcpus) {
    // As one that left with interrupts on.
    vcpu.vmcb.setU32(Vmcb.INTERRUPT_STATE, 1 << Vmcb.GUEST_INTERRUPT_MASK_BIT);
    vcpu.inject = (type, vector) => void injected.push([vcpu.index, type, vector]);
  }
  assert.is(made.run(), "sleeps");
  assert.equal(injected, [
    [1, 0, 0x51],
    [0, 0, 0x52],
    [0, 0, 0x53],
    [1, 0, 0x53],
    [2, 0, 0x53],
    [1, 0, 0x54],
    [2, 0, 0x54],
    [1, 2, 2],
    [2, 2, 2],
  ]);
});

test("what the lower levels' injection is told of is kept for them", () => {
  const made = rig(function* (cpu: Cpu, guest: SevGuest): Step {
    assert.ok(yield* configureInjection(cpu, guest, 0x40));
    const state = { vmpl: 2, tpr: 0x30, shadow: true, enabled: false };
    assert.ok(yield* disableAlternateInjection(cpu, guest, state));
    assert.ok(yield* registerSavic(cpu, guest, SCRATCH));
    yield* cpu.hlt();
    assert.ok(yield* specificEoi(cpu, guest, 2, 0x41));
    assert.ok(yield* registerSavic(cpu, guest));
  });
  made.run();
  const { ghcb } = made.vcpu;
  assert.is(ghcb.injectionVector, 0x40);
  assert.equal(ghcb.alternate.get(2), { tpr: 0x30, shadow: true, enabled: false });
  assert.is(ghcb.savic, SCRATCH);
  ghcb.inService.add(0x41).add(0x42);
  assert.is(made.run(), "sleeps");
  assert.equal([...ghcb.inService], [0x42]);
  assert.is(ghcb.savic, undefined);
});
