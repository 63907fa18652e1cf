// A replay over a map of pages, every value a bigint: what assembly/value.ts, flat.ts and replay.ts promise, in one screen.
export type Operation = "fetch" | "load" | "store" | "modify" | "out" | "in" | "halt";

export interface Step {
  op: Operation;
  gva: bigint;
  bytes: number;
}

const u64 = (value: bigint): bigint => BigInt.asUintN(64, value);
const STEP = 0x9e3779b97f4a7c15n;

function mixed(word: bigint): bigint {
  let x = word;
  x = u64((x ^ (x >> 30n)) * 0xbf58476d1ce4e5b9n);
  x = u64((x ^ (x >> 27n)) * 0x94d049bb133111ebn);
  return x ^ (x >> 31n);
}

export class Flat {
  digest = 0n;
  readonly pages = new Map<bigint, Uint8Array>();
  readonly #seed: bigint;
  #ordinal = 0n;

  constructor(seed: bigint) {
    this.#seed = seed;
  }

  run({ op, gva, bytes }: Step): void {
    const ordinal = this.#ordinal++;
    const words = Array.from({ length: Math.ceil(bytes / 8) }, (_, i) => BigInt(8 * i));
    const stored = (at: bigint) => {
      const x = u64((u64(ordinal << 24n) ^ u64(gva + at) ^ this.#seed) * STEP);
      return x ^ (x >> 32n);
    };
    if (op === "fetch" || op === "load") this.#fold(gva, bytes);
    if (op === "store") this.#write(gva, bytes, words.map(stored));
    if (op === "modify") {
      this.#fold(gva, bytes);
      this.#write(
        gva,
        bytes,
        words.map((at) => u64(this.#word(gva + at, bytes - Number(at)) + stored(at))),
      );
    }
    // A device works page by page: each piece is folded, or filled, from its own start.
    for (const [from, length] of op === "out" || op === "in" ? this.#pieces(gva, bytes) : []) {
      if (op === "out") this.#fold(gva + BigInt(from), length);
      const given = words.slice(0, Math.ceil(length / 8)).map((at) => {
        const where = u64(ordinal * STEP + BigInt(from) + at + this.#seed);
        return mixed(u64(~where));
      });
      if (op === "in") this.#write(gva + BigInt(from), length, given);
    }
  }

  /** The digest of loads, then that of final memory, as a report prints them. */
  finish(): string {
    const loads = this.digest;
    this.digest = 0n;
    for (const number of [...this.pages.keys()].sort((a, b) => (a < b ? -1 : 1))) {
      this.#value(number);
      this.#fold(u64(number << 12n), 4096);
    }
    return [loads, this.digest].map((word) => word.toString(16).padStart(16, "0")).join("");
  }

  #pieces(gva: bigint, bytes: number): [number, number][] {
    const pieces: [number, number][] = [];
    for (let from = 0; from < bytes; ) {
      const length = Math.min(4096 - Number((gva + BigInt(from)) & 0xfffn), bytes - from);
      pieces.push([from, length]);
      from += length;
    }
    return pieces;
  }

  #page(gva: bigint): Uint8Array {
    const number = u64(gva) >> 12n;
    let page = this.pages.get(number);
    if (!page) {
      const view = new DataView(new ArrayBuffer(4096));
      for (let at = 0; at < 4096; at += 8)
        view.setBigUint64(at, mixed(u64(((number << 12n) + BigInt(at) + this.#seed) * STEP)), true);
      page = new Uint8Array(view.buffer);
      this.pages.set(number, page);
    }
    return page;
  }

  /** Up to 8 bytes, little-endian. */
  #word(gva: bigint, bytes: number): bigint {
    let word = 0n;
    for (let i = Math.min(bytes, 8) - 1; i >= 0; i--) {
      const at = gva + BigInt(i);
      word = (word << 8n) | BigInt(this.#page(at)[Number(at & 0xfffn)] as number);
    }
    return word;
  }

  #write(gva: bigint, bytes: number, words: bigint[]): void {
    for (let i = 0; i < bytes; i++) {
      const at = gva + BigInt(i);
      const byte = (words[i >> 3] as bigint) >> BigInt(8 * (i % 8));
      this.#page(at)[Number(at & 0xfffn)] = Number(byte & 0xffn);
    }
  }

  #fold(gva: bigint, bytes: number): void {
    for (let at = 0; at < bytes; at += 8) this.#value(this.#word(gva + BigInt(at), bytes - at));
  }

  #value(value: bigint): void {
    const x = u64((this.digest ^ value) * STEP);
    this.digest = u64(x << 23n) | (x >> 41n);
  }
}
