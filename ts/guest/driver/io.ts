// What a driver in a guest works with: memory and registers by gva, and addresses that its device may be told. Linux's DMA API.

import type { Step } from "../execution.ts";
import { SLOT, Slots } from "../slots.ts";

/** Loads and stores; a Cpu is one. */
export interface Io {
  read(gva: bigint, into: Uint8Array): Step;
  write(gva: bigint, from: Uint8Array): Step;
}

/** A part of a buffer that the device finds in one piece. */
export interface Mapped {
  address: bigint;
  gva: bigint;
  bytes: number;
}

/** Who copies, if anybody. */
export interface DmaMap {
  /** Makes a buffer reachable; with `out` it holds what the device shall read. Undefined: the pool is full. */
  map(io: Io, gva: bigint, bytes: number, out: boolean): Step<Mapped[] | undefined>;
  /** The device is done; with `into` what it wrote is in the buffer from now on. */
  unmap(io: Io, mapped: readonly Mapped[], into: boolean): Step;
}

const PAGE = 0x1000;

/** The pieces of a buffer, page by page. */
export function* pagesOf(gva: bigint, bytes: number): Generator<{ gva: bigint; bytes: number }> {
  for (let done = 0; done < bytes; ) {
    const at = gva + BigInt(done);
    const piece = Math.min(PAGE - Number(at & 0xfffn), bytes - done);
    yield { gva: at, bytes: piece };
    done += piece;
  }
}

/** A device that the guest has accepted: it reads and writes the buffers themselves. */
export class DirectMap implements DmaMap {
  readonly #gpaOf: (gva: bigint) => bigint;

  constructor(gpaOf: (gva: bigint) => bigint) {
    this.#gpaOf = gpaOf;
  }

  /** Where a device finds what the guest has at a gva. */
  addressOf(gva: bigint): bigint {
    return this.#gpaOf(gva);
  }

  *map(_: Io, gva: bigint, bytes: number): Step<Mapped[]> {
    return [...pagesOf(gva, bytes)].map((piece) => ({ ...piece, address: this.#gpaOf(piece.gva) }));
  }

  *unmap(): Step {}
}

/** Any other device: buffers are copied to and from a pool of shared pages. Linux kernel/dma/swiotlb.c. */
export class BounceMap implements DmaMap {
  readonly #pool: { gva: bigint; address: bigint };
  readonly #slots: Slots;
  /** Bytes copied so far. */
  copied = 0;

  /** `pool` is mapped shared, `slots` pages of it. */
  constructor(pool: { gva: bigint; address: bigint }, slots: number) {
    this.#pool = pool;
    this.#slots = new Slots(slots);
  }

  *map(io: Io, gva: bigint, bytes: number, out: boolean): Step<Mapped[] | undefined> {
    const mapped: Mapped[] = [];
    for (const piece of pagesOf(gva, bytes)) {
      const slot = this.#slots.take(1);
      if (slot === undefined) {
        yield* this.unmap(io, mapped, false);
        return undefined;
      }
      // The place within the page is kept: devices ask for it.
      const offset = BigInt(slot * SLOT) + (piece.gva & 0xfffn);
      mapped.push({ ...piece, address: this.#pool.address + offset });
      if (out) yield* this.#copy(io, piece.gva, this.#pool.gva + offset, piece.bytes);
    }
    return mapped;
  }

  *unmap(io: Io, mapped: readonly Mapped[], into: boolean): Step {
    for (const { gva, address, bytes } of mapped) {
      const offset = address - this.#pool.address;
      if (into) yield* this.#copy(io, this.#pool.gva + offset, gva, bytes);
      this.#slots.give(Math.floor(Number(offset) / SLOT), 1);
    }
  }

  *#copy(io: Io, from: bigint, to: bigint, bytes: number): Step {
    const piece = new Uint8Array(bytes);
    yield* io.read(from, piece);
    yield* io.write(to, piece);
    this.copied += bytes;
  }
}

/** A page that driver and device share: rings and lists. */
export interface RingPage {
  gva: bigint;
  address: bigint;
}

export function* load32(io: Io, gva: bigint): Step<number> {
  const word = new Uint8Array(4);
  yield* io.read(gva, word);
  return new DataView(word.buffer).getUint32(0, true);
}

export function* store32(io: Io, gva: bigint, value: number): Step {
  const word = new DataView(new ArrayBuffer(4));
  word.setUint32(0, value, true);
  yield* io.write(gva, new Uint8Array(word.buffer));
}

export function* store64(io: Io, gva: bigint, value: bigint): Step {
  const word = new DataView(new ArrayBuffer(8));
  word.setBigUint64(0, value, true);
  yield* io.write(gva, new Uint8Array(word.buffer));
}

/** Runs steps that never leave the guest. */
export function drain<T>(step: Step<T>): T {
  for (;;) {
    const { done, value } = step.next();
    if (done) return value;
  }
}
