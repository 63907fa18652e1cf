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

/** One that reaches a port. */
export type PortInstruction = Extract<Instruction, { port: number }>;

// Instructions without operands of their own. Lengths: APM vol. 3.
export const CPUID: Instruction = { kind: "cpuid", length: 2 };
export const RDTSC: Instruction = { kind: "rdtsc", length: 2 };
export const RDTSCP: Instruction = { kind: "rdtscp", length: 3 };
export const RDPMC: Instruction = { kind: "rdpmc", length: 2 };
export const HLT: Instruction = { kind: "hlt", length: 1 };
export const PAUSE: Instruction = { kind: "pause", length: 2 };
export const INVD: Instruction = { kind: "invd", length: 2 };
export const WBINVD: Instruction = { kind: "wbinvd", length: 2 };
export const MONITOR: Instruction = { kind: "monitor", length: 3 };
export const MWAIT: Instruction = { kind: "mwait", length: 3 };
export const VMMCALL: Instruction = { kind: "vmmcall", length: 3 };
export const VMGEXIT: Instruction = { kind: "vmmcall", length: 4 };
export const VMRUN: Instruction = { kind: "vmrun", length: 3 };
export const RDMSR: Instruction = { kind: "rdmsr", length: 2 };
export const WRMSR: Instruction = { kind: "wrmsr", length: 2 };

const STRING_REP = 0b1100;
const ADDRESS_64 = 1 << 9;

type PortAccess = Pick<PortInstruction, "kind" | "port" | "bytes">;

/** EXITINFO1 of a port access. APM vol. 2, 15.10.2. */
export function ioInfo({ kind, port, bytes }: PortAccess): number {
  const input = kind === "in" || kind === "ins" ? 1 : 0;
  const string = kind === "ins" || kind === "outs" ? STRING_REP : 0;
  return ((port << 16) | ADDRESS_64 | (bytes << 4) | string | input) >>> 0;
}
