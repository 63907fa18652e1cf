// How a guest program runs on the CPU: accesses that may be refused, instructions that may leave, exceptions and events that its
// own routines take. APM vol. 2, 8 (exceptions), 15.20 (events) and 15.35.5 (#VC). DESIGN.md 9.
import * as Code from "../abi/exit.ts";
import * as Vmcb from "../abi/vmcb.ts";
import * as Vmsa from "../abi/vmsa.ts";
import * as World from "../abi/world.ts";
import type { CpuPort, GuestPort } from "../port.ts";
import type { Cpu } from "./cpu.ts";
import type { Instruction } from "./instruction.ts";
import { type Registers, registersOf } from "./registers.ts";

/** What a guest runs: it yields exactly where #VMEXIT has happened, and goes on at the next VMRUN. */
export type Step<T = void> = Generator<void, T, void>;
/** A routine of the guest's interrupt descriptor table. `cr2` means something for #PF and #VC. */
export type Routine = (cpu: Cpu, error: bigint, cr2: bigint) => Step;

/** A port's way to memory. False: refused. */
type Access = GuestPort["read"];

const VECTOR = 2 ** Vmcb.EVENT_VECTOR_WIDTH - 1;
const ERROR_VALID = 2 ** Vmcb.EVENT_ERROR_VALID_BIT;
const MMIO = BigInt(Code.VMEXIT_NPF);
const RIP = Vmsa.RIP / 8;
const CR2 = Vmsa.CR2 / 8;
const HIGH_STEPS = World.STEPS + 4;
const INTERRUPT_FLAG = 2 ** Vmsa.RFLAGS_IF_BIT;
// Exceptions within exceptions: a real stack would be used up too.
const DEEPEST = 64;

const NO_CODE = new Uint8Array();
/** The steps of an access that was not refused: none. One for all, for a new generator would cost as much as the access: a guest's
 *  loads are 1.6 times as fast (bench/vm.ts, vm-sev-snp-load). */
const DONE: Step = (function* () {})();
DONE.next();
const ACCESS: Instruction = { kind: "access", length: 0 };

/** The part of the Cpu that meets the silicon. */
export abstract class Execution {
  readonly registers: Registers;
  /** What the #VC handler finds at RIP. */
  instruction: Instruction = ACCESS;
  protected readonly port: GuestPort;
  protected readonly cpu: CpuPort;
  /** The privilege level that the routine under way interrupted: what a real one finds in the saved CS. */
  interruptedCpl = 0;
  readonly #routines = new Map<number, Routine>();
  #depth = 0;
  /** RIP, its low half, as it was when the guest left, and after the instruction it left at. */
  #at = 0;
  #next = 0;

  constructor(port: GuestPort) {
    this.port = port;
    this.cpu = port.cpu;
    this.registers = registersOf(port.cpu);
  }

  /** Sets the routine of a vector: 29 is #VC, 28 #HV, 14 #PF. */
  on(vector: number, routine: Routine): void {
    this.#routines.set(vector, routine);
  }

  /** Whether a state loaded by VMRUN goes on where this program left: at its instruction, or past it. */
  goesOn(): boolean {
    const rip = this.rip;
    return rip === this.#at || rip === this.#next;
  }

  /** Whether the guest's registers are its own: SEV-ES. */
  protected get isEncrypted(): boolean {
    return this.cpu.world.getUint32(World.IS_ES, true) !== 0;
  }

  /** The low half of RIP. */
  protected get rip(): number {
    return this.cpu.file.getUint32(Vmsa.RIP, true);
  }

  /** Runs a program from its start; when it returns, the vCPU halts for good. */
  *run(program: (cpu: Cpu) => Step): Step {
    yield* this.events();
    yield* program(this as unknown as Cpu);
    for (;;) yield* this.halted();
  }

  /** Runs where there is no instruction. */
  *undefined(): Step {
    yield* this.raise(Code.UD, 0n, 0n);
    yield* this.shutdown();
  }

