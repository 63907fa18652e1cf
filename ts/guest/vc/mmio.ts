// Loads and stores of device registers: the hypervisor marks such a page with a reserved bit, and #VC comes. AMD 56421, 4.1.
import * as Code from "../../abi/exit.ts";
import * as Layout from "../../abi/ghcb.ts";
import type { Cpu, Step } from "../cpu.ts";
import type { Verdict } from "../ghcb.ts";
import type { SevGuest } from "../sev.ts";

const BUFFER = BigInt(Layout.SHARED_BUFFER);

export function* mmio(cpu: Cpu, guest: SevGuest): Step<Verdict> {
  const { registers } = cpu;
  const { instruction } = cpu;
  const { ghcb } = guest;
  if (instruction.kind !== "mmio-read" && instruction.kind !== "mmio-write") return "unsupported";
  const { gva, bytes } = instruction;
  const found = yield* guest.pages.translate(cpu, gva);
  // A device is shared memory. A private page that raises this #VC is the hypervisor asking for what is in it. Linux: the same.
  if (!found || found.encrypted) return "unsupported";
  const data = new DataView(new ArrayBuffer(8));
  const piece = new Uint8Array(data.buffer, 0, bytes);
  const reads = instruction.kind === "mmio-read";
  if (!reads) {
    data.setBigUint64(0, registers.rax, true);
    yield* cpu.write(ghcb.gva + BUFFER, piece);
  }
  ghcb.clear();
  ghcb.set(Layout.SW_SCRATCH, ghcb.gpa + BUFFER);
  const code = reads ? Code.VMGEXIT_MMIO_READ : Code.VMGEXIT_MMIO_WRITE;
  const verdict = yield* ghcb.call(cpu, code, found.gpa, BigInt(bytes));
  if (verdict !== "ok" || !reads) return verdict;
  yield* cpu.read(ghcb.gva + BUFFER, piece);
  registers.rax = data.getBigUint64(0, true);
  return "ok";
}
