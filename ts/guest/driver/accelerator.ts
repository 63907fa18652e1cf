// A guest's driver of the hash accelerator: a list of buffers out, a digest back.
import * as Accelerator from "../../abi/accelerator.ts";
import type { Step } from "../execution.ts";
import { type DmaMap, type Io, load32, type RingPage, store32, store64 } from "./io.ts";

export interface AcceleratorOptions {
  registers: bigint;
  /** A page for the list and the digest. */
  list: RingPage;
  map: DmaMap;
}

const DIGEST = 48;
const RESULT_AT = 0xf00;
const MOST = RESULT_AT / Accelerator.DESCRIPTOR_SIZE;

export class AcceleratorDriver {
  readonly #options: AcceleratorOptions;

  constructor(options: AcceleratorOptions) {
    this.#options = options;
  }

  /** SHA-384 of a buffer of up to 240 pages; undefined: the device says it failed, or the pool is full. */
  *digest(io: Io, gva: bigint, bytes: number): Step<Uint8Array | undefined> {
    const { registers, list, map } = this.#options;
    const mapped = yield* map.map(io, gva, bytes, true);
    if (!mapped || mapped.length > MOST) {
      if (mapped) yield* map.unmap(io, mapped, false);
      return undefined;
    }
    const entries = new DataView(new ArrayBuffer(mapped.length * Accelerator.DESCRIPTOR_SIZE));
    mapped.forEach((piece, n) => {
      const at = n * Accelerator.DESCRIPTOR_SIZE;
      entries.setBigUint64(at + Accelerator.DESCRIPTOR_ADDRESS, piece.address, true);
      entries.setUint32(at + Accelerator.DESCRIPTOR_LENGTH, piece.bytes, true);
    });
    yield* io.write(list.gva, new Uint8Array(entries.buffer));
    yield* store64(io, registers + BigInt(Accelerator.LIST), list.address);
    yield* store64(io, registers + BigInt(Accelerator.RESULT), list.address + BigInt(RESULT_AT));
    yield* store32(io, registers + BigInt(Accelerator.DOORBELL), mapped.length);
    const status = yield* load32(io, registers + BigInt(Accelerator.STATUS));
    yield* map.unmap(io, mapped, false);
    if (status !== Accelerator.DONE) return undefined;
    const digest = new Uint8Array(DIGEST);
    yield* io.read(list.gva + BigInt(RESULT_AT), digest);
    return digest;
  }
}
