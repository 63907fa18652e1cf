// SWIOTLB: shared memory that a device may reach, and the copying to and from it. Linux kernel/dma/swiotlb.c.

import type { GuestPort } from "../port.ts";
import type { Kernel } from "./kernel.ts";
import { SLOT, Slots } from "./slots.ts";

const SLOTS = 64;

/** Where the kernel maps the pool. */
const POOL = 0xffff_c900_0000_0000n;

export class Swiotlb {
  readonly #kernel: Kernel;
  readonly #guest: GuestPort;
  readonly #gpa: bigint;
  readonly #slots = new Slots(SLOTS);

  constructor(kernel: Kernel, guest: GuestPort) {
    this.#kernel = kernel;
    this.#guest = guest;
    this.#gpa = kernel.mapShared(POOL, SLOTS);
    // Cleared once, as Linux does: from now on the hypervisor has backed it, and the device finds it.
    for (let slot = 0; slot < SLOTS; slot++) {
      kernel.write(POOL + BigInt(slot * SLOT), new Uint8Array(SLOT));
    }
  }

  /** The next slot: where the device finds it, and where the kernel does. It is free again at once: one transfer at a time. */
  slot(): { gpa: bigint; gva: bigint } {
    const slot = this.#slots.take(1) as number;
    this.#slots.give(slot, 1);
    const offset = BigInt(slot * SLOT);
    return { gpa: this.#gpa + offset, gva: POOL + offset };
  }

  /** Copies a piece of private memory out to a slot. */
  bounceOut(slot: { gva: bigint }, gva: bigint, bytes: number): void {
    this.#copy(gva, slot.gva, bytes);
  }

  /** Copies a piece that the device wrote to a slot into private memory. */
  bounceIn(slot: { gva: bigint }, gva: bigint, bytes: number): void {
    this.#copy(slot.gva, gva, bytes);
  }

  #copy(from: bigint, to: bigint, bytes: number): void {
    const piece = new Uint8Array(bytes);
    this.#kernel.read(from, piece);
    this.#kernel.write(to, piece);
    this.#guest.noteBounce(bytes);
  }
}
