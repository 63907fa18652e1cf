// A network card whose wire ends in itself: what is sent by one ring comes back by the other, frame by frame, in order.
import * as Nic from "../abi/nic.ts";
import * as Descriptor from "../abi/nic-descriptor.ts";
import { bit, u32, u64, view } from "../spdm/octets.ts";
import type { Dma, Registers } from "./endpoint.ts";
import { RegisterFile } from "./register-file.ts";

/** Frames on the wire that nobody has taken yet; more are lost, as on a real one. */
const MOST_WAITING = 64;

export class LoopNic implements Registers {
  readonly #dma: Dma;
  readonly #file = new RegisterFile(Nic.SIZE);
  #waiting: Uint8Array[] = [];

  constructor(dma: Dma) {
    this.#dma = dma;
  }

  reset(): void {
    this.#file.reset();
    this.#waiting = [];
  }

  load(_: number, offset: number, into: Uint8Array): void {
    this.#file.load(offset, into);
  }

  store(_: number, offset: number, from: Uint8Array): void {
    const [status, heads] = [
      this.#get(Nic.STATUS),
      [this.#get(Nic.TX_HEAD), this.#get(Nic.RX_HEAD)],
    ];
    const touched = this.#file.store(offset, from);
    this.#set(Nic.STATUS, status);
    this.#set(Nic.TX_HEAD, heads[0] as number);
    this.#set(Nic.RX_HEAD, heads[1] as number);
    if (touched(Nic.CONTROL)) this.#restart();
    if (!this.#runs) return;
    if (touched(Nic.TX_TAIL)) this.#transmit();
    this.#receive();
  }

  #get(register: number): number {
    return u32(this.#file.octets, register);
  }

  #set(register: number, value: number): void {
    this.#file.view.setUint32(register, value, true);
  }

  #restart(): void {
    this.#set(Nic.TX_HEAD, 0);
    this.#set(Nic.RX_HEAD, 0);
    this.#set(Nic.STATUS, 0);
    this.#waiting = [];
  }

  get #runs(): boolean {
    const sane = (entries: number, tail: number) =>
      entries >= 2 && entries <= Nic.MOST_ENTRIES && tail < entries;
    return (
      bit(this.#get(Nic.CONTROL), Nic.ENABLE_BIT) &&
      this.#get(Nic.STATUS) === 0 &&
      sane(this.#get(Nic.TX_ENTRIES), this.#get(Nic.TX_TAIL)) &&
      sane(this.#get(Nic.RX_ENTRIES), this.#get(Nic.RX_TAIL))
    );
  }

  #fault(): void {
    this.#set(Nic.STATUS, 1 << Nic.FAULT_BIT);
  }

  /** Everything up to the tail is put on the wire. */
  #transmit(): void {
    const entries = this.#get(Nic.TX_ENTRIES);
    for (let head = this.#get(Nic.TX_HEAD); head !== this.#get(Nic.TX_TAIL); ) {
      const at = u64(this.#file.octets, Nic.TX_BASE) + BigInt(head * Descriptor.SIZE);
      const descriptor = this.#descriptor(at);
      if (!descriptor) return;
      const length = u32(descriptor, Descriptor.LENGTH);
      if (length > Nic.MOST_FRAME) return this.#fault();
      const frame = new Uint8Array(length);
      const address = u64(descriptor, Descriptor.ADDRESS);
      if (length > 0 && this.#dma.read(address, frame) !== "done") return this.#fault();
      if (this.#waiting.length < MOST_WAITING) this.#waiting.push(frame);
      if (!this.#done(at, descriptor, length, 0)) return;
      head = (head + 1) % entries;
      this.#set(Nic.TX_HEAD, head);
    }
  }

  /** What waits on the wire goes where the driver has made room. */
  #receive(): void {
    const entries = this.#get(Nic.RX_ENTRIES);
    while (this.#waiting.length > 0 && this.#get(Nic.RX_HEAD) !== this.#get(Nic.RX_TAIL)) {
      const head = this.#get(Nic.RX_HEAD);
      const at = u64(this.#file.octets, Nic.RX_BASE) + BigInt(head * Descriptor.SIZE);
      const descriptor = this.#descriptor(at);
      if (!descriptor) return;
      const frame = this.#waiting.shift() as Uint8Array;
      const room = u32(descriptor, Descriptor.LENGTH);
      const piece = frame.subarray(0, room);
      const address = u64(descriptor, Descriptor.ADDRESS);
      if (piece.length > 0 && this.#dma.write(address, piece) !== "done") return this.#fault();
      const cut = frame.length > room ? 1 << Descriptor.TRUNCATED_BIT : 0;
      if (!this.#done(at, descriptor, piece.length, cut)) return;
      this.#set(Nic.RX_HEAD, (head + 1) % entries);
    }
  }

  #descriptor(at: bigint): Uint8Array | undefined {
    const descriptor = new Uint8Array(Descriptor.SIZE);
    if (this.#dma.read(at, descriptor) === "done") return descriptor;
    this.#fault();
    return undefined;
  }

  #done(at: bigint, descriptor: Uint8Array, length: number, flags: number): boolean {
    const fields = view(descriptor);
    fields.setUint32(Descriptor.LENGTH, length, true);
    fields.setUint32(Descriptor.FLAGS, flags | (1 << Descriptor.DONE_BIT), true);
    if (this.#dma.write(at, descriptor) === "done") return true;
    this.#fault();
    return false;
  }
}
