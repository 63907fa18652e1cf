// The #VC handler and the GHCB on the machine: each instruction leaves with what it must, and no more, and comes back with what it asked.
import type { Cpu, Step } from "../../dist/guest/cpu.js";
import { plainCall } from "../../dist/guest/ghcb/event.js";
import { setMemoryDecrypted } from "../../dist/guest/ghcb/page-state.js";
import type { SevGuest } from "../../dist/guest/sev.js";
import { mmio } from "../../dist/guest/vc/mmio.js";
import * as Code from "../../ts/abi/exit.ts";
import * as Layout from "../../ts/abi/ghcb.ts";
import * as Msr from "../../ts/abi/msr.ts";
import { assert, suite } from "../kit.ts";
import { ask } from "./ask.ts";
import { noting, type Rig, rig, SCRATCH } from "./rig.ts";

const test = suite("#VC");

const generations = ["sev-es", "sev-snp"] as const;

/** Runs a program to its end, and fails when the guest ended itself. */
function finish(made: Rig): Rig {
  assert.is(made.run(), "sleeps");
  assert.is(made.vm.ghcb.terminated, undefined);
  return made;
}

/** The fields that the guest marked valid in its last exit with a code. */
function watch(made: Rig, code: number): { fields: number[] } {
  const seen = { fields: [] as number[] };
  const row = made.vm.ghcb.events.get(code)!;
  made.vm.ghcb.events.set(code, {
    ...row,
    serve(event) {
      const { page } = event;
      seen.fields = [];
      for (let at = 0; at < Layout.VALID_BITMAP; at += 8)
        if (page.isValid(at)) seen.fields.push(at);
      return row.serve(event);
    },
  });
  return seen;
}

const EVENT = [Layout.SW_EXITCODE, Layout.SW_EXITINFO1, Layout.SW_EXITINFO2];
const fields = (...more: number[]) => [...more, ...EVENT].sort((a, b) => a - b);

