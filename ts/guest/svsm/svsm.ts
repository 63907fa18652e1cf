// A small SVSM: a guest program at VMPL0 that does for a guest below it what only VMPL0 may. AMD 58019; coconut-svsm.
import * as Protocol from "../../abi/ghcb-msr.ts";
import * as Layout from "../../abi/svsm.ts";
import * as Vmsa from "../../abi/vmsa.ts";
import type { Cpu, Step } from "../cpu.ts";
import { runVmplByMsr, terminate } from "../ghcb/msr-protocol.ts";
import { createVcpu, deleteVcpu } from "./create-vcpu.ts";
import { pvalidate } from "./pvalidate.ts";
import { queryProtocol } from "./query-protocol.ts";
import { remapCa } from "./remap-ca.ts";

/** A run of guest physical memory. */
export interface Region {
  gpa: bigint;
  bytes: bigint;
}

/** What all vCPUs of one SVSM share. */
export interface SvsmOptions {
  /** Where the SVSM has gpa 0, everything private. */
  linear: bigint;
  /** All of the guest's memory, and what of it is the SVSM's own. */
  memory: Region;
  own: readonly Region[];
  /** The level it serves. */
  vmpl: number;
  /** SEV_FEATURES that a vCPU of the guest must have. */
  features: bigint;
  /** APIC ids that there are. */
  apicIds: readonly number[];
}

/** One vCPU of the guest below. */
export interface GuestVcpu {
  apicId: number;
  /** The gpas of its VMSA and of its calling area. */
  vmsa: bigint;
  callingArea: bigint;
}

/** A call's registers, in and out. */
export interface Call {
  from: GuestVcpu;
  rcx: bigint;
  rdx: bigint;
  r8: bigint;
}

/** Serves one call. Answers RAX. */
export type CallRow = (cpu: Cpu, svsm: Svsm, call: Call) => Step<number>;

const core: Readonly<Record<number, CallRow>> = {
  [Layout.REMAP_CA]: remapCa,
  [Layout.PVALIDATE]: pvalidate,
  [Layout.CREATE_VCPU]: createVcpu,
  [Layout.DELETE_VCPU]: deleteVcpu,
  [Layout.QUERY_PROTOCOL]: queryProtocol,
};

const PAGE = 0x1000n;
const LOW = 0xffff_ffffn;

export class Svsm {
  readonly options: SvsmOptions;
  /** The guest's vCPUs, by the gpa of their VMSA. */
  readonly vcpus: Map<bigint, GuestVcpu> = new Map();
  /** Pages that are VMSAs of the guest's, or are about to be. */
  readonly vmsas: Set<bigint> = new Set();

  constructor(options: SvsmOptions) {
    this.options = options;
  }

  /** Where the SVSM reaches a gpa. */
  gva(gpa: bigint): bigint {
    return this.options.linear + gpa;
  }

  /** Whether `bytes` at a gpa are the guest's: within its memory, and nothing of the SVSM's own. */
  isGuests(gpa: bigint, bytes: bigint): boolean {
    const { memory, own } = this.options;
    if (gpa < memory.gpa || gpa + bytes > memory.gpa + memory.bytes) return false;
    const meets = (region: Region) => gpa < region.gpa + region.bytes && region.gpa < gpa + bytes;
    return !own.some(meets);
  }

  /** Whether a gpa is that of a page of the guest's. */
  isGuestPage(gpa: bigint): boolean {
    return gpa % PAGE === 0n && this.isGuests(gpa, PAGE);
  }

  /** Takes in a vCPU whose VMSA is made already: the guest's first. */
  adopt(vcpu: GuestVcpu): void {
    this.vcpus.set(vcpu.vmsa, vcpu);
    this.vmsas.add(vcpu.vmsa);
  }

  /** Runs the guest's vCPU of an APIC id, and serves its calls, for good. While the guest has none it sleeps. */
  *run(cpu: Cpu, apicId: number): Step {
    for (;;) {
      while (!this.#vcpuOf(apicId)) yield* cpu.hlt();
      const entered = yield* runVmplByMsr(cpu, this.options.vmpl);
      // A hypervisor that does not let the guest run leaves nothing to do.
      if (!entered) return yield* terminate(cpu, Protocol.SET_GENERAL, Protocol.GENERAL_REQUEST);
      const from = this.#vcpuOf(apicId);
      if (from) yield* this.#serve(cpu, from);
    }
  }

  #vcpuOf(apicId: number): GuestVcpu | undefined {
    return [...this.vcpus.values()].find((vcpu) => vcpu.apicId === apicId);
  }

  /** Serves the call of a vCPU, if it made one: its registers are in its VMSA. */
  *#serve(cpu: Cpu, from: GuestVcpu): Step {
    const { callingArea } = from;
    const pending = new Uint8Array(1);
    yield* cpu.read(this.gva(callingArea), pending);
    if (pending[0] !== 1) return;
    yield* cpu.write(this.gva(callingArea), new Uint8Array(1));
    const page = new Uint8Array(Vmsa.RESERVED_380);
    const at = this.gva(from.vmsa);
    yield* cpu.read(at, page);
    const view = new DataView(page.buffer);
    const register = (field: number) => view.getBigUint64(field, true);
    const rax = register(Vmsa.RAX);
    const call = {
      from,
      rcx: register(Vmsa.RCX),
      rdx: register(Vmsa.RDX),
      r8: register(Vmsa.R8),
    };
    const result = yield* this.#answer(cpu, rax, call);
    yield* this.#put(cpu, at + BigInt(Vmsa.RAX), BigInt(result));
    yield* this.#put(cpu, at + BigInt(Vmsa.RCX), call.rcx);
    yield* this.#put(cpu, at + BigInt(Vmsa.RDX), call.rdx);
  }

  *#answer(cpu: Cpu, rax: bigint, call: Call): Step<number> {
    const protocol = Number(rax >> BigInt(Layout.PROTOCOL_LSB));
    if (protocol !== Layout.PROTOCOL_CORE) return Layout.UNSUPPORTED_PROTOCOL;
    const row = core[Number(rax & LOW)];
    return row ? yield* row(cpu, this, call) : Layout.UNSUPPORTED_CALL;
  }

  *#put(cpu: Cpu, gva: bigint, value: bigint): Step {
    const word = new Uint8Array(8);
    new DataView(word.buffer).setBigUint64(0, value, true);
    yield* cpu.write(gva, word);
  }
}
