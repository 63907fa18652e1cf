// What a guest's own #VC handler finds at RIP. A TypeScript guest has no code bytes, so the CPU hands it the instruction decoded.

/** One instruction, decoded. `length` is in bytes. */
export type Instruction =
  | { kind: "cpuid" | "rdtsc" | "rdtscp" | "rdpmc" | "hlt" | "pause"; length: number }
  | { kind: "invd" | "wbinvd" | "monitor" | "mwait" | "vmmcall" | "vmrun"; length: number }
  | { kind: "rdmsr" | "wrmsr"; length: number }
  | { kind: "in" | "out"; length: number; port: number; bytes: number }
  | { kind: "ins" | "outs"; length: number; port: number; bytes: number; rep: boolean }
  | { kind: "rddr" | "wrdr"; length: number; register: number }
  | { kind: "mmio-read" | "mmio-write"; length: number; gva: bigint; bytes: number }
  | { kind: "access"; length: number };