  /** The program failed outside the machine: the CPU leaves it as a shutdown. */
  abandon(): void {
    const running = this.cpu.world.getUint32(World.RUNNING, true) !== 0;
    if (running) this.cpu.instruction(Code.VMEXIT_SHUTDOWN, 0n, 0n, 0);
  }

  protected abstract halted(): Step;

  /** An access, repeated until the silicon no longer refuses it. */
  protected access(act: Access, gva: bigint, bytes: Uint8Array): Step {
    const due = this.ticked();
    return !due && act(gva, bytes) ? DONE : this.#again(due, act, gva, bytes);
  }

  /** Goes on with an access that an interrupt came before, or that was refused. */
  *#again(due: boolean, act: Access, gva: bigint, bytes: Uint8Array): Step {
    if (due) yield* this.interrupted();
    else yield* this.refusal();
    while (!act(gva, bytes)) yield* this.refusal();
  }

  /** What the silicon may refuse, until it no longer does. */
  protected *repeated(act: () => boolean): Step {
    if (this.ticked()) yield* this.interrupted();
    while (!act()) yield* this.refusal();
  }

  /** Meets one refusal. */
  protected *refusal(): Step {
    const { rip } = this;
    if (this.cpu.refused() === World.LEFT) {
      yield* this.away(rip, 0);
      return;
    }
    const { vector, error, cr2 } = this.cpu.exception();
    yield* this.raise(vector, error, cr2);
  }

  /** One instruction with an exit code. True when somebody else has done it, false when the CPU itself must. */
  protected *intercepted(
    code: number,
    info1: bigint,
    info2: bigint,
    instruction: Instruction,
  ): Step<boolean> {
    const { length } = instruction;
    if (this.ticked()) yield* this.interrupted();
    for (;;) {
      const { rip } = this;
      const answer = this.cpu.instruction(code, info1, info2, length);
      if (answer === World.CONTINUES) return false;
      if (answer !== World.LEFT) {
        yield* this.deliver(Code.VC, BigInt(code), 0n, instruction);
        return true;
      }
      if (yield* this.away(rip, length)) return true;
    }
  }

  /** An access to a device's register. True when the access itself was done; false when the hypervisor or #VC has done it. */
  protected *device(instruction: Instruction, code: Uint8Array, act: () => boolean): Step<boolean> {
    const { length } = code;
    if (this.ticked()) yield* this.interrupted();
    for (;;) {
      const { rip } = this;
      this.prefetch(code);
      const done = act();
      const answer = done ? World.CONTINUES : this.cpu.refused();
      this.prefetch(NO_CODE);
      if (done) {
        this.skip(length);
        return true;
      }
      if (answer === World.LEFT) {
        if (yield* this.away(rip, length)) return false;
        continue;
      }
      const { vector, error, cr2 } = this.cpu.exception();
      if (vector === Code.VC && error === MMIO) {
        yield* this.deliver(vector, error, cr2, instruction);
        return false;
      }
      yield* this.raise(vector, error, cr2);
    }
  }

  /** The bytes of the instruction under way, which an exit shows the host (decode assists). APM vol. 2, 15.8.4. */
  protected prefetch(code: Uint8Array): void {
    const { world } = this.cpu;
    world.setUint8(World.FETCHED_BYTES, code.length);
    for (let i = 0; i < code.length; i++) world.setUint8(World.FETCHED + i, code[i] as number);
  }

  /** RIP moves past an instruction. */
  protected skip(length: number): void {
    const { file } = this.cpu;
    const next = this.rip + length;
    file.setUint32(Vmsa.RIP, next, true);
    if (next > 0xffffffff)
      file.setUint32(Vmsa.RIP + 4, file.getUint32(Vmsa.RIP + 4, true) + 1, true);
  }

  /** Away at the host's, from an instruction of `length` bytes at `rip`. True when it came back with RIP past it. */
  protected *away(rip: number, length: number): Step<boolean> {
    this.#at = rip;
    this.#next = (rip + length) >>> 0;
    yield;
    const done = this.rip === this.#next;
    const event = this.cpu.takeEvent();
    if (event !== 0) yield* this.events(event);
    return done;
  }

  /** An exception: the host's where it intercepts it, else the guest's own. */
  *raise(vector: number, error: bigint, cr2: bigint): Step {
    if (vector === Code.VC) return yield* this.deliver(vector, error, cr2);
    const { rip } = this;
    const code = Code.VMEXIT_EXCEPTION + vector;
    const answer = this.cpu.instruction(code, error, cr2, 0);
    if (answer === World.LEFT) yield* this.away(rip, 0);
    else if (answer === World.EXCEPTION) yield* this.deliver(Code.VC, BigInt(code), cr2);
    else yield* this.deliver(vector, error, cr2);
  }

  /** The guest's routine for a vector, from its first instruction to IRET. Without one the CPU shuts down. APM vol. 2, 8.2.9.
   *  The routine of #VC does the instruction, which is then complete. */
  protected *deliver(
    vector: number,
    error: bigint,
    cr2: bigint,
    instruction: Instruction = ACCESS,
  ): Step {
    const routine = this.#routines.get(vector);
    if (!routine || this.#depth === DEEPEST) return yield* this.shutdown();
    const { file, words } = this.cpu;
    if (vector === Code.PF) words[CR2] = cr2;
    const rip = words[RIP] as bigint;
    const flags = file.getUint32(Vmsa.RFLAGS, true);
    const { cpl } = this.registers;
    file.setUint32(Vmsa.RFLAGS, flags & ~INTERRUPT_FLAG, true);
    if (cpl !== 0) this.registers.cpl = 0;
    const { interruptedCpl: outerCpl, instruction: outer } = this;
    this.interruptedCpl = cpl;
    this.instruction = instruction;
    this.#depth++;
    yield* routine(this as unknown as Cpu, error, cr2);
    this.#depth--;
    this.instruction = outer;
    this.interruptedCpl = outerCpl;
    if (cpl !== 0) this.registers.cpl = cpl;
    file.setUint32(Vmsa.RFLAGS, flags, true);
    words[RIP] = rip;
    this.skip(instruction.length);
  }

  /** Shutdown: nothing but a reset ends it. */
  protected *shutdown(): Step {
    for (;;) {
      const { rip } = this;
      this.cpu.instruction(Code.VMEXIT_SHUTDOWN, 0n, 0n, 0);
      this.#at = rip;
      this.#next = rip;
      yield;
    }
  }

  /** Takes events, what was injected and what is pending, from this one on. */
  protected *events(first: number = this.cpu.takeEvent()): Step {
    for (let event = first; event !== 0; event = this.cpu.takeEvent()) {
      if (event === World.WINDOW) {
        this.#at = this.rip;
        this.#next = this.rip;
        yield;
        continue;
      }
      const error = this.cpu.world.getUint32(World.TAKING_ERROR, true);
      const vector = event & VECTOR;
      if (this.#routines.has(vector)) this.cpu.tookEvent();
      const cr2 = this.cpu.words[CR2] as bigint;
      yield* this.deliver(vector, (event & ERROR_VALID) === 0 ? 0n : BigInt(error), cr2);
    }
  }

  /** One step of the guest: what the time-stamp counter counts. True when the host's timer is due. */
  protected ticked(): boolean {
    const { world } = this.cpu;
    const steps = world.getUint32(World.STEPS, true) + 1;
    world.setUint32(World.STEPS, steps, true);
    if (steps > 0xffffffff)
      world.setUint32(HIGH_STEPS, world.getUint32(HIGH_STEPS, true) + 1, true);
    const left = world.getUint32(World.TIMER, true);
    if (left === 0) return false;
    world.setUint32(World.TIMER, left - 1, true);
    return left === 1;
  }

  /** A physical interrupt: the host's where it intercepts it. True when the guest has left and come back. */
  protected *interrupted(): Step<boolean> {
    const { rip } = this;
    if (this.cpu.instruction(Code.VMEXIT_INTR, 0n, 0n, 0) !== World.LEFT) return false;
    yield* this.away(rip, 0);
    return true;
  }
}
