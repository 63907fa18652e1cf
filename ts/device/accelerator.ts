// An accelerator: SHA-384 over a list of buffers in memory, the digest written to memory.
import * as Accelerator from "../abi/accelerator.ts";
import { SHA384 } from "../spdm/crypto.ts";
import { u32, u64 } from "../spdm/octets.ts";
import type { Dma, Registers } from "./endpoint.ts";
import { RegisterFile } from "./register-file.ts";

/** Bytes it takes in at a time. */
const PIECE = 0x1000;

export class HashAccelerator implements Registers {
  readonly #dma: Dma;
  readonly #file = new RegisterFile(Accelerator.SIZE);

  constructor(dma: Dma) {
    this.#dma = dma;
  }

  reset(): void {
    this.#file.reset();
  }

  load(_: number, offset: number, into: Uint8Array): void {
    this.#file.load(offset, into);
  }

  store(_: number, offset: number, from: Uint8Array): void {
    const status = u32(this.#file.octets, Accelerator.STATUS);
    const touched = this.#file.store(offset, from);
    this.#file.view.setUint32(Accelerator.STATUS, status, true);
    if (!touched(Accelerator.DOORBELL)) return;
    const after = this.#run() ? Accelerator.DONE : Accelerator.FAULT;
    this.#file.view.setUint32(Accelerator.STATUS, after, true);
  }

  /** False: too much was asked, or a request was not answered. */
  #run(): boolean {
    const { octets } = this.#file;
    const count = u32(octets, Accelerator.DOORBELL);
    if (count > Accelerator.MOST_DESCRIPTORS) return false;
    const list = new Uint8Array(count * Accelerator.DESCRIPTOR_SIZE);
    if (count > 0 && this.#dma.read(u64(octets, Accelerator.LIST), list) !== "done") return false;
    const hash = SHA384.start();
    let total = 0;
    for (let at = 0; at < list.length; at += Accelerator.DESCRIPTOR_SIZE) {
      const address = u64(list, at + Accelerator.DESCRIPTOR_ADDRESS);
      const bytes = u32(list, at + Accelerator.DESCRIPTOR_LENGTH);
      total += bytes;
      if (total > Accelerator.MOST_BYTES) return false;
      for (let done = 0; done < bytes; done += PIECE) {
        const piece = new Uint8Array(Math.min(PIECE, bytes - done));
        if (this.#dma.read(address + BigInt(done), piece) !== "done") return false;
        hash.update(piece);
      }
    }
    return this.#dma.write(u64(octets, Accelerator.RESULT), hash.digest()) === "done";
  }
}
