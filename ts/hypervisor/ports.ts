// The ports a VM's devices answer at. A port without a device reads as all ones.

/** A device at one port. */
export interface PortDevice {
  read(bytes: number): number;
  write(bytes: number, value: number): void;
}

export class Ports {
  readonly #devices = new Map<number, PortDevice>();

  /** Puts a device at a port; it replaces what was there. */
  attach(port: number, device: PortDevice): void {
    this.#devices.set(port, device);
  }

  read(port: number, bytes: number): number {
    const device = this.#devices.get(port);
    return device ? device.read(bytes) >>> 0 : (2 ** (8 * bytes) - 1) >>> 0;
  }

  write(port: number, bytes: number, value: number): void {
    this.#devices.get(port)?.write(bytes, value);
  }
}
