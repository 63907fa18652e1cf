// A guest's driver of a device behind a virtqueue: the ring and the bounce pool lie in shared pages, and what goes out or comes in
// is copied. The device's answers are checked, for the host may be lying. Virtio 1.2, 2.7; Linux virtio_ring.c and swiotlb.c.

import * as Layout from "../abi/virtq.ts";
import * as Descriptor from "../abi/virtq-descriptor.ts";
import type { Cpu, Step } from "./cpu.ts";
import { SLOT, Slots } from "./slots.ts";

/** Where the queue and its pool lie: gpas that the guest has mapped at the same gva, and shared. */
export interface VirtqueueOptions {
  queue: bigint;
  pool: bigint;
  /** Slots of 4 KiB in the pool. */
  slots: number;
  /** Tells the device that there is something to do. */
  kick: (cpu: Cpu) => Step;
}

/** Private memory of the guest's. */
export interface Buffer {
  gva: bigint;
  bytes: number;
}

/** The shared pages of a queue: one for the ring, then the pool. */
export const sharedPages = ({ slots }: Pick<VirtqueueOptions, "slots">): bigint =>
  BigInt(1 + slots);

const INDEX = 2 ** 16;
const slotsOf = ({ bytes }: Buffer) => Math.ceil(bytes / SLOT);

export class Virtqueue {
  readonly #options: VirtqueueOptions;
  readonly #slots: Slots;
  readonly #bytes = new Uint8Array(Descriptor.SIZE);
  readonly #view = new DataView(this.#bytes.buffer);
  #avail = 0;
  #used = 0;

  constructor(options: VirtqueueOptions) {
    this.#options = options;
    this.#slots = new Slots(options.slots);
  }

  /** Slots that no transfer holds. */
  get free(): number {
    return this.#slots.free;
  }

  /** Clears ring and pool: what was in the pages before they were shared is not for the device. */
  *open(cpu: Cpu): Step {
    const zeros = new Uint8Array(SLOT);
    const { queue, pool, slots } = this.#options;
    yield* cpu.write(queue, zeros);
    for (let slot = 0; slot < slots; slot++) yield* cpu.write(pool + BigInt(slot * SLOT), zeros);
  }

  /** Sends one buffer and receives another. Answers the bytes that came; undefined when the pool is full, or the device answered
   *  what it was not asked. */
  *exchange(cpu: Cpu, out: Buffer, into: Buffer): Step<number | undefined> {
    const outAt = this.#slots.take(slotsOf(out));
    if (outAt === undefined) return undefined;
    const intoAt = this.#slots.take(slotsOf(into));
    const came =
      intoAt === undefined ? undefined : yield* this.#through(cpu, out, outAt, into, intoAt);
    this.#slots.give(outAt, slotsOf(out));
    if (intoAt !== undefined) this.#slots.give(intoAt, slotsOf(into));
    return came;
  }

  *#through(
    cpu: Cpu,
    out: Buffer,
    outAt: number,
    into: Buffer,
    intoAt: number,
  ): Step<number | undefined> {
    const { pool, kick } = this.#options;
    const [outGpa, intoGpa] = [pool + BigInt(outAt * SLOT), pool + BigInt(intoAt * SLOT)];
    yield* copy(cpu, out.gva, outGpa, out.bytes);
    yield* this.#describe(cpu, 0, outGpa, out.bytes, 2 ** Descriptor.NEXT_BIT);
    yield* this.#describe(cpu, 1, intoGpa, into.bytes, 2 ** Descriptor.WRITE_BIT);
    yield* this.#offer(cpu);
    yield* kick(cpu);
    const came = yield* this.#answer(cpu, into.bytes);
    if (came !== undefined) yield* copy(cpu, intoGpa, into.gva, came);
    return came;
  }

  *#describe(cpu: Cpu, index: number, gpa: bigint, bytes: number, flags: number): Step {
    this.#view.setBigUint64(Descriptor.ADDR, gpa, true);
    this.#view.setUint32(Descriptor.LEN, bytes, true);
    this.#view.setUint16(Descriptor.FLAGS, flags, true);
    this.#view.setUint16(Descriptor.NEXT, index + 1, true);
    const at = this.#options.queue + BigInt(Layout.DESCRIPTORS + index * Descriptor.SIZE);
    yield* cpu.write(at, this.#bytes);
  }

  /** Chains start at descriptor 0: one transfer at a time. */
  *#offer(cpu: Cpu): Step {
    const { queue } = this.#options;
    const word = this.#bytes.subarray(0, 2);
    this.#view.setUint16(0, 0, true);
    yield* cpu.write(queue + BigInt(Layout.AVAIL_RING + 2 * (this.#avail % Layout.ENTRIES)), word);
    this.#avail = (this.#avail + 1) % INDEX;
    this.#view.setUint16(0, this.#avail, true);
    yield* cpu.write(queue + BigInt(Layout.AVAIL_IDX), word);
  }

  /** What the used ring says, if it can be: one chain more, the one that was offered, no longer than its buffer. */
  *#answer(cpu: Cpu, most: number): Step<number | undefined> {
    const { queue } = this.#options;
    yield* cpu.read(queue + BigInt(Layout.USED_IDX), this.#bytes.subarray(0, 2));
    const index = this.#view.getUint16(0, true);
    if (index !== (this.#used + 1) % INDEX) return undefined;
    const at = Layout.USED_RING + Layout.USED_SIZE * (this.#used % Layout.ENTRIES);
    yield* cpu.read(queue + BigInt(at), this.#bytes.subarray(0, Layout.USED_SIZE));
    this.#used = index;
    const bytes = this.#view.getUint32(4, true);
    return this.#view.getUint32(0, true) === 0 && bytes <= most ? bytes : undefined;
  }
}

function* copy(cpu: Cpu, from: bigint, to: bigint, bytes: number): Step {
  const piece = new Uint8Array(bytes);
  yield* cpu.read(from, piece);
  yield* cpu.write(to, piece);
}
