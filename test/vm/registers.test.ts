// What the host sees and reaches of a guest's registers, branch predictor and clock. APM vol. 2, 15.35.5 to 15.36.18.
import type { Generation } from "../../dist/chip/chip.js";
import type { Cpu, Step } from "../../dist/guest/cpu.js";
import * as Code from "../../ts/abi/exit.ts";
import * as Msr from "../../ts/abi/msr.ts";
import * as Feature from "../../ts/abi/sev-features.ts";
import * as Layout from "../../ts/abi/vmcb.ts";
import * as Vmsa from "../../ts/abi/vmsa.ts";
import { bit } from "../core.ts";
import { assert, suite } from "../kit.ts";
import { DATA, rig, routine, runTo, setVmsa } from "./rig.ts";

const test = suite("registers of a guest");

const SECRET = 0x5ec2_e7_5ec2_e75ec2n;

/** Puts secrets into every kind of register, leaves, and hands out what it finds after. */
function secretive(generation: Generation, sevFeatures = 0n) {
  const found: { rbx?: bigint; dr0?: bigint; xmm?: Uint8Array } = {};
  const made = rig(
    generation,
    function* (cpu: Cpu): Step {
      const { registers } = cpu;
      registers.rbx = SECRET;
      registers.dr0 = SECRET;
      registers.xmm(0).fill(0xab);
      yield* cpu.hlt();
      found.rbx = registers.rbx;
      found.dr0 = registers.dr0;
      found.xmm = registers.xmm(0).slice();
      yield* cpu.hlt();
    },
    { sevFeatures },
  );
  return { made, found };
}

test("without SEV-ES the host reads and changes every register", () => {
  for (const generation of ["none", "sme", "sev"] as const) {
    const { made, found } = secretive(generation);
    runTo(made, Code.VMEXIT_HLT);
    const { vcpu } = made;
    assert.is(vcpu.register(Vmsa.RBX), SECRET);
    assert.is(vcpu.register(Vmsa.DR0), SECRET);
    assert.is(vcpu.registers[Vmsa.XMM / 8], 0xabababababababn * 256n + 0xabn);
    vcpu.setRegister(Vmsa.RBX, 7n);
    vcpu.setRegister(Vmsa.DR0, 8n);
    vcpu.skip();
    runTo(made, Code.VMEXIT_HLT);
    assert.equal([found.rbx, found.dr0], [7n, 8n]);
  }
});

test("with SEV-ES the host finds its own registers after an exit, and cannot change the guest's", () => {
  for (const generation of ["sev-es", "sev-snp"] as const) {
    const { made, found } = secretive(generation, bit(Feature.DEBUG_SWAP_BIT));
    const { host } = made.platform.core;
    host.registers.fill(0x1111n);
    runTo(made, Code.VMEXIT_HLT);
    assert.ok(host.registers.every((word) => word === 0x1111n));
    host.registers.fill(0x2222n);
    runTo(made, Code.VMEXIT_HLT);
    assert.equal([found.rbx, found.dr0], [SECRET, SECRET]);
    assert.ok(found.xmm?.every((byte) => byte === 0xab));
  }
});

test("a nested page fault shows the host the instruction's bytes, but not those of a guest with encrypted state", () => {
  for (const [generation, shown] of [
    ["none", true],
    ["sev", true],
    ["sev-es", false],
    ["sev-snp", false],
  ] as const) {
    const { vcpu } = rig(generation, (cpu): Step => cpu.mmioWrite(DATA, 4, 0n));
    assert.is(vcpu.run().code, BigInt(Code.VMEXIT_NPF));
    const code = new Uint8Array(16);
    vcpu.vmcb.read(Layout.FETCHED_BYTES, code);
    assert.is(
      code.some((byte) => byte !== 0),
      shown,
      generation,
    );
  }
});

