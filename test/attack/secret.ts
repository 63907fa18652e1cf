// Secrets that can be told wherever they turn up: each byte follows from the one before by one rule with a constant of the secret's own,
// so that any eight of them give the constant away seven times. By chance that happens once in 2^48.

const FACTOR = 167;
// What the rule makes of a run of equal bytes must not be taken for a secret.
const SHORTEST = 7;

/** `length` bytes of secret number `n`. */
export function secretOf(n: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  const constant = 1 + 2 * ((n * 53) & 0x7f);
  bytes[0] = (n >> 7) & 0xff;
  for (let i = 1; i < length; i++) bytes[i] = ((bytes[i - 1] as number) * FACTOR + constant) & 0xff;
  return bytes;
}

/** Secrets by number, each used once. */
export class Secrets {
  #used = 0;

  next(length: number): Uint8Array {
    return secretOf(this.#used++, length);
  }
}

/** Where eight bytes of any secret begin, or -1. */
export function findSecret(bytes: Uint8Array): number {
  let run = 0;
  let last = -1;
  for (let i = 1; i < bytes.length; i++) {
    const before = bytes[i - 1] as number;
    const step = ((bytes[i] as number) - before * FACTOR) & 0xff;
    // An odd constant, and bytes that differ: zeros and patterns of the emulator's own are none.
    const fits = (step & 1) === 1 && bytes[i] !== before;
    run = fits && step === last ? run + 1 : fits ? 1 : 0;
    last = fits ? step : -1;
    if (run === SHORTEST) return i - SHORTEST;
  }
  return -1;
}

const WINDOW = 8;

/** Keys that must never show: every eight consecutive bytes of each, found by their first two. */
export class KeyWatch {
  readonly #windows = new Map<number, Uint8Array[]>();
  readonly #present = new Uint8Array(0x10000);

  add(key: Uint8Array): void {
    for (let at = 0; at + WINDOW <= key.length; at++) {
      const window = key.slice(at, at + WINDOW);
      const first = (window[0] as number) | ((window[1] as number) << 8);
      this.#present[first] = 1;
      this.#windows.set(first, [...(this.#windows.get(first) ?? []), window]);
    }
  }

  /** Where eight bytes of a key begin, or -1. */
  find(bytes: Uint8Array): number {
    for (let at = 0; at + WINDOW <= bytes.length; at++) {
      const first = (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
      if (this.#present[first] === 0) continue;
      const windows = this.#windows.get(first) as Uint8Array[];
      if (windows.some((window) => window.every((byte, i) => bytes[at + i] === byte))) return at;
    }
    return -1;
  }
}
