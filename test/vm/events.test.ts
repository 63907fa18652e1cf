// What each generation lets the host inject, and what the guest takes. APM vol. 2, 15.20, 15.35.4, 15.36.15; vmcb-vmsa.md 5.
import type { Generation } from "../../dist/chip/chip.js";
import type { Cpu, Step } from "../../dist/guest/cpu.js";
import { interrupt } from "../../dist/hypervisor/exit/interrupt-window.js";
import * as Code from "../../ts/abi/exit.ts";
import * as Feature from "../../ts/abi/sev-features.ts";
import * as Layout from "../../ts/abi/vmcb.ts";
import * as Vmsa from "../../ts/abi/vmsa.ts";
import { bit } from "../core.ts";
import { assert, suite } from "../kit.ts";
import { ENTRY, rig, routine, runTo, setVmsa } from "./rig.ts";

const test = suite("events");

const { EVENT_INTR, EVENT_NMI, EVENT_EXCEPTION, EVENT_SOFTWARE } = Layout;
const RESTRICTED = bit(Feature.RESTRICTED_INJECTION_BIT);
const ALTERNATE = bit(Feature.ALTERNATE_INJECTION_BIT);
const VECTORS = [2, 3, 13, 14, 28, 0x20, 0x80];

interface Taken {
  vector: number;
  error: bigint;
}

/** A guest with a routine for every vector above, which halts over and over. */
function guest(generation: Generation, taken: Taken[], sevFeatures = 0n) {
  const made = rig(
    generation,
    function* (cpu: Cpu): Step {
      for (const vector of VECTORS)
        cpu.on(
          vector,
          routine((_, error) => taken.push({ vector, error })),
        );
      cpu.registers.rflags |= bit(Vmsa.RFLAGS_IF_BIT);
      for (;;) yield* cpu.hlt();
    },
    { sevFeatures },
  );
  runTo(made, Code.VMEXIT_HLT);
  made.vm.serve(made.vcpu, made.vcpu.exit);
  return made;
}

// what, in which generation with which features, and what becomes of it
const HLT = BigInt(Code.VMEXIT_HLT);
const INVALID = BigInt.asUintN(64, -1n);
const table: [type: number, vector: number, on: Generation, features: bigint, taken: boolean][] = [
  [EVENT_INTR, 0x20, "none", 0n, true],
  [EVENT_NMI, 2, "none", 0n, true],
  [EVENT_EXCEPTION, 13, "none", 0n, true],
  [EVENT_EXCEPTION, 3, "none", 0n, true],
  [EVENT_SOFTWARE, 0x80, "none", 0n, true],
  [EVENT_SOFTWARE, 0x80, "sev", 0n, true],
  [EVENT_INTR, 0x20, "sev-es", 0n, true],
  [EVENT_NMI, 2, "sev-es", 0n, true],
  [EVENT_EXCEPTION, 13, "sev-es", 0n, true],
  [EVENT_EXCEPTION, 3, "sev-es", 0n, false],
  [EVENT_SOFTWARE, 0x80, "sev-es", 0n, false],
  [EVENT_INTR, 0x20, "sev-snp", 0n, true],
  [EVENT_EXCEPTION, 13, "sev-snp", 0n, true],
  [EVENT_EXCEPTION, 28, "sev-snp", RESTRICTED, true],
  [EVENT_INTR, 28, "sev-snp", RESTRICTED, false],
  [EVENT_INTR, 0x20, "sev-snp", RESTRICTED, false],
  [EVENT_NMI, 2, "sev-snp", RESTRICTED, false],
  [EVENT_EXCEPTION, 13, "sev-snp", RESTRICTED, false],
];

for (const [type, vector, generation, features, allowed] of table) {
  const by = features ? " under restricted injection" : "";
  const what = `type ${type}, vector ${vector}`;
  test(`${generation}${by}: ${what} is ${allowed ? "taken, once" : "refused"}`, () => {
    const taken: Taken[] = [];
    const { vcpu } = guest(generation, taken, features);
    vcpu.inject(type, vector);
    const exit = vcpu.run();
    assert.is(exit.code, allowed ? HLT : INVALID);
    assert.equal(taken, allowed ? [{ vector, error: 0n }] : []);
    if (!allowed) vcpu.vmcb.setU32(Layout.EVENTINJ, 0);
    assert.is(vcpu.run().code, HLT);
    assert.is(taken.length, allowed ? 1 : 0);
  });
}

test("an exception brings its error code", () => {
  const taken: Taken[] = [];
  const { vcpu } = guest("sev-snp", taken);
  vcpu.inject(EVENT_EXCEPTION, 14, 7);
  vcpu.run();
  assert.equal(taken, [{ vector: 14, error: 7n }]);
});

