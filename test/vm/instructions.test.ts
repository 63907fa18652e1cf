// Every instruction that can be intercepted: at once without SEV-ES, by itself or as a #VC with it. Spec digest vmcb-vmsa.md 4.2.
import type { Generation } from "../../dist/chip/chip.js";
import type { Cpu, Step } from "../../dist/guest/cpu.js";
import * as Code from "../../ts/abi/exit.ts";
import * as Msr from "../../ts/abi/msr.ts";
import * as Layout from "../../ts/abi/vmcb.ts";
import * as Vmsa from "../../ts/abi/vmsa.ts";
import { assert, suite } from "../kit.ts";
import { rig, routine } from "./rig.ts";

const test = suite("an intercepted instruction");

interface Row {
  code: number;
  run: (cpu: Cpu) => Step<unknown>;
  /** EXITINFO1. */
  info1?: bigint;
  /** Bytes. */
  length: number;
  /** A guest with encrypted state leaves for it without a #VC, past the instruction. */
  automatic?: boolean;
}

const rows: Record<string, Row> = {
  cpuid: { code: Code.VMEXIT_CPUID, run: (cpu) => cpu.cpuid(0, 0), length: 2 },
  rdmsr: { code: Code.VMEXIT_MSR, run: (cpu) => cpu.rdmsr(Msr.VM_CR), length: 2 },
  wrmsr: { code: Code.VMEXIT_MSR, run: (cpu) => cpu.wrmsr(Msr.VM_CR, 1n), info1: 1n, length: 2 },
  "in al": { code: Code.VMEXIT_IOIO, run: (cpu) => cpu.in(0x3f8, 1), info1: 0x3f80211n, length: 1 },
  "in ax": { code: Code.VMEXIT_IOIO, run: (cpu) => cpu.in(0x3f8, 2), info1: 0x3f80221n, length: 1 },
  "out eax": {
    code: Code.VMEXIT_IOIO,
    run: (cpu) => cpu.out(0xffff, 4, 1),
    info1: 0xffff0240n,
    length: 1,
  },
  "rep ins": {
    code: Code.VMEXIT_IOIO,
    run: (cpu) => cpu.ins(0x1f0, 2, 0n, 2),
    info1: 0x1f0022dn,
    length: 2,
  },
  "rep outs": {
    code: Code.VMEXIT_IOIO,
    run: (cpu) => cpu.outs(0x1f0, 1, 0n, 2),
    info1: 0x1f0021cn,
    length: 2,
  },
  hlt: { code: Code.VMEXIT_HLT, run: (cpu) => cpu.hlt(), length: 1, automatic: true },
  pause: { code: Code.VMEXIT_PAUSE, run: (cpu) => cpu.pause(), length: 2, automatic: true },
  rdtsc: { code: Code.VMEXIT_RDTSC, run: (cpu) => cpu.rdtsc(), length: 2 },
  rdtscp: { code: Code.VMEXIT_RDTSCP, run: (cpu) => cpu.rdtscp(), length: 3 },
  rdpmc: { code: Code.VMEXIT_RDPMC, run: (cpu) => cpu.rdpmc(0), length: 2 },
  "mov rax, dr7": { code: Code.VMEXIT_READ_DR7, run: (cpu) => cpu.readDr(7), length: 3 },
  "mov dr3, rax": { code: Code.VMEXIT_WRITE_DR0 + 3, run: (cpu) => cpu.writeDr(3, 1n), length: 3 },
  invd: { code: Code.VMEXIT_INVD, run: (cpu) => cpu.invd(), length: 2 },
  wbinvd: { code: Code.VMEXIT_WBINVD, run: (cpu) => cpu.wbinvd(), length: 2 },
  monitor: { code: Code.VMEXIT_MONITOR, run: (cpu) => cpu.monitor(), length: 3 },
  mwait: { code: Code.VMEXIT_MWAIT, run: (cpu) => cpu.mwait(), length: 3 },
  vmmcall: { code: Code.VMEXIT_VMMCALL, run: (cpu) => cpu.vmmcall(), length: 3 },
  vmrun: { code: Code.VMEXIT_VMRUN, run: (cpu) => cpu.vmrun(0x1000n), length: 3 },
};

/** The first exit that is no #NPF of a guest that executes one instruction, and what it saw before. */
function first(generation: Generation, row: Row) {
  const seen: bigint[] = [];
  let after = 0n;
  const made = rig(generation, function* (cpu): Step {
    cpu.on(
      Code.VC,
      routine((_, error) => seen.push(error)),
    );
    yield* row.run(cpu);
    after = cpu.registers.rip;
    yield* cpu.hlt();
  });
  const { vcpu } = made;
  const all = new Uint8Array(24).fill(0xff);
  // All but the exceptions, the interrupts and the write traps of control registers.
  all.fill(0, 8, 12);
  vcpu.vmcb.write(Layout.INTERCEPTS, all);
  return { made, seen, exit: vcpu.run(), after: () => after };
}

