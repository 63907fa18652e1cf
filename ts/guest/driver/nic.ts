// A guest's driver of the network loop: a ring to send by and one to receive by, a page each.
import * as Nic from "../../abi/nic.ts";
import * as Descriptor from "../../abi/nic-descriptor.ts";
import type { Step } from "../execution.ts";
import {
  type DmaMap,
  type Io,
  load32,
  type Mapped,
  type RingPage,
  store32,
  store64,
} from "./io.ts";

export interface NicOptions {
  registers: bigint;
  transmit: RingPage;
  receive: RingPage;
  map: DmaMap;
}

const ENTRIES = 16;

export class NicDriver {
  readonly #options: NicOptions;
  #tx = 0;
  #rx = 0;

  constructor(options: NicOptions) {
    this.#options = options;
  }

  /** False: the card has a fault at once. */
  *open(io: Io): Step<boolean> {
    const { registers, transmit, receive } = this.#options;
    yield* store32(io, registers + BigInt(Nic.CONTROL), 0);
    for (const { gva } of [transmit, receive]) yield* io.write(gva, new Uint8Array(0x1000));
    yield* store64(io, registers + BigInt(Nic.TX_BASE), transmit.address);
    yield* store64(io, registers + BigInt(Nic.RX_BASE), receive.address);
    yield* store32(io, registers + BigInt(Nic.TX_ENTRIES), ENTRIES);
    yield* store32(io, registers + BigInt(Nic.RX_ENTRIES), ENTRIES);
    yield* store32(io, registers + BigInt(Nic.TX_TAIL), 0);
    yield* store32(io, registers + BigInt(Nic.RX_TAIL), 0);
    yield* store32(io, registers + BigInt(Nic.CONTROL), 1 << Nic.ENABLE_BIT);
    return (yield* load32(io, registers + BigInt(Nic.STATUS))) === 0;
  }

  /** Sends a frame of up to a page, within one, and receives what comes back. Answers its bytes; undefined: nothing came. */
  *exchange(
    io: Io,
    out: bigint,
    bytes: number,
    into: bigint,
    room: number,
  ): Step<number | undefined> {
    const { map, registers } = this.#options;
    const room1 = yield* map.map(io, into, room, false);
    const frame = room1 && (yield* map.map(io, out, bytes, true));
    if (!room1 || !frame || room1.length !== 1 || frame.length !== 1) {
      if (room1) yield* map.unmap(io, room1, false);
      if (frame) yield* map.unmap(io, frame, false);
      return undefined;
    }
    const at = this.#rx;
    yield* this.#describe(io, this.#options.receive, at, room1[0] as Mapped);
    this.#rx = (this.#rx + 1) % ENTRIES;
    yield* store32(io, registers + BigInt(Nic.RX_TAIL), this.#rx);
    yield* this.#describe(io, this.#options.transmit, this.#tx, frame[0] as Mapped);
    this.#tx = (this.#tx + 1) % ENTRIES;
    yield* store32(io, registers + BigInt(Nic.TX_TAIL), this.#tx);
    const came = yield* this.#came(io, at, room);
    yield* map.unmap(io, frame, false);
    yield* map.unmap(io, room1, came !== undefined);
    return came;
  }

  *#describe(io: Io, ring: RingPage, index: number, { address, bytes }: Mapped): Step {
    const entry = new DataView(new ArrayBuffer(Descriptor.SIZE));
    entry.setBigUint64(Descriptor.ADDRESS, address, true);
    entry.setUint32(Descriptor.LENGTH, bytes, true);
    yield* io.write(ring.gva + BigInt(index * Descriptor.SIZE), new Uint8Array(entry.buffer));
  }

  /** What the device says came, if it can be. */
  *#came(io: Io, index: number, room: number): Step<number | undefined> {
    const entry = new Uint8Array(Descriptor.SIZE);
    yield* io.read(this.#options.receive.gva + BigInt(index * Descriptor.SIZE), entry);
    const fields = new DataView(entry.buffer);
    const length = fields.getUint32(Descriptor.LENGTH, true);
    const isDone = (fields.getUint32(Descriptor.FLAGS, true) & (1 << Descriptor.DONE_BIT)) !== 0;
    return isDone && length <= room ? length : undefined;
  }
}
