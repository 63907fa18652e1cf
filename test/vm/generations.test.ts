// The same guest program, the same hypervisor, on every generation.
import { type Generation, generations } from "../../dist/chip/chip.js";
import type { Cpu, Step } from "../../dist/guest/cpu.js";
import { createPlatform } from "../../dist/index.js";
import * as Code from "../../ts/abi/exit.ts";
import * as Layout from "../../ts/abi/vmcb.ts";
import * as Vmsa from "../../ts/abi/vmsa.ts";
import { withCore } from "../core.ts";
import { assert, suite } from "../kit.ts";

const test = suite("a guest program");

const MIB = 0x100000;
const ENTRY = 0xffff_fff0n;
const TEXT = new TextEncoder().encode("what the guest wrote");

/** Accepts its page, writes to it, reads it back, halts. */
function* program(cpu: Cpu, seen: Uint8Array): Step {
  if (cpu.features.snp) {
    const { eax, carry } = yield* cpu.pvalidate(0x3000n, false, true);
    assert.equal([eax, carry], [0, false]);
  }
  yield* cpu.write(0x3000n, TEXT);
  cpu.registers.rbx = 0x1234n;
  yield* cpu.hlt();
  yield* cpu.read(0x3000n, seen);
  cpu.registers.r15 = cpu.registers.rbx;
}

function machine(generation: Generation, code: (cpu: Cpu) => Step) {
  const platform = createPlatform({ generation, resident: 64 * MIB, ...withCore });
  const vm = platform.createVm({
    memory: 0x100000n,
    pageSize: "4k",
    image: { code: new Map([[ENTRY, code]]) },
  });
  return { platform, vm, vcpu: vm.vcpus[0]! };
}

for (const generation of generations) {
  test(`${generation}: writes and reads back what it wrote, leaving on the way`, () => {
    const seen = new Uint8Array(TEXT.length);
    const { vm, vcpu } = machine(generation, (cpu) => program(cpu, seen));
    const codes: bigint[] = [];
    for (let halts = 0; halts < 2; ) {
      const exit = vcpu.run();
      codes.push(exit.code);
      if (exit.code === BigInt(Code.VMEXIT_HLT)) halts++;
      vm.serve(vcpu, exit);
    }
    const [npf, hlt] = [BigInt(Code.VMEXIT_NPF), BigInt(Code.VMEXIT_HLT)];
    assert.equal(codes, [npf, hlt, hlt]);
    assert.equal(seen, TEXT);
  });

  test(`${generation}: its registers are in memory after an exit, as the generation shows them`, () => {
    const { platform, vm, vcpu } = machine(generation, (cpu) => program(cpu, new Uint8Array(8)));
    for (let code = 0n; code !== BigInt(Code.VMEXIT_HLT); ) {
      const exit = vcpu.run();
      code = exit.code;
      vm.serve(vcpu, exit);
    }
    const es = !["none", "sme", "sev"].includes(generation);
    if (!es) return assert.is(vcpu.register(Vmsa.RBX), 0x1234n);
    const spa = vcpu.vmcb.u64(Layout.VMSA_PTR);
    const bytes = new Uint8Array(0x1000);
    assert.ok(platform.core.firmware.read(spa, vm.asid, bytes));
    const view = new DataView(bytes.buffer);
    assert.is(view.getBigUint64(Vmsa.RBX, true), 0x1234n);
    assert.is(view.getBigUint64(Vmsa.GUEST_EXITCODE, true), BigInt(Code.VMEXIT_HLT));
    assert.ok(platform.core.host.read(spa, bytes));
    assert.is.not(view.getBigUint64(Vmsa.RBX, true), 0x1234n);
    assert.is(vcpu.register(Vmsa.RBX), 0n);
  });
}
