// A virtual CPU as the hypervisor keeps it: a VMCB, a VMSA it cannot read or a register array it can, and VMRUN. KVM svm_vcpu_run.
import * as Code from "../abi/exit.ts";
import * as Layout from "../abi/vmcb.ts";
import * as Vmsa from "../abi/vmsa.ts";
import type { Exit, HostPort } from "../port.ts";
import { GhcbVcpu } from "./ghcb/state.ts";
import { Vmcb } from "./vmcb.ts";

/** What VMRUN is to be run with. */
export interface VcpuParts {
  host: HostPort;
  /** The spa of its VMCB, and whether the host keeps it encrypted: then its pointer carries the C-bit. */
  vmcb: bigint;
  cBit: bigint;
  /** Whether its registers are its own. */
  es: boolean;
}

// What the hypervisor looks at after every #VMEXIT, in one read: EXITCODE to the GHCB's MSR.
const SEEN = Layout.EXITCODE;
const SEEN_END = Layout.EVENTINJ;

export class Vcpu {
  readonly index: number;
  readonly vmcb: Vmcb;
  readonly es: boolean;
  /** The guest's registers that VMRUN neither loads nor saves (ts/abi/vmsa.ts), which the hypervisor keeps. Not under SEV-ES. */
  readonly registers: BigUint64Array;
  /** What the GHCB protocol keeps of it. */
  readonly ghcb: GhcbVcpu = new GhcbVcpu();
  /** Why it left last. Overwritten by the next `run`. */
  readonly exit: VcpuExit;
  /** Vectors that wait until the guest takes interrupts; see `interrupt` in exit/interrupt-window.ts. */
  readonly waiting: number[] = [];
  /** Asleep in HLT until something is injected. */
  halted = false;
  readonly #host: HostPort;
  readonly #pointer: bigint;
  readonly #seen = new Uint8Array(SEEN_END - SEEN);

  constructor(index: number, { host, vmcb, cBit, es }: VcpuParts) {
    this.index = index;
    this.es = es;
    this.vmcb = new Vmcb(host, vmcb, cBit !== 0n);
    this.registers = new BigUint64Array(host.registers.length);
    this.exit = new VcpuExit(new DataView(this.#seen.buffer));
    this.#host = host;
    this.#pointer = vmcb | cBit;
  }

  /** VMRUN, up to the next #VMEXIT. Answers why: what the VMCB says, or a fault of the host's own (kind HOST_FAULT). */
  run(): Exit {
    const host = this.#host;
    this.halted = false;
    if (!this.es) this.#enterPlain();
    if (!host.vmrun(this.#pointer)) return host.exit();
    if (!this.es) this.#leavePlain();
    this.vmcb.read(SEEN, this.#seen);
    return this.exit;
  }

  #enterPlain(): void {
    this.#host.registers.set(this.registers);
    this.#host.vmload(this.#pointer);
  }

  #leavePlain(): void {
    this.registers.set(this.#host.registers);
    this.#host.vmsave(this.#pointer);
  }

  /** A general register of a guest without SEV-ES, by its offset in ts/abi/vmsa.ts. */
  register(offset: number): bigint {
    if (offset === Vmsa.RAX || offset === Vmsa.RSP) return this.vmcb.saved(offset);
    return this.registers[offset / 8] as bigint;
  }

  setRegister(offset: number, value: bigint): void {
    if (offset === Vmsa.RAX || offset === Vmsa.RSP) this.vmcb.setSaved(offset, value);
    else this.registers[offset / 8] = value;
  }

  /** The instruction that a guest without SEV-ES left at is done: it goes on after it. */
  skip(): void {
    this.vmcb.setSaved(Vmsa.RIP, this.vmcb.u64(Layout.NEXT_RIP));
  }

  /** Injects an event at the next VMRUN: EVENTINJ, with the error code of an exception that has one. */
  inject(type: number, vector: number, error?: number): void {
    const valid = 2 ** Layout.EVENT_VALID_BIT;
    const hasError = error === undefined ? 0 : 2 ** Layout.EVENT_ERROR_VALID_BIT;
    this.vmcb.setU32(Layout.EVENTINJ_ERROR, error ?? 0);
    this.vmcb.setU32(
      Layout.EVENTINJ,
      valid + hasError + type * 2 ** Layout.EVENT_TYPE_LSB + vector,
    );
    this.halted = false;
  }
}

/** EXITCODE and what stands beside it, as the last #VMEXIT left them in the VMCB. */
export class VcpuExit implements Exit {
  readonly kind: number = Code.VMEXIT;
  readonly gva: bigint = 0n;
  readonly spa: bigint = 0n;
  readonly #seen: DataView;

  constructor(seen: DataView) {
    this.#seen = seen;
  }

  get code(): bigint {
    return this.#seen.getBigUint64(Layout.EXITCODE - SEEN, true);
  }

  /** The code as a number; VMEXIT_INVALID is -1. */
  get number(): number {
    return this.#seen.getInt32(Layout.EXITCODE - SEEN, true);
  }

  get info1(): bigint {
    return this.#seen.getBigUint64(Layout.EXITINFO1 - SEEN, true);
  }

  get info2(): bigint {
    return this.#seen.getBigUint64(Layout.EXITINFO2 - SEEN, true);
  }

  /** Of a nested page fault. */
  get gpa(): bigint {
    return this.info2;
  }

  /** The event that was being taken, as EVENTINJ has it. */
  get interrupted(): number {
    return this.#seen.getUint32(Layout.EXITINTINFO - SEEN, true);
  }

  /** The GHCB's MSR. */
  get ghcb(): bigint {
    return this.#seen.getBigUint64(Layout.GHCB_PA - SEEN, true);
  }
}
