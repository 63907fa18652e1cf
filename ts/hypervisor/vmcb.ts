// A VMCB as its owner, the hypervisor, reads and writes it: through `host`, field by field (ts/abi/vmcb.ts), in memory.
import * as Layout from "../abi/vmcb.ts";
import { CheckFailed } from "../error.ts";
import type { HostPort } from "../port.ts";

export class Vmcb {
  /** Its spa, without C-bit. */
  readonly spa: bigint;
  readonly #host: HostPort;
  readonly #encrypted: boolean;
  // One buffer a width, so that no access allocates.
  readonly #view = new DataView(new ArrayBuffer(8));
  readonly #bytes: Record<1 | 4 | 8, Uint8Array>;

  constructor(host: HostPort, spa: bigint, encrypted: boolean) {
    this.spa = spa;
    this.#host = host;
    this.#encrypted = encrypted;
    const bytes = (length: number) => new Uint8Array(this.#view.buffer, 0, length);
    this.#bytes = { 1: bytes(1), 4: bytes(4), 8: bytes(8) };
  }

  /** Reads bytes at an offset. */
  read(offset: number, into: Uint8Array): void {
    this.#check(this.#host.read(this.spa + BigInt(offset), into, this.#encrypted));
  }

  write(offset: number, from: Uint8Array): void {
    this.#check(this.#host.write(this.spa + BigInt(offset), from, this.#encrypted));
  }

  u8(offset: number): number {
    this.read(offset, this.#bytes[1]);
    return this.#view.getUint8(0);
  }

  u32(offset: number): number {
    this.read(offset, this.#bytes[4]);
    return this.#view.getUint32(0, true);
  }

  u64(offset: number): bigint {
    this.read(offset, this.#bytes[8]);
    return this.#view.getBigUint64(0, true);
  }

  setU8(offset: number, value: number): void {
    this.#view.setUint8(0, value);
    this.write(offset, this.#bytes[1]);
  }

  setU32(offset: number, value: number): void {
    this.#view.setUint32(0, value, true);
    this.write(offset, this.#bytes[4]);
  }

  setU64(offset: number, value: bigint): void {
    this.#view.setBigUint64(0, value, true);
    this.write(offset, this.#bytes[8]);
  }

  /** A register of the save area, by its offset in ts/abi/vmsa.ts. Means something without SEV-ES only. */
  saved(register: number): bigint {
    return this.u64(Layout.SAVE_AREA + register);
  }

  setSaved(register: number, value: bigint): void {
    this.setU64(Layout.SAVE_AREA + register, value);
  }

  #check(done: boolean): void {
    if (!done) throw new CheckFailed(`VMCB at 0x${this.spa.toString(16)}: not the hypervisor's`);
  }
}
