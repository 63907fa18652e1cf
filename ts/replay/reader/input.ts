// The bytes of a trace through one fixed buffer, unpacked on the way. What comes out does not depend on how the source is cut.
import { Counted, type Pull, pulling } from "./pull.ts";
import type { ByteSource } from "./reader.ts";
import { type Packing, unpacking } from "./unpack.ts";

const CAPACITY = 1 << 18;
// A parser may look a few bytes past the end, and a missing last newline is put there.
const SPARE = 16;

export class Input {
  readonly name: string;
  buffer: Uint8Array = new Uint8Array(CAPACITY + SPARE);
  /** The next byte to read, and one past the last there is. */
  at = 0;
  end = 0;
  /** Offset of buffer[0] in the trace, after decompression. */
  base = 0;

  #counted: Counted;
  #plain: Pull;
  #chunk: Uint8Array = new Uint8Array(0);
  #used = 0;

  constructor(source: ByteSource, name: string) {
    this.name = name;
    this.#counted = new Counted(pulling(source));
    this.#plain = this.#counted;
  }

  /** Bytes taken from the source. */
  get bytes(): number {
    return this.#counted.bytes;
  }

  /** Offset of the next byte in the trace, after decompression. */
  get offset(): number {
    return this.base + this.at;
  }

  /** A place in the trace, in words. */
  position(offset: number): string {
    const unpacked = this.#plain !== this.#counted;
    return `${this.name}: byte ${offset}${unpacked ? " after decompression" : ""}`;
  }

  /** Whether the buffer holds as much as it can. */
  get full(): boolean {
    return this.end - this.at === CAPACITY;
  }

  /** Brings in at least one byte behind those not yet read; false at the end of the source. */
  async more(): Promise<boolean> {
    while (this.#used === this.#chunk.length) {
      const chunk = await this.#plain.next();
      if (chunk === undefined) return false;
      this.#chunk = chunk;
      this.#used = 0;
    }
    this.buffer.copyWithin(0, this.at, this.end);
    this.base += this.at;
    this.end -= this.at;
    this.at = 0;
    const taken = this.#chunk.subarray(this.#used, this.#used + CAPACITY - this.end);
    this.buffer.set(taken, this.end);
    this.end += taken.length;
    this.#used += taken.length;
    return true;
  }

  /** Tries to have `bytes` to read; false if the source ends before. */
  async ensure(bytes: number): Promise<boolean> {
    while (this.end - this.at < bytes) if (!(await this.more())) return false;
    return true;
  }

  /** From here on the bytes are what the source unpacks to. Nothing may have been read yet. */
  unpack(packing: Packing): void {
    const first = this.buffer.slice(0, this.end);
    const rest = this.#chunk.subarray(this.#used);
    this.#plain = unpacking(packing, [first, rest], this.#counted, this.name);
    this.#chunk = new Uint8Array(0);
    this.#used = 0;
    this.end = 0;
  }

  /** Holds its bytes in another buffer of the same length from here on. */
  move(buffer: Uint8Array): void {
    buffer.set(this.buffer.subarray(0, this.end));
    this.buffer = buffer;
  }

  async close(): Promise<void> {
    await this.#plain.close();
    if (this.#plain !== this.#counted) await this.#counted.close();
  }
}