test("DR0 to DR3 are exposed with SEV-ES unless DebugSwap is on", () => {
  for (const generation of ["sev-es", "sev-snp"] as const) {
    const { made, found } = secretive(generation);
    const { host } = made.platform.core;
    runTo(made, Code.VMEXIT_HLT);
    assert.is(host.registers[Vmsa.DR0 / 8], SECRET);
    assert.is.not(host.registers[Vmsa.RBX / 8], SECRET);
    host.registers[Vmsa.DR0 / 8] = 9n;
    runTo(made, Code.VMEXIT_HLT);
    assert.equal([found.rbx, found.dr0], [SECRET, 9n]);
  }
});

test("DR7 is the guest's own: with SEV-ES an intercepted access is a #VC, without it an exit", () => {
  const codes: bigint[] = [];
  const program = function* (cpu: Cpu): Step {
    cpu.on(
      Code.VC,
      routine((inner, error) => {
        codes.push(error);
        inner.registers.rax = 0x400n;
      }),
    );
    assert.is(yield* cpu.readDr(7), 0x400n);
    yield* cpu.hlt();
  };
  runTo(rig("sev-es", program), Code.VMEXIT_HLT);
  assert.equal(codes, [BigInt(Code.VMEXIT_READ_DR7)]);
  const plain = rig("sev", program);
  runTo(plain, Code.VMEXIT_READ_DR7);
});

const BRANCH = 0xffff_0040n;
const GADGET = 0xffff_6660n;
const RIGHT = 0xffff_1110n;

test("what the host trained is not followed by a guest with BTB isolation", () => {
  const isolation = [
    [0n, GADGET],
    [bit(Feature.BTB_ISOLATION_BIT), 0n],
    [bit(Feature.IBPB_ON_ENTRY_BIT), 0n],
  ] as const;
  for (const [features, followed] of isolation) {
    const seen: bigint[] = [];
    const program = function* (cpu: Cpu): Step {
      seen.push(cpu.branch(BRANCH, RIGHT));
      yield* cpu.hlt();
      seen.push(cpu.branch(BRANCH, RIGHT));
      yield* cpu.hlt();
    };
    const made = rig("sev-snp", program, { sevFeatures: features });
    const { host } = made.platform.core;
    assert.is(host.branch(BRANCH, GADGET), 0n);
    runTo(made, Code.VMEXIT_HLT);
    runTo(made, Code.VMEXIT_HLT);
    // Its own training survives isolation, but not a barrier on every entry.
    const own = features === bit(Feature.IBPB_ON_ENTRY_BIT) ? 0n : RIGHT;
    assert.equal(seen, [followed, own]);
  }
});

test("the host offsets a guest's clock, unless it is a secure one", () => {
  const read = (sevFeatures: bigint, scale?: bigint) => {
    let tsc = 0n;
    let frequency: bigint | undefined;
    const made = rig(
      "sev-snp",
      function* (cpu: Cpu): Step {
        tsc = yield* cpu.rdtsc();
        if (sevFeatures) frequency = yield* cpu.rdmsr(Msr.GUEST_TSC_FREQ);
        yield* cpu.hlt();
      },
      { sevFeatures },
    );
    made.vm.exits.set(Code.VMEXIT_VMGEXIT, () => "ends");
    made.vcpu.vmcb.setU64(Layout.TSC_OFFSET, 1_000_000n);
    if (scale !== undefined)
      setVmsa(made, (view) => {
        view.setBigUint64(Vmsa.GUEST_TSC_SCALE, scale, true);
        view.setBigUint64(Vmsa.GUEST_TSC_OFFSET, 500n, true);
      });
    runTo(made, Code.VMEXIT_HLT);
    return { tsc, frequency };
  };
  const plain = read(0n).tsc;
  assert.ok(plain > 1_000_000n && plain < 1_001_000n, `${plain}`);
  const secure = read(bit(Feature.SECURE_TSC_BIT), 3n << 32n);
  const steps = plain - 1_000_000n;
  assert.is(secure.tsc, 3n * steps + 500n);
  assert.is(secure.frequency, 2400n);
});
