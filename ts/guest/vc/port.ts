// IN, OUT and their string forms, whose bytes travel in the GHCB's shared buffer. AMD 56421, 4.1; Linux vc_handle_ioio.
import * as Code from "../../abi/exit.ts";
import * as Layout from "../../abi/ghcb.ts";
import { type Cpu, ioInfo, type Step } from "../cpu.ts";
import type { Verdict } from "../ghcb.ts";
import type { SevGuest } from "../sev.ts";

const BUFFER = BigInt(Layout.SHARED_BUFFER);
const ROOM = Layout.RESERVED_FF0 - Layout.SHARED_BUFFER;

export function* port(cpu: Cpu, guest: SevGuest): Step<Verdict> {
  const { registers } = cpu;
  const { instruction } = cpu;
  const { ghcb } = guest;
  if (instruction.kind === "ins" || instruction.kind === "outs")
    return yield* strings(cpu, guest, instruction);
  if (instruction.kind !== "in" && instruction.kind !== "out") return "unsupported";
  const width = (1n << BigInt(8 * instruction.bytes)) - 1n;
  const input = instruction.kind === "in";
  ghcb.clear();
  // Only as much of RAX leaves as the port is wide.
  if (!input) ghcb.set(Layout.RAX, registers.rax & width);
  const verdict = yield* ghcb.call(cpu, Code.VMEXIT_IOIO, BigInt(ioInfo(instruction)), 0n);
  if (verdict !== "ok" || !input) return verdict;
  if (!ghcb.has(Layout.RAX)) return "vmm-error";
  // A 32-bit result clears the upper half of RAX, a smaller one leaves what was there.
  const kept = instruction.bytes === 4 ? 0n : registers.rax & ~width;
  registers.rax = kept | (ghcb.get(Layout.RAX) & width);
  return "ok";
}

interface StringPort {
  kind: "ins" | "outs";
  port: number;
  bytes: number;
}

/** As many items a time as the buffer holds, until RCX is 0. */
function* strings(cpu: Cpu, { ghcb }: SevGuest, instruction: StringPort): Step<Verdict> {
  const { registers } = cpu;
  const { kind, bytes } = instruction;
  const info = BigInt(ioInfo(instruction));
  const input = kind === "ins";
  const buffer = new Uint8Array(ROOM);
  while (registers.rcx !== 0n) {
    const most = BigInt(Math.floor(ROOM / bytes));
    const count = registers.rcx < most ? registers.rcx : most;
    const piece = buffer.subarray(0, Number(count) * bytes);
    if (!input) {
      yield* cpu.read(registers.rsi, piece);
      yield* cpu.write(ghcb.gva + BUFFER, piece);
    }
    ghcb.clear();
    ghcb.set(Layout.SW_SCRATCH, ghcb.gpa + BUFFER);
    const verdict = yield* ghcb.call(cpu, Code.VMEXIT_IOIO, info, count);
    if (verdict !== "ok") return verdict;
    if (input) {
      yield* cpu.read(ghcb.gva + BUFFER, piece);
      yield* cpu.write(registers.rdi, piece);
      registers.rdi += BigInt(piece.length);
    } else registers.rsi += BigInt(piece.length);
    registers.rcx -= count;
  }
  return "ok";
}
