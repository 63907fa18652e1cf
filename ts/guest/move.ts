// The machine code of the one instruction that a TypeScript guest has bytes for: MOV between RAX and an absolute address,
// with which it reaches a device's registers. The hypervisor decodes it where it can see it. APM vol. 3, MOV (opcodes A0 to A3).

const FROM_MEMORY = 0xa0;
const TO_MEMORY = 0xa2;
const OPERAND_16 = 0x66;
const REX_W = 0x48;

/** The bytes of the MOV. */
export function moveBytes(write: boolean, bytes: number, gva: bigint): Uint8Array {
  const prefix = bytes === 2 ? [OPERAND_16] : bytes === 8 ? [REX_W] : [];
  const opcode = (write ? TO_MEMORY : FROM_MEMORY) + (bytes === 1 ? 0 : 1);
  const code = new Uint8Array(prefix.length + 9);
  code.set([...prefix, opcode]);
  new DataView(code.buffer).setBigUint64(prefix.length + 1, gva, true);
  return code;
}
