// A device's registers as octets, written in any width and read back; what a write does is the device's business.
import { view } from "../spdm/octets.ts";

export class RegisterFile {
  readonly octets: Uint8Array;
  readonly view: DataView;

  constructor(bytes: number) {
    this.octets = new Uint8Array(bytes);
    this.view = view(this.octets);
  }

  /** What is not there reads as zeros. */
  load(offset: number, into: Uint8Array): void {
    into.fill(0);
    into.set(this.octets.subarray(offset, offset + into.length));
  }

  /** Stores what lies inside; answers whether it touched the u32 at `register`. */
  store(offset: number, from: Uint8Array): (register: number) => boolean {
    const room = Math.max(this.octets.length - offset, 0);
    this.octets.set(from.subarray(0, room), Math.min(offset, this.octets.length));
    return (register) => offset < register + 4 && offset + from.length > register;
  }

  reset(): void {
    this.octets.fill(0);
  }
}
