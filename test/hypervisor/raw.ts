// A guest that does what a test tells it: writes a GHCB page as it is, leaves with any value of the GHCB MSR, and shows what came back.

import type { Cpu, Step } from "../../dist/guest/cpu.js";
import { setMemoryDecrypted } from "../../dist/guest/ghcb/page-state.js";
import type { SevGuest } from "../../dist/guest/sev.js";
import type { Outcome } from "../../dist/hypervisor/exits.js";
import * as Code from "../../ts/abi/exit.ts";
import * as Layout from "../../ts/abi/ghcb.ts";
import { GHCB, type Rig, type RigOptions, rig, SHARED } from "../guest/rig.ts";

const SHARED_PAGES = 32n;

/** What an event is asked with. Every field here is marked valid but those of `without`. */
export interface Asked {
  code: number | bigint;
  info1?: bigint;
  info2?: bigint;
  fields?: Record<number, bigint>;
  cpl?: number;
  without?: readonly number[];
  usage?: number;
  /** Bytes of the shared buffer, and of shared memory by gpa. */
  buffer?: Uint8Array;
}

export class Raw {
  readonly made: Rig;
  #next: (cpu: Cpu, guest: SevGuest) => Step = function* () {};
  #outcome: Outcome = "runs";
  /** The page after the last event. */
  readonly page: Uint8Array = new Uint8Array(Layout.SIZE);
  readonly view: DataView = new DataView(this.page.buffer);
  /** The GHCB MSR after the last exit. */
  msr = 0n;

  constructor(options: RigOptions = {}) {
    const self = this;
    this.made = rig(function* (cpu, guest): Step {
      if (cpu.features.es) yield* setMemoryDecrypted(cpu, guest, SHARED, SHARED_PAGES);
      for (;;) {
        yield* cpu.hlt();
        yield* self.#next(cpu, guest);
      }
    }, options);
    if (this.made.run() !== "sleeps") throw new Error("the guest did not boot");
  }

  get vm() {
    return this.made.vm;
  }

  get vcpu() {
    return this.made.vcpu;
  }

  /** Lets the guest run a piece of program, until it halts. */
  act(program: (cpu: Cpu, guest: SevGuest) => Step): Outcome {
    this.#next = program;
    this.#outcome = this.made.run();
    return this.#outcome;
  }

  /** One event. Answers [SW_EXITINFO1, SW_EXITINFO2], or how the guest ended. */
  ask(asked: Asked, gpa: bigint = GHCB): [bigint, bigint] | Outcome {
    const page = pageOf(asked);
    return this.exchange(page, gpa);
  }

  /** Writes a whole page, leaves, reads it back. */
  exchange(page: Uint8Array, gpa: bigint = GHCB): [bigint, bigint] | Outcome {
    const { page: back } = this;
    const self = this;
    const outcome = this.act(function* (cpu) {
      yield* cpu.write(GHCB, page);
      cpu.ghcbMsr = gpa;
      yield* cpu.vmgexit();
      self.msr = cpu.ghcbMsr;
      yield* cpu.read(GHCB, back);
    });
    if (outcome !== "sleeps") return outcome;
    return [this.field(Layout.SW_EXITINFO1), this.field(Layout.SW_EXITINFO2)];
  }

  /** One request of the MSR protocol. Answers the MSR, or how the guest ended. */
  request(value: bigint): bigint | Outcome {
    const self = this;
    const outcome = this.act(function* (cpu) {
      cpu.ghcbMsr = value;
      yield* cpu.vmgexit();
      self.msr = cpu.ghcbMsr;
    });
    return outcome === "sleeps" ? this.msr : outcome;
  }

  /** A field of the answer. */
  field(field: number): bigint {
    return this.view.getBigUint64(field, true);
  }

  /** Whether the answer marks a field valid. */
  has(field: number): boolean {
    return (this.page[Layout.VALID_BITMAP + (field >> 6)]! & (1 << ((field >> 3) & 7))) !== 0;
  }

  /** Writes shared memory as the guest. */
  put(gpa: bigint, bytes: Uint8Array): void {
    this.act(function* (cpu) {
      yield* cpu.write(gpa, bytes);
    });
  }

  /** Reads shared memory as the guest. */
  see(gpa: bigint, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    this.act(function* (cpu) {
      yield* cpu.read(gpa, bytes);
    });
    return bytes;
  }
}

/** A page that asks for an event. */
export function pageOf(asked: Asked): Uint8Array {
  const page = new Uint8Array(Layout.SIZE);
  const view = new DataView(page.buffer);
  const { without = [], fields = {}, cpl } = asked;
  const mark = (field: number) => {
    if (without.includes(field)) return;
    page[Layout.VALID_BITMAP + (field >> 6)]! |= 1 << ((field >> 3) & 7);
  };
  const set = (field: number, value: bigint) => {
    view.setBigUint64(field, value, true);
    mark(field);
  };
  set(Layout.SW_EXITCODE, BigInt(asked.code));
  set(Layout.SW_EXITINFO1, asked.info1 ?? 0n);
  set(Layout.SW_EXITINFO2, asked.info2 ?? 0n);
  for (const [field, value] of Object.entries(fields)) set(Number(field), value);
  if (cpl !== undefined) {
    page[Layout.CPL] = cpl;
    mark(Layout.CPL);
  }
  if (asked.buffer) page.set(asked.buffer, Layout.SHARED_BUFFER);
  view.setUint16(Layout.PROTOCOL_VERSION, Layout.VERSION_MAX, true);
  view.setUint32(Layout.GHCB_USAGE, asked.usage ?? Layout.USAGE_STANDARD, true);
  return page;
}

