// The first serial port, a 16550 as far as a guest's console needs it: what is written to it is kept, and it is always ready.
import type { Ports } from "./ports.ts";

export const SERIAL = 0x3f8;
const LINE_STATUS = SERIAL + 5;
/** Transmitter empty, and holding register empty. */
const READY = 0x60;

export class Serial {
  readonly #bytes: number[] = [];

  constructor(ports: Ports) {
    const keep = (_: number, value: number) => {
      this.#bytes.push(value & 0xff);
    };
    ports.attach(SERIAL, { read: () => 0, write: keep });
    ports.attach(LINE_STATUS, { read: () => READY, write: () => {} });
  }

  /** What the guest wrote so far, as Latin-1. */
  get text(): string {
    return this.#bytes.map((byte) => String.fromCharCode(byte)).join("");
  }
}
