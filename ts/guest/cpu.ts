// The CPU as a guest program has it: memory, and the instructions that the host may intercept. Under SEV-ES those that do
// not leave by themselves become #VC (vector 29). APM vol. 2, 15.9 and table 15-35; vol. 3 for each instruction.
import * as Code from "../abi/exit.ts";
import * as Msr from "../abi/msr.ts";
import * as Vmsa from "../abi/vmsa.ts";
import * as World from "../abi/world.ts";
import type { CpuidValues } from "../chip/cpuid.ts";
import type { GuestPort, RmpAdjust, RmpQuery } from "../port.ts";
import { Execution, type Step } from "./execution.ts";
import * as Decoded from "./instruction.ts";
import { moveBytes } from "./move.ts";
import { readMsr, writeMsr } from "./msr.ts";

export type { Routine, Step } from "./execution.ts";
/** What a guest's memory holds instead of machine code. */
export type Program = (cpu: Cpu) => Step;
/** What the part itself answers, where nobody intercepts. */
export interface Part {
  cpuid(leaf: number, subleaf: number): CpuidValues;
  /** The frequency that GUEST_TSC_FREQ shows under Secure TSC. */
  tscMhz: number;
}
/** The width of a port or of a device's register, in bytes. */
export type PortBytes = 1 | 2 | 4;
export type MmioBytes = 1 | 2 | 4 | 8;

const LOW = 0xffffffffn;
const INTERRUPT_FLAG = 1n << BigInt(Vmsa.RFLAGS_IF_BIT);

export class Cpu extends Execution {
  readonly #part: Part;

  constructor(port: GuestPort, part: Part) {
    super(port);
    this.#part = part;
  }

  /** What SEV_STATUS says. */
  get features(): { sev: boolean; es: boolean; snp: boolean } {
    const status = Number(this.cpu.sevStatus() & 7n);
    return { sev: (status & 1) !== 0, es: (status & 2) !== 0, snp: (status & 4) !== 0 };
  }

  /** The VMPL it runs at. */
  get vmpl(): number {
    return this.registers.vmpl;
  }

  /** Reads memory, of any length. */
  read(gva: bigint, into: Uint8Array): Step {
    return this.access(this.port.read, gva, into);
  }

  write(gva: bigint, from: Uint8Array): Step {
    return this.access(this.port.write, gva, from);
  }

  fetch(gva: bigint, into: Uint8Array): Step {
    return this.access(this.port.fetch, gva, into);
  }

  *cpuid(leaf: number, subleaf = 0): Step<CpuidValues> {
    const { registers } = this;
    registers.eax = leaf;
    registers.ecx = subleaf;
    if (!(yield* this.intercepted(Code.VMEXIT_CPUID, 0n, 0n, Decoded.CPUID))) {
      const { eax, ebx, ecx, edx } = this.#part.cpuid(leaf, subleaf);
      registers.eax = eax;
      registers.ebx = ebx;
      registers.ecx = ecx;
      registers.edx = edx;
    }
    const { eax, ebx, ecx, edx } = registers;
    return { eax, ebx, ecx, edx };
  }

