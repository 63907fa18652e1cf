// vCPUs that a guest at VMPL2 has made by its SVSM. AMD 58019, 4.3 and 4.4.
import { boot } from "../../dist/guest/boot.js";
import { createAp, sipiState } from "../../dist/guest/ghcb/ap.js";
import type { SevGuest } from "../../dist/guest/sev.js";
import * as Calls from "../../ts/abi/svsm.ts";
import * as Vmsa from "../../ts/abi/vmsa.ts";
import { assert, suite } from "../kit.ts";
import { AP_AREA, AP_VMSA, below, call, finish, LAYOUT, rmpOf, START, VMSA } from "./below.ts";

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
