// Registers of a VM's devices in its physical address space. An address without a device reads as all ones.

/** A device's registers. `offset` is from the address it was attached at. */
export interface MmioDevice {
  read(offset: number, bytes: number): bigint;
  write(offset: number, bytes: number, value: bigint): void;
}

interface Range {
  gpa: bigint;
  end: bigint;
  device: MmioDevice;
}

export class Mmio {
  readonly #ranges: Range[] = [];

  /** Puts a device at `bytes` of guest physical addresses; the last one attached answers. */
  attach(gpa: bigint, bytes: number, device: MmioDevice): void {
    this.#ranges.unshift({ gpa, end: gpa + BigInt(bytes), device });
  }

  read(gpa: bigint, bytes: number): bigint {
    const found = this.#find(gpa, bytes);
    const value = found ? found.device.read(Number(gpa - found.gpa), bytes) : -1n;
    return BigInt.asUintN(8 * bytes, value);
  }

  write(gpa: bigint, bytes: number, value: bigint): void {
    const found = this.#find(gpa, bytes);
    found?.device.write(Number(gpa - found.gpa), bytes, BigInt.asUintN(8 * bytes, value));
  }

  #find(gpa: bigint, bytes: number): Range | undefined {
    return this.#ranges.find((range) => gpa >= range.gpa && gpa + BigInt(bytes) <= range.end);
  }
}