  /** RDMSR. The GHCB MSR and SEV_STATUS never leave a SEV guest. */
  *rdmsr(msr: number): Step<bigint> {
    const { registers } = this;
    registers.rcx = BigInt(msr);
    if (this.#isOwn(msr) || !(yield* this.intercepted(Code.VMEXIT_MSR, 0n, 0n, Decoded.RDMSR))) {
      const value = readMsr(this.cpu, registers, msr, this.#part.tscMhz);
      if (value === undefined) {
        yield* this.raise(Code.GP, 0n, 0n);
        return 0n;
      }
      registers.rax = value & LOW;
      registers.rdx = value >> 32n;
    }
    return ((registers.rdx & LOW) << 32n) | (registers.rax & LOW);
  }

  *wrmsr(msr: number, value: bigint): Step {
    const { registers } = this;
    registers.rcx = BigInt(msr);
    registers.rax = value & LOW;
    registers.rdx = value >> 32n;
    if (!this.#isOwn(msr) && (yield* this.intercepted(Code.VMEXIT_MSR, 1n, 0n, Decoded.WRMSR)))
      return;
    if (!writeMsr(this.cpu, registers, msr, value)) yield* this.raise(Code.GP, 0n, 0n);
  }

  /** The GHCB MSR, which never leaves, as a routine reaches it that has saved the registers RDMSR and WRMSR take. */
  get ghcbMsr(): bigint {
    return this.cpu.world.getBigUint64(World.GHCB, true);
  }

  set ghcbMsr(value: bigint) {
    this.cpu.world.setBigUint64(World.GHCB, value, true);
  }

  #isOwn(msr: number): boolean {
    if (msr === Msr.SEV_STATUS) return this.features.sev;
    return msr === Msr.SEV_ES_GHCB && this.isEncrypted;
  }

  *in(port: number, bytes: PortBytes): Step<number> {
    yield* this.#port({ kind: "in", length: 1, port, bytes });
    const width = 2 ** (8 * bytes) - 1;
    return (this.registers.eax & width) >>> 0;
  }

  *out(port: number, bytes: PortBytes, value: number): Step {
    this.registers.eax = value;
    yield* this.#port({ kind: "out", length: 1, port, bytes });
  }

  /** REP INS: `count` items from a port to memory at RDI. */
  *ins(port: number, bytes: PortBytes, gva: bigint, count: number): Step {
    this.registers.rdi = gva;
    this.registers.rcx = BigInt(count);
    yield* this.#port({ kind: "ins", length: 2, port, bytes, rep: true });
  }

  /** REP OUTS: `count` items from memory at RSI to a port. */
  *outs(port: number, bytes: PortBytes, gva: bigint, count: number): Step {
    this.registers.rsi = gva;
    this.registers.rcx = BigInt(count);
    yield* this.#port({ kind: "outs", length: 2, port, bytes, rep: true });
  }

  *#port(instruction: Decoded.PortInstruction): Step {
    const info = BigInt(Decoded.ioInfo(instruction));
    this.registers.rdx = BigInt(instruction.port);
    if (yield* this.intercepted(Code.VMEXIT_IOIO, info, 0n, instruction)) return;
    // Nothing answers at the bus: all ones.
    if (instruction.kind === "in") this.registers.rax = (1n << BigInt(8 * instruction.bytes)) - 1n;
  }