test("under alternate injection the VMCB's event and virtual interrupt are ignored, and the VMSA's taken", () => {
  const taken: Taken[] = [];
  const made = guest("sev-snp", taken, ALTERNATE);
  const { vcpu } = made;
  // One that would be refused were it looked at: there is no type 1.
  vcpu.inject(1, 0x80);
  vcpu.vmcb.setU32(Layout.INT_CTL, 2 ** Layout.V_IRQ_BIT + 15 * 2 ** Layout.V_INTR_PRIO_LSB);
  vcpu.vmcb.setU32(Layout.V_INTR_VECTOR, 0x80);
  assert.is(vcpu.run().code, HLT);
  assert.equal(taken, []);
  setVmsa(made, (view) => {
    const vector = 0x20n << BigInt(Vmsa.VECTOR_LSB);
    const pending = bit(Layout.V_IRQ_BIT) | (15n << BigInt(Layout.V_INTR_PRIO_LSB));
    view.setBigUint64(Vmsa.VINTR_CTRL, vector | pending, true);
    view.setUint32(Vmsa.EVENTINJ, 2 ** 31 + EVENT_EXCEPTION * 256 + 13, true);
  });
  assert.is(vcpu.run().code, HLT);
  assert.equal(
    taken.map(({ vector }) => vector),
    [13, 0x20],
  );
  assert.is(vcpu.run().code, HLT);
  assert.is(taken.length, 2);
});

test("a virtual interrupt waits for RFLAGS.IF and a higher priority, and is taken once", () => {
  for (const generation of ["none", "sev-es"] as const) {
    const taken: Taken[] = [];
    const { vcpu } = guest(generation, taken);
    const pending = (priority: number, threshold: number) =>
      vcpu.vmcb.setU32(
        Layout.INT_CTL,
        2 ** Layout.V_IRQ_BIT + priority * 2 ** Layout.V_INTR_PRIO_LSB + threshold,
      );
    vcpu.vmcb.setU32(Layout.V_INTR_VECTOR, 0x20);
    pending(4, 0x40);
    vcpu.run();
    assert.equal(taken, []);
    pending(5, 0x40);
    vcpu.run();
    assert.equal(taken, [{ vector: 0x20, error: 0n }]);
    assert.is(vcpu.vmcb.u32(Layout.INT_CTL) & (1 << Layout.V_IRQ_BIT), 0);
    vcpu.run();
    assert.is(taken.length, 1);
  }
});

test("a virtual interrupt of low priority is taken with V_IGN_TPR, and none without V_IRQ", () => {
  const taken: Taken[] = [];
  const { vcpu } = guest("none", taken);
  vcpu.vmcb.setU32(Layout.V_INTR_VECTOR, 0x20);
  const control = 4 * 2 ** Layout.V_INTR_PRIO_LSB + 0x40 + 2 ** Layout.V_IGN_TPR_BIT;
  vcpu.vmcb.setU32(Layout.INT_CTL, control);
  vcpu.run();
  assert.is(taken.length, 0);
  vcpu.vmcb.setU32(Layout.INT_CTL, control + 2 ** Layout.V_IRQ_BIT);
  vcpu.run();
  assert.equal(taken, [{ vector: 0x20, error: 0n }]);
});

test("a virtual NMI is taken once, where the host enables them and the guest is in none", () => {
  const taken: Taken[] = [];
  const { vcpu } = guest("none", taken);
  const [pending, masked] = [2 ** Layout.V_NMI_BIT, 2 ** Layout.V_NMI_MASK_BIT];
  const enabled = 2 ** Layout.V_NMI_ENABLE_BIT;
  for (const [control, times] of [
    [pending, 0],
    [enabled, 0],
    [enabled + pending + masked, 0],
    [enabled + pending, 1],
  ] as const) {
    vcpu.vmcb.setU32(Layout.INT_CTL, control);
    assert.is(vcpu.run().code, HLT);
    assert.is(taken.length, times, control.toString(2));
  }
  assert.equal(taken, [{ vector: 2, error: 0n }]);
  assert.is(vcpu.vmcb.u32(Layout.INT_CTL), enabled + masked);
  vcpu.vmcb.setU32(Layout.INT_CTL, enabled + masked + pending);
  vcpu.run();
  assert.is(taken.length, 1);
});

