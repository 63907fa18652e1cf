// A guest with an interface of its own: registers mapped private, rings and buffers in private memory.
import type { Vm } from "../hypervisor/vm.ts";
import { DirectMap, type RingPage } from "./driver/io.ts";
import { type Kernel, LINEAR } from "./kernel.ts";

/** Where a guest has the registers: above all memory, and in the kernel's half. */
export const BAR_GPA = 0x80_0000_0000n;
const REGISTERS = 0xffff_c800_0000_0000n;
const PAGE = 0x1000n;

export class TdiGuest {
  readonly kernel: Kernel;
  /** The gva of BAR 0. */
  readonly registers: bigint = REGISTERS;
  readonly map: DirectMap;

  /** Maps the registers; the host has given `bytes` of them to the guest at BAR_GPA. */
  constructor(kernel: Kernel, bytes: number) {
    this.kernel = kernel;
    kernel.mapRegisters(REGISTERS, BAR_GPA, bytes / Number(PAGE), false);
    this.map = new DirectMap((gva) => (gva >= LINEAR ? gva - LINEAR : kernel.gpaOf(gva)));
  }

  get vm(): Vm {
    return this.kernel.vm;
  }

  /** Pages of the kernel's own, for rings and buffers. */
  pages(count: number): RingPage[] {
    return Array.from({ length: count }, () => {
      const gpa = this.kernel.page();
      return { gva: LINEAR + gpa, address: gpa };
    });
  }
}