  /** A load from a device's register: MOV to RAX from an absolute address. */
  *mmioRead(gva: bigint, bytes: MmioBytes): Step<bigint> {
    const buffer = new DataView(new ArrayBuffer(8));
    const into = new Uint8Array(buffer.buffer, 0, bytes);
    const done = yield* this.#mmio({ kind: "mmio-read", length: 0, gva, bytes }, () =>
      this.port.read(gva, into),
    );
    if (done) this.registers.rax = buffer.getBigUint64(0, true);
    return BigInt.asUintN(8 * bytes, this.registers.rax);
  }

  /** A store to a device's register: MOV from RAX to an absolute address. */
  *mmioWrite(gva: bigint, bytes: MmioBytes, value: bigint): Step {
    const buffer = new DataView(new ArrayBuffer(8));
    buffer.setBigUint64(0, value, true);
    this.registers.rax = value;
    const from = new Uint8Array(buffer.buffer, 0, bytes);
    yield* this.#mmio({ kind: "mmio-write", length: 0, gva, bytes }, () =>
      this.port.write(gva, from),
    );
  }

  /** True when the access itself was done; false when the hypervisor or #VC has done it. */
  *#mmio(
    instruction: Decoded.Instruction & { gva: bigint; bytes: number },
    act: () => boolean,
  ): Step<boolean> {
    const code = moveBytes(instruction.kind === "mmio-write", instruction.bytes, instruction.gva);
    return yield* this.device({ ...instruction, length: code.length }, code, act);
  }

  *hlt(): Step {
    if (yield* this.intercepted(Code.VMEXIT_HLT, 0n, 0n, Decoded.HLT)) return;
    while (!(yield* this.interrupted())) yield* this.shutdown();
  }

  protected halted(): Step {
    return this.hlt();
  }

  /** STI: interrupts are taken from now on, and what waited at once. */
  *sti(): Step {
    this.registers.rflags |= INTERRUPT_FLAG;
    yield* this.events();
  }

  *cli(): Step {
    this.registers.rflags &= ~INTERRUPT_FLAG;
    yield* [];
  }

  *pause(): Step {
    yield* this.intercepted(Code.VMEXIT_PAUSE, 0n, 0n, Decoded.PAUSE);
  }

  *rdtsc(): Step<bigint> {
    return yield* this.#stamp(Code.VMEXIT_RDTSC, Decoded.RDTSC);
  }

  *rdtscp(): Step<{ tsc: bigint; aux: number }> {
    const tsc = yield* this.#stamp(Code.VMEXIT_RDTSCP, Decoded.RDTSCP);
    return { tsc, aux: this.registers.ecx };
  }

  *#stamp(code: number, instruction: Decoded.Instruction): Step<bigint> {
    const { registers } = this;
    if (!(yield* this.intercepted(code, 0n, 0n, instruction))) {
      const tsc = this.cpu.tsc();
      registers.rax = tsc & LOW;
      registers.rdx = tsc >> 32n;
      if (code === Code.VMEXIT_RDTSCP)
        registers.rcx = readMsr(this.cpu, registers, Msr.TSC_AUX, 0) as bigint;
    }
    return ((registers.rdx & LOW) << 32n) | (registers.rax & LOW);
  }

  /** RDPMC: not intercepted, the counters read 0. */
  *rdpmc(counter: number): Step<bigint> {
    const { registers } = this;
    registers.rcx = BigInt(counter);
    if (!(yield* this.intercepted(Code.VMEXIT_RDPMC, 0n, 0n, Decoded.RDPMC))) {
      registers.rax = 0n;
      registers.rdx = 0n;
    }
    return ((registers.rdx & LOW) << 32n) | (registers.rax & LOW);
  }

  /** MOV RAX, DRn. */
  *readDr(n: DebugRegister): Step<bigint> {
    const instruction: Decoded.Instruction = { kind: "rddr", length: 3, register: n };
    if (!(yield* this.intercepted(Code.VMEXIT_READ_DR0 + n, 0n, 0n, instruction)))
      this.registers.rax = this.registers[`dr${n}`];
    return this.registers.rax;
  }

  /** MOV DRn, RAX. */
  *writeDr(n: DebugRegister, value: bigint): Step {
    this.registers.rax = value;
    const instruction: Decoded.Instruction = { kind: "wrdr", length: 3, register: n };
    if (!(yield* this.intercepted(Code.VMEXIT_WRITE_DR0 + n, 0n, 0n, instruction)))
      this.registers[`dr${n}`] = value;
  }

  *invd(): Step {
    if (!(yield* this.intercepted(Code.VMEXIT_INVD, 0n, 0n, Decoded.INVD))) this.cpu.invd();
  }

  *wbinvd(): Step {
    if (!(yield* this.intercepted(Code.VMEXIT_WBINVD, 0n, 0n, Decoded.WBINVD))) this.cpu.wbinvd();
  }

  *monitor(): Step {
    yield* this.intercepted(Code.VMEXIT_MONITOR, 0n, 0n, Decoded.MONITOR);
  }

  *mwait(): Step {
    yield* this.intercepted(Code.VMEXIT_MWAIT, 0n, 0n, Decoded.MWAIT);
  }

  /** VMMCALL: a call of the hypervisor, by registers. Not intercepted it is #UD. */
  *vmmcall(instruction: Decoded.Instruction = Decoded.VMMCALL): Step {
    if (!(yield* this.intercepted(Code.VMEXIT_VMMCALL, 0n, 0n, instruction)))
      yield* this.raise(Code.UD, 0n, 0n);
  }

  /** VMGEXIT, which is REP VMMCALL: a guest with encrypted state leaves. For any other it is VMMCALL. */
  vmgexit(): Step<unknown> {
    if (!this.isEncrypted) return this.vmmcall(Decoded.VMGEXIT);
    return this.intercepted(Code.VMEXIT_VMGEXIT, 0n, 0n, Decoded.VMGEXIT);
  }

  /** VMRUN in a guest: nested virtualisation, which the hypervisor must emulate, or refuse. */
  *vmrun(vmcb: bigint): Step {
    this.registers.rax = vmcb;
    yield* this.intercepted(Code.VMEXIT_VMRUN, 0n, 0n, Decoded.VMRUN);
  }

  /** An indirect branch from one address to another. Answers where the core went on speculatively before, 0 for nowhere. */
  branch(from: bigint, to: bigint): bigint {
    return this.cpu.branch(from, to);
  }

  /** PVALIDATE. EAX and CF; its refusals are met as those of an access. */
  *pvalidate(
    gva: bigint,
    large: boolean,
    validate: boolean,
  ): Step<{ eax: number; carry: boolean }> {
    return yield* this.#completed(() => this.port.pvalidate(gva, large, validate));
  }

  /** RMPADJUST. EAX. */
  *rmpadjust(gva: bigint, large: boolean, to: RmpAdjust): Step<number> {
    return yield* this.#completed(() => this.port.rmpadjust(gva, large, to));
  }

  /** RMPQUERY of a page for a VMPL. */
  *rmpquery(gva: bigint, vmpl: number): Step<RmpQuery> {
    return yield* this.#completed(() => this.port.rmpquery(gva, vmpl));
  }

  /** Repeats an instruction until it is not refused. */
  *#completed<T>(act: () => T | undefined): Step<T> {
    let answer: T | undefined;
    yield* this.repeated(() => {
      answer = act();
      return answer !== undefined;
    });
    return answer as T;
  }
}

type DebugRegister = 0 | 1 | 2 | 3 | 6 | 7;