/** Every event once, as it is answered with success. */
export function goodEvents(): [string, Asked][] {
  const { RAX, RBX, RCX, RDX, XCR0, XSS, SW_SCRATCH } = Layout;
  const scratch = { [SW_SCRATCH]: GHCB + BigInt(Layout.SHARED_BUFFER) };
  const report = { info1: SHARED, info2: SHARED + 0x1000n };
  return [
    ["read DR7", { code: Code.VMEXIT_READ_DR7 }],
    ["write DR7", { code: Code.VMEXIT_WRITE_DR7, fields: { [RAX]: 0x400n } }],
    ["RDTSC", { code: Code.VMEXIT_RDTSC }],
    ["RDTSCP", { code: Code.VMEXIT_RDTSCP }],
    ["RDPMC", { code: Code.VMEXIT_RDPMC, fields: { [RCX]: 0n } }],
    ["CPUID", { code: Code.VMEXIT_CPUID, fields: { [RAX]: 0n, [RCX]: 0n } }],
    ["CPUID D.0", { code: Code.VMEXIT_CPUID, fields: { [RAX]: 0xdn, [RCX]: 0n, [XCR0]: 1n } }],
    [
      "CPUID D.1",
      { code: Code.VMEXIT_CPUID, fields: { [RAX]: 0xdn, [RCX]: 1n, [XCR0]: 1n, [XSS]: 0n } },
    ],
    ["INVD", { code: Code.VMEXIT_INVD }],
    ["WBINVD", { code: Code.VMEXIT_WBINVD }],
    ["OUT", { code: Code.VMEXIT_IOIO, info1: 0x800010n, fields: { [RAX]: 1n } }],
    ["IN", { code: Code.VMEXIT_IOIO, info1: 0x800011n }],
    ["OUTS", { code: Code.VMEXIT_IOIO, info1: 0x80001cn, info2: 4n, fields: scratch }],
    ["RDMSR", { code: Code.VMEXIT_MSR, fields: { [RCX]: 0xc0010114n } }],
    [
      "WRMSR",
      { code: Code.VMEXIT_MSR, info1: 1n, fields: { [RCX]: 0xc0010114n, [RAX]: 1n, [RDX]: 0n } },
    ],
    ["VMMCALL", { code: Code.VMEXIT_VMMCALL, fields: { [RAX]: 1n }, cpl: 0 }],
    ["MONITOR", { code: Code.VMEXIT_MONITOR, fields: { [RAX]: 0n, [RCX]: 0n, [RDX]: 0n } }],
    ["MWAIT", { code: Code.VMEXIT_MWAIT, fields: { [RAX]: 0n, [RCX]: 0n } }],
    ["MMIO read", { code: Code.VMGEXIT_MMIO_READ, info1: SHARED, info2: 4n, fields: scratch }],
    ["MMIO write", { code: Code.VMGEXIT_MMIO_WRITE, info1: SHARED, info2: 4n, fields: scratch }],
    ["NMI complete", { code: Code.VMGEXIT_NMI_COMPLETE }],
    ["AP jump table get", { code: Code.VMGEXIT_AP_JUMP_TABLE, info1: 1n }],
    ["PSC", { code: Code.VMGEXIT_PSC, fields: scratch, buffer: Uint8Array.of(1, 0, 0, 0) }],
    ["guest request", { code: Code.VMGEXIT_GUEST_REQUEST, ...report }],
    ["extended guest request", { code: Code.VMGEXIT_EXT_GUEST_REQUEST, ...report }],
    ["AP destroy", { code: Code.VMGEXIT_AP_CREATION, info1: (1n << 32n) | 2n }],
    ["doorbell query", { code: Code.VMGEXIT_HV_DOORBELL, info1: 2n }],
    ["doorbell set", { code: Code.VMGEXIT_HV_DOORBELL, info1: 1n, info2: SHARED }],
    ["HV IPI", { code: Code.VMGEXIT_HV_IPI, info1: (1n << 32n) | 0x500n }],
    ["APIC ids", { code: Code.VMGEXIT_GET_APIC_IDS, fields: { [RAX]: 0n } }],
    ["run VMPL", { code: Code.VMGEXIT_RUN_VMPL, info1: 0n }],
    ["SAVIC", { code: Code.VMGEXIT_SAVIC, fields: { [RAX]: (1n << 64n) - 1n, [RBX]: SHARED } }],
    ["configure injection", { code: Code.VMGEXIT_CONFIGURE_INT_INJ, info1: 0x40n }],
    ["disable alternate injection", { code: Code.VMGEXIT_DISABLE_ALT_INJ, info1: 0x20003n }],
    ["specific EOI", { code: Code.VMGEXIT_SPECIFIC_EOI, info1: 0x20040n }],
    ["features", { code: Code.VMGEXIT_HV_FEATURES }],
  ];
}
