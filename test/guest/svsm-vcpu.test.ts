// vCPUs that a guest at VMPL2 has made by its SVSM. AMD 58019, 4.3 and 4.4.
import { boot } from "../../dist/guest/boot.js";
import type { Cpu, Step } from "../../dist/guest/cpu.js";
import { createAp, sipiState } from "../../dist/guest/ghcb/ap.js";
import type { SevGuest } from "../../dist/guest/sev.js";
import { svsmCall } from "../../dist/guest/svsm/call.js";
import { createVcpu } from "../../dist/guest/svsm/create-vcpu.js";
import { Svsm } from "../../dist/guest/svsm/svsm.js";
import type { Vcpu } from "../../dist/hypervisor/vcpu.js";
import * as Calls from "../../ts/abi/svsm.ts";
import * as Vmcb from "../../ts/abi/vmcb.ts";
import * as Vmsa from "../../ts/abi/vmsa.ts";
import { assert, suite } from "../kit.ts";
import {
  AP_AREA,
  AP_VMSA,
  below,
  call,
  finish,
  LAYOUT,
  PAGE,
  rmpOf,
  START,
  VMSA,
} from "./below.ts";
import { turn } from "./rig.ts";

const test = suite("an SVSM's vCPUs");

test("a vCPU that the guest asks for becomes a VMSA out of its reach, and memory again when it is deleted", () => {
  const results: unknown[] = [];
  const states: bigint[] = [];
  const made = below(function* (cpu) {
    yield* cpu.write(AP_VMSA, sipiState(START, 0n, 1n, 2));
    const given = { rcx: AP_VMSA, rdx: AP_AREA, r8: 1n };
    results.push(yield* call(cpu, Calls.CREATE_VCPU, given));
    yield* cpu.hlt();
    results.push(yield* call(cpu, Calls.CREATE_VCPU, given));
    results.push(yield* call(cpu, Calls.DELETE_VCPU, { rcx: VMSA }));
    results.push(yield* call(cpu, Calls.DELETE_VCPU, { rcx: AP_VMSA }));
    results.push(yield* call(cpu, Calls.DELETE_VCPU, { rcx: AP_VMSA }));
  });
  const state = () => {
    const { low, high } = rmpOf(made, AP_VMSA);
    return (((low >> 61n) & 1n) << 8n) | ((high >> 16n) & 0xfn);
  };
  finish(made);
  states.push(state());
  finish(made);
  states.push(state());
  assert.equal(states, [0x100n, 0xfn]);
  const { SUCCESS, INVALID_ADDRESS, INVALID_REQUEST, INVALID_PARAMETER } = Calls;
  assert.equal(results, [SUCCESS, INVALID_ADDRESS, INVALID_REQUEST, SUCCESS, INVALID_PARAMETER]);
});

test("a VMSA of another level, with other features, or that cannot run is refused, and stays the guest's page", () => {
  const wrong: [string, number, bigint][] = [
    ["VMPL", Vmsa.VMPL, 0n],
    ["EFER.SVME", Vmsa.EFER, 0n],
    ["SEV_FEATURES", Vmsa.SEV_FEATURES, 0x21n],
  ];
  const results: unknown[] = [];
  const made = finish(
    below(function* (cpu) {
      for (const [, at, value] of wrong) {
        const state = sipiState(START, 0n, 1n, 2);
        if (at === Vmsa.VMPL) state[at] = Number(value);
        else new DataView(state.buffer).setBigUint64(at, value, true);
        yield* cpu.write(AP_VMSA, state);
        const given = { rcx: AP_VMSA, rdx: AP_AREA, r8: 1n };
        results.push(yield* call(cpu, Calls.CREATE_VCPU, given));
      }
      yield* cpu.write(AP_VMSA, Uint8Array.of(1));
    }),
  );
  assert.equal(results, Array(3).fill(Calls.INVALID_PARAMETER));
  assert.is((rmpOf(made, AP_VMSA).low >> 61n) & 1n, 0n);
});

test("CREATE_VCPU of pages that are not the guest's, of one page for both, or of an id that is not there", () => {
  const results: unknown[] = [];
  finish(
    below(function* (cpu) {
      yield* cpu.write(AP_VMSA, sipiState(START, 0n, 1n, 2));
      for (const given of [
        { rcx: 0x30000n, rdx: AP_AREA, r8: 1n },
        { rcx: AP_VMSA, rdx: 0x30000n, r8: 1n },
        { rcx: AP_VMSA + 8n, rdx: AP_AREA, r8: 1n },
        { rcx: AP_VMSA, rdx: AP_VMSA, r8: 1n },
        { rcx: AP_VMSA, rdx: AP_AREA, r8: 7n },
      ])
        results.push(yield* call(cpu, Calls.CREATE_VCPU, given));
    }),
  );
  const address = Calls.INVALID_ADDRESS;
  assert.equal(results, [address, address, address, address, Calls.INVALID_PARAMETER]);
});

