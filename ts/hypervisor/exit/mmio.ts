// An access to a device's registers, emulated from the bytes of the instruction that the exit shows: MOV between RAX and an absolute
// address. A guest with SEV-ES shows none; it asks by VMGEXIT. APM vol. 2, 15.8.4; APM vol. 3, MOV (opcodes A0 to A3).
import * as Layout from "../../abi/vmcb.ts";
import * as Vmsa from "../../abi/vmsa.ts";
import { CheckFailed } from "../../error.ts";
import type { Outcome } from "../exits.ts";
import type { Vcpu } from "../vcpu.ts";
import type { Vm } from "../vm.ts";

const OPERAND_16 = 0x66;
const REX_W = 0x48;
const FROM_MEMORY = 0xa0;
const TO_MEMORY = 0xa2;

/** What the MOV moves, or undefined for other bytes. */
function decoded(code: Uint8Array): { bytes: number; write: boolean; length: number } | undefined {
  const prefixed = code[0] === OPERAND_16 || code[0] === REX_W;
  const opcode = code[prefixed ? 1 : 0] ?? 0;
  if (opcode < FROM_MEMORY || opcode > TO_MEMORY + 1) return undefined;
  const wide = code[0] === OPERAND_16 ? 2 : code[0] === REX_W ? 8 : 4;
  const bytes = (opcode & 1) === 0 ? 1 : wide;
  return { bytes, write: opcode >= TO_MEMORY, length: prefixed ? 10 : 9 };
}

export function emulateMmio(vm: Vm, vcpu: Vcpu, gpa: bigint): Outcome {
  const code = new Uint8Array(vcpu.vmcb.u8(Layout.FETCHED_BYTES));
  vcpu.vmcb.read(Layout.FETCHED, code);
  const move = decoded(code);
  if (!move)
    throw new CheckFailed(`#NPF at gpa 0x${gpa.toString(16)}: a device's, and no MOV to emulate`);
  const { bytes, write, length } = move;
  const rax = vcpu.register(Vmsa.RAX);
  const mask = (1n << BigInt(8 * bytes)) - 1n;
  if (write) vm.mmio.write(gpa, bytes, rax & mask);
  else {
    const value = vm.mmio.read(gpa, bytes);
    vcpu.setRegister(Vmsa.RAX, bytes >= 4 ? value : (rax & ~mask) | value);
  }
  vcpu.vmcb.setSaved(Vmsa.RIP, vcpu.vmcb.saved(Vmsa.RIP) + BigInt(length));
  return "runs";
}