const AT = 0xfff0n;

for (const [name, row] of Object.entries(rows)) {
  const { code, info1 = 0n, length, automatic = false } = row;
  test(`${name} leaves with 0x${code.toString(16)} in a guest whose registers the host has`, () => {
    for (const generation of ["none", "sme", "sev"] as const) {
      const { made, exit, seen, after } = first(generation, row);
      assert.equal([exit.code, exit.info1, seen], [BigInt(code), info1, []]);
      const { vcpu } = made;
      assert.is(vcpu.vmcb.saved(Vmsa.RIP), AT);
      assert.is(vcpu.vmcb.u64(Layout.NEXT_RIP), AT + BigInt(length));
      // Run again as it is, it executes again; skipped, it is done.
      assert.is(vcpu.run().code, BigInt(code));
      vcpu.skip();
      assert.is(vcpu.run().code, BigInt(Code.VMEXIT_HLT));
      assert.is(after(), AT + BigInt(length));
    }
  });

  const how = automatic ? "leaves past the instruction" : "is a #VC that the guest completes";
  test(`${name} ${how} in a guest with encrypted state`, () => {
    for (const generation of ["sev-es", "sev-snp"] as const) {
      const { made, exit, seen, after } = first(generation, row);
      assert.equal(seen, automatic ? [] : [BigInt(code)]);
      assert.is(exit.code, BigInt(automatic ? code : Code.VMEXIT_HLT));
      assert.is(made.vcpu.vmcb.u64(Layout.NEXT_RIP), 0n);
      if (automatic) assert.is(made.vcpu.run().code, BigInt(Code.VMEXIT_HLT));
      assert.is(after(), AT + BigInt(length));
    }
  });
}

test("an SNP guest's CPUID and ports are intercepted whether the hypervisor wants it or not", () => {
  for (const run of [(cpu: Cpu) => cpu.cpuid(0, 0), (cpu: Cpu) => cpu.in(0x80, 1)]) {
    const seen: Record<string, bigint[]> = {};
    for (const generation of ["sev-es", "sev-snp"] as const) {
      const errors: bigint[] = [];
      const made = rig(generation, function* (cpu): Step {
        cpu.on(
          Code.VC,
          routine((_, error) => errors.push(error)),
        );
        yield* run(cpu);
        yield* cpu.hlt();
      });
      made.vcpu.vmcb.write(Layout.INTERCEPTS, new Uint8Array(16));
      made.vcpu.vmcb.setU32(0x0c, 2 ** 24);
      assert.is(made.vcpu.run().code, BigInt(Code.VMEXIT_HLT));
      seen[generation] = errors;
    }
    assert.equal(seen["sev-es"], []);
    assert.is(seen["sev-snp"]?.length, 1);
  }
});

test("VMGEXIT leaves whatever is intercepted, and shows the GHCB MSR; without SEV-ES it is VMMCALL", () => {
  const program = function* (cpu: Cpu): Step {
    if (cpu.features.es) yield* cpu.wrmsr(Msr.SEV_ES_GHCB, 0x1234_5000n);
    yield* cpu.vmgexit();
  };
  for (const generation of ["sev-es", "sev-snp"] as const) {
    const { vcpu } = rig(generation, program);
    vcpu.vmcb.write(Layout.INTERCEPTS, new Uint8Array(16));
    const exit = vcpu.run();
    assert.is(exit.code, BigInt(Code.VMEXIT_VMGEXIT));
    assert.is(vcpu.exit.ghcb, 0x1234_5000n);
  }
  assert.is(rig("sev", program).vcpu.run().code, BigInt(Code.VMEXIT_VMMCALL));
});

test("SEV_STATUS and the GHCB MSR never leave, whatever the MSR map says", () => {
  for (const generation of ["sev", "sev-es", "sev-snp"] as const) {
    let status = 0n;
    const made = rig(generation, function* (cpu): Step {
      status = yield* cpu.rdmsr(Msr.SEV_STATUS);
      yield* cpu.hlt();
    });
    made.vcpu.vmcb.setU64(Layout.MSRPM_BASE_PA, made.vcpu.vmcb.u64(Layout.IOPM_BASE_PA));
    assert.is(made.vcpu.run().code, BigInt(Code.VMEXIT_HLT));
    assert.is(status, { sev: 1n, "sev-es": 3n, "sev-snp": 7n }[generation]);
  }
});

test("a shutdown leaves although nobody intercepts it", () => {
  for (const generation of ["none", "sev-snp"] as const) {
    const { vcpu } = rig(generation, (cpu) => cpu.raise(Code.UD, 0n, 0n));
    vcpu.vmcb.write(Layout.INTERCEPTS, new Uint8Array(16));
    assert.is(vcpu.run().code, BigInt(Code.VMEXIT_SHUTDOWN));
  }
});
