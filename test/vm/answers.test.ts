// One program executes every instruction that the host may intercept, in every generation, under the hypervisor as it comes: the
// guest gets the same answer, whether it left at once or by #VC and VMGEXIT.

import type { Generation } from "../../dist/chip/chip.js";
import type { Cpu, Step } from "../../dist/guest/cpu.js";
import { boot } from "../../dist/index.js";
import * as Code from "../../ts/abi/exit.ts";
import * as Msr from "../../ts/abi/msr.ts";
import * as Layout from "../../ts/abi/vmcb.ts";
import { assert, suite } from "../kit.ts";
import { rig } from "./rig.ts";

const test = suite("the same program in every generation");

const GENERATIONS = ["none", "sme", "sev", "sev-es", "sev-snp"] as const;
const LAYOUT = { memory: 0x200000n, tables: 0x10000n, ghcb: 0x20000n };
const BUFFER = 0x80000n;
const PORT = 0x2e8;
const ENOSYS = BigInt.asUintN(64, -1000n);

/** What an instruction came to: its answer, or the exception that the guest met. */
type Act = (cpu: Cpu) => Step<unknown>;

const acts: [name: string, act: Act, expected?: unknown][] = [
  ["cpuid", (cpu) => cpu.cpuid(0x8000_0008)],
  ["rdmsr of one that the host keeps", (cpu) => cpu.rdmsr(Msr.VM_CR), 0n],
  ["in", (cpu) => cpu.in(PORT, 2), 0xbeef],
  ["out", (cpu) => cpu.out(PORT, 2, 0x4142)],
  ["rdpmc", (cpu) => cpu.rdpmc(0), 0n],
  [
    "rdtsc counts on",
    function* (cpu) {
      const first = yield* cpu.rdtsc();
      return (yield* cpu.rdtscp()).tsc > first;
    },
    true,
  ],
  [
    "mov dr7",
    function* (cpu) {
      // Bits 15, 14 and 12 stay 0, bit 10 stays 1.
      yield* cpu.writeDr(7, 0xf001n);
      return yield* cpu.readDr(7);
    },
    0x2401n,
  ],
  [
    "mov dr0",
    function* (cpu) {
      yield* cpu.writeDr(0, 0x7000n);
      return yield* cpu.readDr(0);
    },
    0x7000n,
  ],
  ["wbinvd", (cpu) => cpu.wbinvd()],
  ["pause", (cpu) => cpu.pause()],
  ["monitor", (cpu) => cpu.monitor()],
  ["mwait", (cpu) => cpu.mwait()],
  [
    "vmmcall",
    function* (cpu) {
      yield* cpu.vmmcall();
      return cpu.registers.rax;
    },
    ENOSYS,
  ],
];

/** Boots, executes them in turn, and answers what each came to, with what came out of the port. An exception ends it. */
function answersOf(generation: Generation, all: Act[]): { answers: unknown[]; out: number[] } {
  const answers: unknown[] = [];
  const out: number[] = [];
  const { vm } = rig(
    generation,
    function* (cpu) {
      yield* boot(cpu, LAYOUT);
      for (const [vector, name] of EXCEPTIONS)
        cpu.on(vector, function* (inner) {
          answers.push(name);
          for (;;) yield* inner.hlt();
        });
      for (const act of all) answers.push(yield* act(cpu));
    },
    { pageSize: "2m" },
  );
  vm.ports.attach(PORT, { read: () => 0xbeef, write: (_, value) => void out.push(value) });
  assert.is(vm.run(), "sleeps");
  assert.is(vm.ghcb.terminated, undefined);
  return { answers, out };
}
const EXCEPTIONS = [
  [Code.GP, "#GP"],
  [Code.UD, "#UD"],
] as const;

test("each instruction has one answer, whether the guest left at once or by #VC and VMGEXIT", () => {
  const runs = GENERATIONS.map((generation) =>
    answersOf(
      generation,
      acts.map(([, act]) => act),
    ),
  );
  for (const [i, [name, , expected]] of acts.entries()) {
    const first = expected ?? runs[0]?.answers[i];
    for (const { answers } of runs) assert.equal(answers[i], first, name);
  }
  for (const { out } of runs) assert.equal(out, [0x4142]);
});

const faults: [name: string, act: Act][] = [
  ["rdmsr of none", (cpu) => cpu.rdmsr(0x1234)],
  ["wrmsr of none", (cpu) => cpu.wrmsr(0x1234, 1n)],
  ["mov dr7 above bit 31", (cpu) => cpu.writeDr(7, 1n << 32n)],
];

test("what is refused is #GP in each", () => {
  for (const [name, act] of faults)
    for (const generation of GENERATIONS)
      assert.equal(answersOf(generation, [act]).answers, ["#GP"], `${generation}: ${name}`);
});

test("string output from private memory is refused to a SEV guest alone: its hypervisor cannot read, and no GHCB asks", () => {
  for (const generation of GENERATIONS) {
    const act: Act = (cpu) => cpu.outs(PORT, 1, BUFFER, 3);
    const { answers, out } = answersOf(generation, [act]);
    const sev = generation === "sev";
    assert.equal([answers, out.length], [[sev ? "#GP" : undefined], sev ? 0 : 3], generation);
  }
});

test("counters that the hypervisor intercepts are read by it, where the guest's registers are its own to write", () => {
  for (const generation of ["none", "sev"] as const) {
    const seen: bigint[] = [];
    const made = rig(generation, function* (cpu) {
      seen.push(yield* cpu.rdtsc(), (yield* cpu.rdtscp()).tsc);
      yield* cpu.hlt();
    });
    const { vmcb } = made.vcpu;
    for (const code of [Code.VMEXIT_RDTSC, Code.VMEXIT_RDTSCP]) {
      const at = Layout.INTERCEPTS + (code >> 3);
      vmcb.setU8(at, vmcb.u8(at) | (1 << (code & 7)));
    }
    assert.is(made.vm.run(), "sleeps");
    assert.ok((seen[1] as bigint) > (seen[0] as bigint), generation);
  }
});