test("the guest's library creates a processor through the SVSM, and the hypervisor has it at VMPL2", () => {
  let created = false;
  const made = finish(
    below(function* (cpu) {
      const guest = (yield* boot(cpu, LAYOUT)) as SevGuest;
      const ap = { apicId: 1, start: START, gva: AP_VMSA, gpa: AP_VMSA, callingArea: AP_AREA };
      created = yield* createAp(cpu, guest, ap);
    }),
  );
  assert.ok(created);
  assert.is(made.vm.vcpus[1]!.ghcb.levels[2]!.vmsa, made.vm.spaOf(AP_VMSA));
});

test("a processor that a guest at VMPL2 creates runs there: its memory, its calls, its level", () => {
  const seen: unknown[] = [];
  const words = new TextEncoder().encode("from VMPL2");
  // The SVSM's own processors, and the guest's: where each starts.
  const [svsmStart, start] = [0x9000, 0x8_3000];
  const [ownVmsa, area] = [0x41000n, { gva: AP_AREA, gpa: AP_AREA }];
  let another: Svsm | undefined;
  const made = below(
    function* (cpu) {
      const guest = (yield* boot(cpu, LAYOUT)) as SevGuest;
      const ap = { apicId: 1, start, gva: AP_VMSA, gpa: AP_VMSA, callingArea: AP_AREA };
      seen.push(yield* createAp(cpu, guest, ap));
      yield* cpu.hlt();
      const read = new Uint8Array(words.length);
      yield* cpu.read(PAGE, read);
      seen.push(new TextDecoder().decode(read));
    },
    function* (cpu, own, svsm) {
      another = svsm;
      const ap = { apicId: 1, start: svsmStart, gva: ownVmsa, gpa: ownVmsa };
      seen.push(yield* createAp(cpu, own, ap));
      yield* svsm.run(cpu, 0);
    },
    [
      [BigInt(svsmStart), (cpu) => (another as Svsm).run(cpu, 1)],
      [
        BigInt(start),
        function* (cpu) {
          seen.push(cpu.vmpl);
          yield* cpu.write(PAGE, words);
          const asked = yield* svsmCall(cpu, area, Calls.PROTOCOL_CORE, Calls.QUERY_PROTOCOL, {
            rcx: BigInt(Calls.CORE_VERSION),
          });
          seen.push(asked.result, asked.rcx !== 0n);
        },
      ],
    ],
  );
  const [first, second] = made.vm.vcpus as [Vcpu, Vcpu];
  assert.is(turn(made.vm, first), "sleeps");
  assert.is(second.halted, false);
  assert.is(turn(made.vm, second), "sleeps");
  assert.equal([first.ghcb.vmpl, second.ghcb.vmpl], [2, 2]);
  assert.is(turn(made.vm, first), "sleeps");
  assert.is(made.vm.ghcb.terminated, undefined);
  assert.equal(seen, [true, true, 2, Calls.SUCCESS, true, "from VMPL2"]);
  // Which VMSA VMRUN enters is the guest's, that VMPL0 made at the guest's own page.
  assert.is(second.vmcb.u64(Vmcb.VMSA_PTR), made.vm.spaOf(AP_VMSA));
});

test("what is checked of a VMSA is out of the guest's hands first", () => {
  const done: string[] = [];
  const stand = (answers: number[]) => ({
    // biome-ignore lint/correctness/useYield: never leaves
    *rmpadjust(_: bigint, __: boolean, to: { permissions: number; vmsa: boolean }): Step<number> {
      done.push(`rmpadjust ${to.permissions} ${to.vmsa}`);
      return answers.shift() as number;
    },
    // biome-ignore lint/correctness/useYield: never leaves
    *read(_: bigint, into: Uint8Array): Step {
      done.push("read");
      into.set(sipiState(START, 0n, 1n, 2).subarray(0, into.length));
    },
  });
  const make = (answers: number[]) => {
    const svsm = new Svsm({
      linear: 0n,
      memory: { gpa: 0x100000n, bytes: 0x100000n },
      own: [],
      vmpl: 2,
      features: 1n,
      apicIds: [0, 1],
    });
    assert.not(svsm.isGuests(0xff000n, 0x1000n));
    const from = { apicId: 0, vmsa: VMSA, callingArea: AP_AREA };
    const asked = { from, rcx: AP_VMSA, rdx: AP_AREA, r8: 1n };
    const step = createVcpu(stand(answers) as unknown as Cpu, svsm, asked);
    return step.next().value;
  };
  assert.is(make([0, 0]), Calls.SUCCESS);
  assert.equal(done.splice(0), ["rmpadjust 0 false", "read", "rmpadjust 0 true"]);
  assert.is(make([2]), Calls.INVALID_PARAMETER);
  assert.equal(done, ["rmpadjust 0 false"]);
});
