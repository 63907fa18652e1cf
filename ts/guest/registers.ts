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

// What an access depends on: a change takes effect at once.
const CONTROL: Record<Control, number> = {
  cr0: Vmsa.CR0,
  cr3: Vmsa.CR3,
  cr4: Vmsa.CR4,
  efer: Vmsa.EFER,
};

type Named = Record<General | Control, bigint>;

/** 64-bit registers by name, and the privilege level. Values are those of the vCPU that runs at the moment. */
export interface Registers extends Named {
  cpl: number;
  readonly vmpl: number;
  /** 16 bytes of an XMM register. */
  xmm(index: number): Uint8Array;
}

/** The registers over a CPU's file. */
export function registersOf({ file, words, refresh }: CpuPort): Registers {
  const registers = {
    get cpl() {
      return file.getUint8(Vmsa.CPL);
    },
    set cpl(level: number) {
      file.setUint8(Vmsa.CPL, level);
      refresh();
    },
    get vmpl() {
      return file.getUint8(Vmsa.VMPL);
    },
    xmm: (index: number) =>
      new Uint8Array(file.buffer, file.byteOffset + Vmsa.XMM + 16 * index, 16),
  };
  const define = (name: string, offset: number, changed: () => void) => {
    const word = offset / 8;
    Object.defineProperty(registers, name, {
      enumerable: true,
      get: () => words[word],
      set(value: bigint) {
        words[word] = value;
        changed();
      },
    });
  };
  for (const [name, offset] of Object.entries(GENERAL)) define(name, offset, () => {});
  for (const [name, offset] of Object.entries(CONTROL)) define(name, offset, refresh);
  return registers as Registers;
}