for (const generation of generations) {
  const machine = (program: (cpu: Cpu, guest: SevGuest) => Step) => rig(program, { generation });

  test(`${generation}: CPUID is what the hypervisor says, and only RAX and RCX leave for it`, () => {
    let seen = { eax: 0, ebx: 0, ecx: 0, edx: 0 };
    const made = machine(function* (cpu) {
      cpu.registers.rsi = 0x5ec2e7n;
      seen = yield* cpu.cpuid(0, 0);
    });
    const left = watch(made, Code.VMEXIT_CPUID);
    finish(made);
    assert.equal(seen, made.vm.cpuid(0, 0));
    assert.equal(left.fields, fields(Layout.RAX, Layout.RCX));
  });

  test(`${generation}: CPUID of the XSAVE leaf says which state is enabled`, () => {
    const made = machine(function* (cpu) {
      yield* cpu.cpuid(0xd, 1);
    });
    const left = watch(made, Code.VMEXIT_CPUID);
    finish(made);
    assert.equal(left.fields, fields(Layout.RAX, Layout.RCX, Layout.XCR0, Layout.XSS));
  });

  test(`${generation}: OUT and IN carry no more of RAX than the port is wide`, () => {
    const written: number[] = [];
    const read: number[] = [];
    const made = machine(function* (cpu) {
      cpu.registers.rax = 0x1122_3344_5566_7788n;
      yield* cpu.out(0x80, 1, 0xdeadbeef);
      for (const bytes of [1, 2, 4] as const) read.push(yield* cpu.in(0x80, bytes));
    });
    made.vm.ports.attach(0x80, {
      read: () => 0xcafef00d,
      write: (_, value) => void written.push(value),
    });
    const left = watch(made, Code.VMEXIT_IOIO);
    finish(made);
    assert.equal(written, [0xef]);
    assert.equal(read, [0x0d, 0xf00d, 0xcafef00d]);
    assert.equal(left.fields, fields());
  });

  test(`${generation}: REP OUTS and REP INS move more than the shared buffer holds`, () => {
    const length = 5000;
    const text = Uint8Array.from({ length }, (_, i) => (i * 7) & 0xff);
    const written: number[] = [];
    const back = new Uint8Array(length);
    let left: bigint[] = [];
    const made = machine(function* (cpu) {
      yield* cpu.write(SCRATCH, text);
      yield* cpu.outs(0x3f9, 1, SCRATCH, length);
      yield* cpu.ins(0x3f9, 1, SCRATCH + 0x2000n, length);
      left = [cpu.registers.rcx, cpu.registers.rdi];
      yield* cpu.read(SCRATCH + 0x2000n, back);
    });
    made.vm.ports.attach(0x3f9, {
      read: () => written.shift() as number,
      write: (_, value) => void written.push(value),
    });
    finish(made);
    assert.equal(back, text);
    assert.equal(left, [0n, SCRATCH + 0x2000n + BigInt(length)]);
  });

  test(`${generation}: an MSR the hypervisor keeps is written and read back; one it does not is #GP`, () => {
    let value = 0n;
    const vectors: number[] = [];
    const made = machine(function* (cpu): Step {
      cpu.on(
        Code.GP,
        noting(() => vectors.push(Code.GP)),
      );
      yield* cpu.wrmsr(Msr.VM_CR, 0x1122_3344_5566_7788n);
      value = yield* cpu.rdmsr(Msr.VM_CR);
      yield* cpu.rdmsr(0xc0011234);
    });
    const left = watch(made, Code.VMEXIT_MSR);
    finish(made);
    assert.is(value, 0x1122_3344_5566_7788n);
    assert.equal(vectors, [Code.GP]);
    assert.equal(left.fields, fields(Layout.RCX));
  });

  test(`${generation}: a write of DR7 leaves, a read does not`, () => {
    const read: bigint[] = [];
    const made = machine(function* (cpu) {
      read.push(yield* cpu.readDr(7));
      yield* cpu.writeDr(7, 0xffffn);
      read.push(yield* cpu.readDr(7));
    });
    made.vm.ghcb.events.delete(Code.VMEXIT_READ_DR7);
    finish(made);
    assert.equal(read, [0x400n, 0x2fffn]);
    assert.is(made.vcpu.ghcb.dr7, 0x2fffn);
  });

  test(`${generation}: the upper half of DR7 is #GP, without an exit`, () => {
    let vector = 0;
    const made = machine(function* (cpu): Step {
      cpu.on(
        Code.GP,
        noting(() => {
          vector = Code.GP;
        }),
      );
      yield* cpu.writeDr(7, 1n << 32n);
    });
    made.vm.ghcb.events.delete(Code.VMEXIT_WRITE_DR7);
    finish(made);
    assert.is(vector, Code.GP);
  });

  test(`${generation}: a hypercall gives five registers and the level it came from, and KVM does not know it`, () => {
    let answer = 0n;
    const made = machine(function* (cpu) {
      cpu.registers.rax = 0x77n;
      cpu.registers.rdi = 0x5ec2e7n;
      yield* cpu.vmmcall();
      answer = BigInt.asIntN(64, cpu.registers.rax);
    });
    const left = watch(made, Code.VMEXIT_VMMCALL);
    finish(made);
    assert.is(answer, -1000n);
    const given = [Layout.RAX, Layout.RBX, Layout.RCX, Layout.RDX, Layout.RSI];
    assert.equal(left.fields, fields(Layout.CPL & ~7, ...given));
  });

  test(`${generation}: a hypercall of a user program says CPL 3, and is refused`, () => {
    let answer = 0n;
    const made = machine(function* (cpu) {
      cpu.registers.cpl = 3;
      yield* cpu.vmmcall();
      answer = BigInt.asIntN(64, cpu.registers.rax);
    });
    finish(made);
    assert.is(answer, -1n);
  });

  test(`${generation}: WBINVD leaves; MONITOR and MWAIT do not, for their operand is an address of the guest's`, () => {
    const codes: number[] = [];
    const made = machine(function* (cpu) {
      yield* cpu.wbinvd();
      yield* cpu.monitor();
      yield* cpu.mwait();
    });
    for (const [code, row] of [...made.vm.ghcb.events]) {
      const serve: typeof row.serve = (event) => {
        codes.push(code);
        return row.serve(event);
      };
      made.vm.ghcb.events.set(code, { ...row, serve });
    }
    finish(made);
    assert.equal(codes, [Code.VMEXIT_WBINVD]);
  });

  test(`${generation}: INVD cannot be done for a guest, which ends itself`, () => {
    const made = machine(function* (cpu) {
      yield* cpu.invd();
      yield* cpu.cpuid(0, 0);
    });
    assert.is(made.run(), "ends");
    assert.equal(made.vm.ghcb.terminated, { set: 0, code: 0 });
  });

  test(`${generation}: RDPMC and an intercepted RDTSC are the hypervisor's, in EDX:EAX`, () => {
    let tsc = -1n;
    let pmc = -1n;
    const made = machine(function* (cpu, guest) {
      pmc = yield* cpu.rdpmc(0);
      yield* ask(cpu, guest, Code.VMEXIT_RDTSC);
      tsc = (guest.ghcb.get(Layout.RDX) << 32n) | guest.ghcb.get(Layout.RAX);
    });
    finish(made);
    assert.is(pmc, 0n);
    assert.ok(tsc > 0n && tsc <= made.vm.tsc());
  });

  test(`${generation}: the features are the hypervisor's by either protocol`, () => {
    let features: bigint | undefined;
    let early = 0n;
    const made = machine(function* (cpu, guest) {
      early = guest.features;
      features = yield* plainCall(cpu, guest, Code.VMGEXIT_HV_FEATURES, 0n, 0n);
    });
    finish(made);
    assert.is(features, made.vm.ghcb.features);
    assert.is(early, made.vm.ghcb.features);
  });

  test(`${generation}: an interrupt's own exchange leaves the one it interrupts as it was`, () => {
    let outer = 0n;
    const made = machine(function* (cpu, { ghcb }) {
      yield* ghcb.alone(cpu, function* (): Step {
        ghcb.clear();
        ghcb.set(Layout.RCX, 0x1234n);
        yield* cpu.cpuid(0, 0);
        outer = ghcb.get(Layout.RCX);
        assert.ok(ghcb.has(Layout.RCX));
        assert.not(ghcb.has(Layout.RAX));
      });
    });
    finish(made);
    assert.is(outer, 0x1234n);
  });
}

test("a private page that the hypervisor marks as a device's is not read out for it", () => {
  const made = rig(function* (cpu, guest) {
    assert.ok((yield* guest.pages.translate(cpu, SCRATCH))?.encrypted);
    cpu.instruction = { kind: "mmio-write", length: 3, gva: SCRATCH, bytes: 8 };
    assert.is(yield* mmio(cpu, guest), "unsupported");
  });
  finish(made);
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
