// A guest with a driver's means: registers of an interface, rings, buffers, and a pool where the device must have one.
import {
  BounceMap,
  DirectMap,
  type DmaMap,
  drain,
  type RingPage,
} from "../../dist/guest/driver/io.js";
import type { Step } from "../../dist/guest/execution.js";
import { Kernel, LINEAR } from "../../dist/guest/kernel.js";
import type { Vm } from "../../dist/hypervisor/vm.js";
import type { Platform } from "../../dist/platform.js";
import type { Trusted } from "./trusted.ts";

const BAR_GPA = 0x80_0000_0000n;
const REGISTERS = 0xffff_c800_0000_0000n;
const POOL = 0xffff_c900_0000_0000n;
const RINGS = 0xffff_ca00_0000_0000n;
const SLOTS = 64;
const PAGE = 0x1000n;
let buffers = 0n;

export class IoGuest {
  readonly vm: Vm;
  readonly kernel: Kernel;
  readonly registers = REGISTERS;
  readonly rings: RingPage[];
  readonly map: DmaMap;
  readonly #platform: Platform;

  /** With `trusted` the interface is bound and reached with the T bit; without it shares memory with the guest. */
  constructor(platform: Platform, rid: number, trusted: Trusted | undefined, number = 1) {
    this.#platform = platform;
    this.vm = platform.createVm({ memory: 32n << 20n, pageSize: "4k" });
    this.kernel = new Kernel(platform, this.vm);
    const { kernel, vm } = this;
    const bar = new Bars(platform, number).of(rid);
    vm.mapRegisters(BAR_GPA, bar, 0x4000n, trusted !== undefined);
    kernel.mapRegisters(REGISTERS, BAR_GPA, 4, trusted === undefined);
    platform.core.host.attach(rid, vm.root);
    if (trusted) {
      trusted.bind(vm, rid, BAR_GPA);
      this.map = new DirectMap((gva) => (gva >= LINEAR ? gva - LINEAR : kernel.gpaOf(gva)));
      this.rings = Array.from({ length: 5 }, () => {
        const gpa = kernel.page();
        return { gva: LINEAR + gpa, address: gpa };
      });
      return;
    }
    const pool = kernel.mapShared(POOL, SLOTS);
    for (let n = 0n; n < BigInt(SLOTS); n++) kernel.write(POOL + n * PAGE, new Uint8Array(0x1000));
    this.map = new BounceMap({ gva: POOL, address: pool }, SLOTS);
    const rings = kernel.mapShared(RINGS, 5);
    this.rings = [0n, 1n, 2n, 3n, 4n].map((n) => ({
      gva: RINGS + n * PAGE,
      address: rings + n * PAGE,
    }));
    for (const { gva } of this.rings) kernel.write(gva, new Uint8Array(0x1000));
  }

  run<T>(step: Step<T>): T {
    return drain(step);
  }

  /** A buffer of the user's. */
  buffer(): bigint {
    buffers += 0x40_0000n;
    return 0x1000_0000n + buffers;
  }

  write(gva: bigint, from: Uint8Array): void {
    for (let at = 0; at < from.length; at += 0x1000) this.kernel.touch(gva + BigInt(at));
    this.kernel.touch(gva + BigInt(from.length - 1));
    this.kernel.write(gva, from);
  }

  read(gva: bigint, bytes: number): Uint8Array {
    const into = new Uint8Array(bytes);
    this.kernel.read(gva, into);
    return into;
  }

  get copied(): number {
    return this.map instanceof BounceMap ? this.map.copied : 0;
  }

  /** What the chips hold of it, anywhere in system memory the guest has. */
  get events() {
    return this.#platform.board!.iommu.events;
  }
}

/** Where BAR 0 of an interface is. */
class Bars {
  readonly #platform: Platform;
  readonly #number: number;
  constructor(platform: Platform, number: number) {
    this.#platform = platform;
    this.#number = number;
  }

  of(rid: number): bigint {
    const { port } = this.#platform.board!.devices[this.#number - 1]!;
    const vf = rid - port.functionId - 1;
    return (vf < 0 ? port.barAddress(0) : port.vfBarAddress(vf, 0))!;
  }
}
