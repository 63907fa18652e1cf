// The registers of the vCPU that runs, by name: a view of the CPU's register file (ts/abi/vmsa.ts).
import * as Vmsa from "../abi/vmsa.ts";
import type { CpuPort } from "../port.ts";

type General =
  | "rax"
  | "rbx"
  | "rcx"
  | "rdx"
  | "rsi"
  | "rdi"
  | "rbp"
  | "rsp"
  | "r8"
  | "r9"
  | "r10"
  | "r11"
  | "r12"
  | "r13"
  | "r14"
  | "r15"
  | "rip"
  | "rflags"
  | "cr2"
  | "dr0"
  | "dr1"
  | "dr2"
  | "dr3"
  | "dr6"
  | "dr7"
  | "xcr0"
  | "xss";
type Half = "eax" | "ebx" | "ecx" | "edx";
type Control = "cr0" | "cr3" | "cr4" | "efer";

const GENERAL: Record<General, number> = {
  rax: Vmsa.RAX,
  rbx: Vmsa.RBX,
  rcx: Vmsa.RCX,
  rdx: Vmsa.RDX,
  rsi: Vmsa.RSI,
  rdi: Vmsa.RDI,
  rbp: Vmsa.RBP,
  rsp: Vmsa.RSP,
  r8: Vmsa.R8,
  r9: Vmsa.R9,
  r10: Vmsa.R10,
  r11: Vmsa.R11,
  r12: Vmsa.R12,
  r13: Vmsa.R13,
  r14: Vmsa.R14,
  r15: Vmsa.R15,
  rip: Vmsa.RIP,
  rflags: Vmsa.RFLAGS,
  cr2: Vmsa.CR2,
  dr0: Vmsa.DR0,
  dr1: Vmsa.DR1,
  dr2: Vmsa.DR2,
  dr3: Vmsa.DR3,
  dr6: Vmsa.DR6,
  dr7: Vmsa.DR7,
  xcr0: Vmsa.XCR0,
  xss: Vmsa.XSS,
};

const HALVES: Record<Half, number> = {
  eax: Vmsa.RAX,
  ebx: Vmsa.RBX,
  ecx: Vmsa.RCX,
  edx: Vmsa.RDX,
};

// What an access depends on: a change takes effect at once.
const CONTROL: Record<Control, number> = {
  cr0: Vmsa.CR0,
  cr3: Vmsa.CR3,
  cr4: Vmsa.CR4,
  efer: Vmsa.EFER,
};

type Named = Record<General | Control, bigint> & Record<Half, number>;

/** 64-bit registers by name, and the privilege level. Values are those of the vCPU that runs at the moment. A 32-bit name reads
 *  the lower half; writing it clears the upper one. APM vol. 1, 3.1.2. */
export interface Registers extends Named {
  cpl: number;
  readonly vmpl: number;
  /** 16 bytes of an XMM register. */
  xmm(index: number): Uint8Array;
}

/** The registers over a CPU's file. */
export function registersOf(cpu: CpuPort): Registers {
  return new RegisterFile(cpu) as RegisterFile & Named;
}

class RegisterFile {
  readonly #cpu: CpuPort;

  constructor(cpu: CpuPort) {
    this.#cpu = cpu;
  }

  get cpl(): number {
    return this.#cpu.file.getUint8(Vmsa.CPL);
  }

  set cpl(level: number) {
    this.#cpu.file.setUint8(Vmsa.CPL, level);
    this.#cpu.refresh();
  }

  get vmpl(): number {
    return this.#cpu.file.getUint8(Vmsa.VMPL);
  }

  xmm(index: number): Uint8Array {
    const { buffer, byteOffset } = this.#cpu.file;
    return new Uint8Array(buffer, byteOffset + Vmsa.XMM + 16 * index, 16);
  }

  // Names on the prototype: so many on each object would make it a dictionary, and every access a search (V8; a #VC by a tenth).
  static {
    const define = (name: string, accessors: PropertyDescriptor & ThisType<RegisterFile>) =>
      Object.defineProperty(RegisterFile.prototype, name, accessors);
    for (const [name, offset] of Object.entries(GENERAL))
      define(name, {
        get() {
          return this.#cpu.words[offset / 8];
        },
        set(value: bigint) {
          this.#cpu.words[offset / 8] = value;
        },
      });
    for (const [name, offset] of Object.entries(CONTROL))
      define(name, {
        get() {
          return this.#cpu.words[offset / 8];
        },
        set(value: bigint) {
          this.#cpu.words[offset / 8] = value;
          this.#cpu.refresh();
        },
      });
    for (const [name, offset] of Object.entries(HALVES))
      define(name, {
        get() {
          return this.#cpu.file.getUint32(offset, true);
        },
        set(value: number) {
          this.#cpu.file.setUint32(offset, value, true);
          this.#cpu.file.setUint32(offset + 4, 0, true);
        },
      });
  }
}