test("an interrupt waits for STI: the host is told by VMEXIT_VINTR, injects, and is not told again", () => {
  for (const generation of ["none", "sev", "sev-es", "sev-snp"] as const) {
    const order: string[] = [];
    const made = rig(generation, function* (cpu) {
      for (const vector of [0x20, 0x30])
        cpu.on(
          vector,
          routine(() => order.push(`0x${vector.toString(16)}`)),
        );
      yield* cpu.sti();
      yield* cpu.hlt();
      yield* cpu.cli();
      yield* cpu.hlt();
      order.push("masked");
      yield* cpu.sti();
      order.push("on");
      yield* cpu.hlt();
    });
    const { vm, vcpu } = made;
    const toHlt = () => {
      runTo(made, Code.VMEXIT_HLT);
      vm.serve(vcpu, vcpu.exit);
    };
    toHlt();
    interrupt(vcpu, 0x20);
    toHlt();
    assert.equal(order.splice(0), ["0x20"], generation);
    interrupt(vcpu, 0x20);
    interrupt(vcpu, 0x30);
    for (let window = 0; window < 2; window++) {
      const exit = vcpu.run();
      assert.is(exit.code, BigInt(Code.VMEXIT_VINTR), `${generation}, ${window}`);
      assert.is(vm.serve(vcpu, exit), "runs");
    }
    assert.is(vcpu.run().code, HLT);
    assert.equal(order, ["masked", "0x20", "0x30", "on"], generation);
    assert.is(vcpu.vmcb.u32(Layout.INT_CTL) & (1 << Layout.V_IRQ_BIT), 0);
  }
});

test("an interrupt that finds another injected waits for it to be taken", () => {
  for (const generation of ["none", "sev-es"] as const) {
    const taken: Taken[] = [];
    const { vm, vcpu } = guest(generation, taken);
    interrupt(vcpu, 0x20);
    interrupt(vcpu, 0x80);
    assert.is(vcpu.run().code, BigInt(Code.VMEXIT_VINTR));
    assert.is(vm.serve(vcpu, vcpu.exit), "runs");
    assert.is(vcpu.run().code, HLT);
    assert.equal(
      taken.map(({ vector }) => vector),
      [0x20, 0x80],
      generation,
    );
  }
});

test("a window that is open and not served is told at each VMRUN, and the guest gets no further", () => {
  const order: string[] = [];
  const { vcpu } = rig("sev-es", function* (cpu) {
    yield* cpu.hlt();
    yield* cpu.sti();
    order.push("on");
  });
  vcpu.run();
  interrupt(vcpu, 0x20);
  for (let i = 0; i < 100; i++) assert.is(vcpu.run().code, BigInt(Code.VMEXIT_VINTR));
  assert.equal(order, []);
});

test("under restricted injection a virtual interrupt is ignored", () => {
  const taken: Taken[] = [];
  const { vcpu } = guest("sev-snp", taken, RESTRICTED);
  vcpu.vmcb.setU32(Layout.INT_CTL, 2 ** Layout.V_IRQ_BIT + 15 * 2 ** Layout.V_INTR_PRIO_LSB);
  vcpu.vmcb.setU32(Layout.V_INTR_VECTOR, 0x20);
  vcpu.run();
  assert.equal(taken, []);
});

test("the host sees of a guest with encrypted state only whether it takes interrupts", () => {
  const { vcpu } = guest("sev-es", []);
  assert.is(vcpu.vmcb.u32(Layout.INTERRUPT_STATE), 1 << Layout.GUEST_INTERRUPT_MASK_BIT);
  const plain = guest("sev", []);
  assert.is(plain.vcpu.vmcb.u32(Layout.INTERRUPT_STATE), 0);
});

test("an event without a routine shuts the guest down, and EXITINTINFO names it", () => {
  for (const generation of ["none", "sev-snp"] as const) {
    const made = guest(generation, []);
    made.vcpu.inject(EVENT_EXCEPTION, 6);
    const exit = made.vcpu.run();
    assert.is(exit.code, BigInt(Code.VMEXIT_SHUTDOWN));
    assert.is(made.vcpu.exit.interrupted, 2 ** 31 + EVENT_EXCEPTION * 256 + 6);
    assert.is(made.vm.serve(made.vcpu, exit), "ends");
    assert.is(made.vcpu.run().code, BigInt(Code.VMEXIT_SHUTDOWN));
  }
});

test("EXITINTINFO names no event of the guest that ran before", () => {
  const before = guest("none", []);
  before.vcpu.inject(EVENT_EXCEPTION, 6);
  assert.is(before.vcpu.run().code, BigInt(Code.VMEXIT_SHUTDOWN));
  const image = { code: new Map([[ENTRY, (cpu: Cpu): Step => cpu.hlt()]]) };
  const vm = before.platform.createVm({ memory: 0x400000n, pageSize: "4k", image });
  const { vmcb } = vm.vcpus[0]!;
  // A window that is open when it is entered, so that it leaves at once.
  const at = Layout.INTERCEPTS + (Code.VMEXIT_VINTR >> 3);
  vmcb.setU8(at, vmcb.u8(at) | (1 << (Code.VMEXIT_VINTR & 7)));
  vmcb.setU32(Layout.INT_CTL, 2 ** Layout.V_IRQ_BIT + 15 * 2 ** Layout.V_INTR_PRIO_LSB);
  vmcb.setSaved(Vmsa.RFLAGS, bit(Vmsa.RFLAGS_IF_BIT));
  assert.is(vm.vcpus[0]!.run().code, BigInt(Code.VMEXIT_VINTR));
  assert.is(vm.vcpus[0]!.exit.interrupted, 0);
});
