// The guest's side of the GHCB page: what it writes before VMGEXIT, and how it doubts what comes back. AMD 56421, 4.
import * as Code from "../abi/exit.ts";
import * as Layout from "../abi/ghcb.ts";
import * as Vmcb from "../abi/vmcb.ts";
import type { Cpu, Step } from "./cpu.ts";

/** What an event came to: answered, an exception to take, a reply no honest hypervisor gives, or nothing that could be asked. */
export type Verdict = "ok" | "exception" | "vmm-error" | "unsupported";

// What is written before an exit and read after it: each one run of bytes, so that either is one access.
const FIELDS = Layout.CPL & ~7;
const FIELDS_END = Layout.VALID_BITMAP + 16;
const REPLY = Layout.RAX;

/** An exchange that was interrupted. */
export interface Kept {
  page: Uint8Array;
  bytes: Uint8Array;
}

export class Ghcb {
  readonly gva: bigint;
  readonly gpa: bigint;
  /** The exception that a verdict spoke of. */
  vector = 0;
  error = 0n;
  /** Whether an exchange is under way: an interrupt that comes in the middle must leave it as it was. */
  busy = false;
  // The guest's own copy. The hypervisor can change the shared page at any time; what is judged here, it cannot.
  readonly #bytes = new Uint8Array(FIELDS_END);
  readonly #view = new DataView(this.#bytes.buffer);
  readonly #fields = this.#bytes.subarray(FIELDS);
  readonly #reply = this.#bytes.subarray(REPLY);
  readonly #bitmap = this.#bytes.subarray(Layout.VALID_BITMAP);
  readonly #fieldsAt: bigint;
  readonly #replyAt: bigint;

  /** A GHCB at a page that the guest has made shared. */
  constructor(gva: bigint, gpa: bigint) {
    this.gva = gva;
    this.gpa = gpa;
    this.#fieldsAt = gva + BigInt(FIELDS);
    this.#replyAt = gva + BigInt(REPLY);
  }

  /** Clears the page and says which protocol it speaks. Once: nobody but the hypervisor reads these fields. */
  *open(cpu: Cpu, version: number): Step {
    const page = new Uint8Array(Layout.SIZE);
    const view = new DataView(page.buffer);
    view.setUint16(Layout.PROTOCOL_VERSION, version, true);
    view.setUint32(Layout.GHCB_USAGE, Layout.USAGE_STANDARD, true);
    yield* cpu.write(this.gva, page);
  }

  /** The exchange under way, page and all, for `restore`. Linux: the backup GHCB of a nested #VC. */
  *keep(cpu: Cpu): Step<Kept> {
    const page = new Uint8Array(Layout.SIZE);
    yield* cpu.read(this.gva, page);
    return { page, bytes: this.#bytes.slice() };
  }

  /** Goes back to the exchange that was interrupted. */
  *restore(cpu: Cpu, { page, bytes }: Kept): Step {
    this.#bytes.set(bytes);
    yield* cpu.write(this.gva, page);
  }

  /** Runs an exchange of its own, even in the middle of another. */
  *alone<T>(cpu: Cpu, exchange: () => Step<T>): Step<T> {
    const outer = this.busy;
    const kept = outer ? yield* this.keep(cpu) : undefined;
    this.busy = true;
    const answer = yield* exchange();
    this.busy = outer;
    if (kept) yield* this.restore(cpu, kept);
    return answer;
  }

  /** Nothing is valid any more. */
  clear(): void {
    this.#view.setBigUint64(Layout.VALID_BITMAP, 0n, true);
    this.#view.setBigUint64(Layout.VALID_BITMAP + 8, 0n, true);
  }

  /** Gives the hypervisor a 64-bit field, by its offset. */
  set(field: number, value: bigint): void {
    this.#view.setBigUint64(field, value, true);
    this.#validate(field);
  }

  /** Gives the hypervisor a field whose upper half is zero. */
  setLow(field: number, value: number): void {
    this.#view.setUint32(field, value, true);
    this.#view.setUint32(field + 4, 0, true);
    this.#validate(field);
  }

  /** Gives the hypervisor CPL, the only field of one byte. */
  setCpl(level: number): void {
    this.#bytes[Layout.CPL] = level;
    this.#validate(Layout.CPL);
  }

  #validate(field: number): void {
    const at = field >> 6;
    this.#bitmap[at] = (this.#bitmap[at] as number) | (1 << ((field >> 3) & 7));
  }

  /** Whether the hypervisor said that it answered a field. */
  has(field: number): boolean {
    return ((this.#bitmap[field >> 6] as number) & (1 << ((field >> 3) & 7))) !== 0;
  }

  /** A field of the reply; ask `has` first. */
  get(field: number): bigint {
    return this.#view.getBigUint64(field, true);
  }

  /** Its lower half. */
  low(field: number): number {
    return this.#view.getUint32(field, true);
  }

  /** One event: the fields set so far, VMGEXIT, and the verdict over what came back. */
  *call(cpu: Cpu, code: number, info1: bigint, info2: bigint): Step<Verdict> {
    this.setLow(Layout.SW_EXITCODE, code);
    this.set(Layout.SW_EXITINFO1, info1);
    this.set(Layout.SW_EXITINFO2, info2);
    yield* cpu.write(this.#fieldsAt, this.#fields);
    cpu.ghcbMsr = this.gpa;
    yield* cpu.vmgexit();
    yield* cpu.read(this.#replyAt, this.#reply);
    return this.#judge();
  }

  /** Linux's verify_exception_info: of all that a hypervisor may want injected, only #GP and #UD make sense. */
  #judge(): Verdict {
    if (!this.has(Layout.SW_EXITINFO1)) return "vmm-error";
    const answer = this.low(Layout.SW_EXITINFO1);
    if (answer === Layout.OK) return "ok";
    if (answer !== Layout.EXCEPTION || !this.has(Layout.SW_EXITINFO2)) return "vmm-error";
    const event = this.get(Layout.SW_EXITINFO2);
    const field = (lsb: number, width: number) =>
      Number((event >> BigInt(lsb)) & ((1n << BigInt(width)) - 1n));
    const vector = field(0, Vmcb.EVENT_VECTOR_WIDTH);
    if (!field(Vmcb.EVENT_VALID_BIT, 1)) return "vmm-error";
    if (field(Vmcb.EVENT_TYPE_LSB, Vmcb.EVENT_TYPE_WIDTH) !== Vmcb.EVENT_EXCEPTION)
      return "vmm-error";
    if (vector !== Code.GP && vector !== Code.UD) return "vmm-error";
    this.vector = vector;
    this.error = field(Vmcb.EVENT_ERROR_VALID_BIT, 1) ? event >> 32n : 0n;
    return "exception";
  }
}
