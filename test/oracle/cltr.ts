// Slow twin of the .cltr reader, as docs/trace-format.md describes the format, over the bytes behind the header.
export interface Decoded {
  kind: number;
  gva: bigint;
  bytes: bigint;
  /** Where its head byte is. */
  at: number;
}

const [FETCH, MODIFY, TRANSFER_OUT, HALT, END, EXIT, LAST] = [0, 3, 4, 6, 7, 8, 12] as const;
const HALF = 1n << 47n;

/** The records up to the end marker or the first that is none, and where that stands. */
export function decode(file: Uint8Array, version: number): { records: Decoded[]; end: number } {
  const records: Decoded[] = [];
  const ends = new Map<string, bigint>();
  let fetched = 0n;
  let at = 0;
  const varint = (): bigint | undefined => {
    for (let value = 0n, i = 0n; i < 8n && at < file.length; i++) {
      const byte = BigInt(file[at++]!);
      value |= (byte & 0x7fn) << (7n * i);
      if (byte < 0x80n) return value;
    }
    return undefined;
  };
  const record = (): Omit<Decoded, "at"> | undefined => {
    const head = file[at++]!;
    const size = (head >> 3) & 15;
    const kind = (head & 7) === END ? END + size : head & 7;
    if (kind === HALT) return head === HALT ? { kind, gva: 0n, bytes: 0n } : undefined;
    if (kind === END || kind > LAST || (kind > END && version === 1)) return undefined;
    const bytes = size === 0 || kind > END ? varint() : BigInt(size);
    const owned = kind > FETCH && kind <= MODIFY;
    const row = owned ? `${(4n * fetched + BigInt(kind)) & 0xffffn}` : `kind ${kind}`;
    const coded = head >> 7 ? 0n : varint();
    if (bytes === undefined || coded === undefined) return undefined;
    const gva = (ends.get(row) ?? 0n) + ((coded >> 1n) ^ -(coded & 1n));
    const limit = kind === EXIT ? 2n ** 32n - 1n : kind < TRANSFER_OUT ? 4096n : 2n ** 31n;
    const span = kind === EXIT ? 0n : bytes;
    if ((kind !== EXIT && bytes === 0n) || bytes > limit) return undefined;
    if (gva < 0n ? gva < -HALF || gva + span > 0n : gva + span > HALF) return undefined;
    ends.set(row, gva + span);
    if (kind === FETCH) fetched = gva;
    return { kind, gva, bytes };
  };
  while (at < file.length) {
    const start = at;
    const seen = record();
    if (!seen) return { records, end: start };
    records.push({ ...seen, at: start });
  }
  return { records, end: at };
}
