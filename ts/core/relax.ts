// The core ships once and runs in two forms: with strict byte swizzles, which every engine with SIMD takes, or with relaxed ones,
// which are one instruction instead of two on x86. assembly/aes/swizzle.ts says why both give the same bytes.

// An opcode after the prefix fd is an LEB128 number, which may be padded: both forms have the same length.
// WebAssembly 2.0, 5.4.7; relaxed SIMD, binary format.
const PREFIX = 0xfd;
const STRICT = [0x8e, 0x00] as const;
const RELAXED = [0x80, 0x02] as const;

function places(binary: Uint8Array, [first, second]: readonly [number, number]): number[] {
  const found: number[] = [];
  for (let at = binary.indexOf(PREFIX); at >= 0; at = binary.indexOf(PREFIX, at + 1))
    if (binary[at + 1] === first && binary[at + 2] === second) found.push(at + 1);
  return found;
}

/** A copy of the core's binary with relaxed or with strict swizzles. */
export function withSwizzles(binary: Uint8Array, relaxed: boolean): Uint8Array<ArrayBuffer> {
  const copy = Uint8Array.from(binary);
  const [from, to] = relaxed ? [STRICT, RELAXED] : [RELAXED, STRICT];
  for (const at of places(binary, from)) copy.set(to, at);
  return copy;
}

/** How many strict swizzles of this form there are. */
export function strictSwizzles(binary: Uint8Array): number {
  return places(binary, STRICT).length;
}
