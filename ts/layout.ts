// Buffers by their tables of ts/abi/: fields in order, whether what is reserved is zero, and a buffer made from values by name.

/** A table of ts/abi/, as `import * as` gives it. */
export type Layout = Readonly<Record<string, number>> & { readonly SIZE: number };

export interface Field {
  name: string;
  at: number;
  bytes: number;
}

const fields = new WeakMap<Layout, readonly Field[]>();

/** The fields of a layout in order. A layout is gapless (test/abi.test.ts), so each ends where the next begins. */
export function fieldsOf(layout: Layout): readonly Field[] {
  const known = fields.get(layout);
  if (known) return known;
  const offsets = Object.entries(layout)
    .filter(([name]) => name !== "SIZE" && !/_(BIT|LSB|WIDTH)$/.test(name))
    .sort(([, a], [, b]) => a - b);
  const found = offsets.map(([name, at], i) => {
    const end = offsets[i + 1]?.[1] ?? layout.SIZE;
    return { name, at, bytes: end - at };
  });
  fields.set(layout, found);
  return found;
}

/** Whether every reserved byte is zero, and every bit of FLAGS that no bit is declared for. */
export function isWellFormed(layout: Layout, buffer: DataView): boolean {
  for (const { name, at, bytes } of fieldsOf(layout)) {
    if (name.startsWith("RESERVED_") && !isZero(buffer, at, bytes)) return false;
    if (name === "FLAGS" && flagsAt(buffer, at, bytes) & reserved(layout)) return false;
  }
  return true;
}

const flagsAt = (buffer: DataView, at: number, bytes: number) =>
  bytes === 8 ? buffer.getBigUint64(at, true) : BigInt(buffer.getUint32(at, true));

/** The bits of FLAGS beyond the declared ones. */
function reserved(layout: Layout): bigint {
  let declared = 0n;
  for (const [name, value] of Object.entries(layout)) {
    if (name.endsWith("_BIT")) declared |= 1n << BigInt(value);
    if (!name.endsWith("_LSB")) continue;
    const width = layout[name.replace(/_LSB$/, "_WIDTH")] as number;
    declared |= ((1n << BigInt(width)) - 1n) << BigInt(value);
  }
  return ~declared;
}

function isZero(buffer: DataView, at: number, bytes: number): boolean {
  for (let i = at; i < at + bytes; i++) if (buffer.getUint8(i) !== 0) return false;
  return true;
}

/** A bit of a flags word. */
export const bitOf = (word: bigint | number, position: number): boolean =>
  ((BigInt(word) >> BigInt(position)) & 1n) === 1n;

export const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** A buffer with these fields, by the names of its layout; the others are zero. Throws RangeError for a name it has not. */
export function bufferOf(
  layout: Layout,
  values: Readonly<Record<string, number | bigint | Uint8Array>>,
): Uint8Array {
  const buffer = new Uint8Array(layout.SIZE);
  for (const [name, value] of Object.entries(values)) {
    const field = fieldsOf(layout).find((one) => one.name === name);
    if (!field) throw new RangeError(`${name}: not a field of the buffer`);
    if (value instanceof Uint8Array) buffer.set(value, field.at);
    else setNumber(buffer, field, BigInt(value));
  }
  return buffer;
}

function setNumber(buffer: Uint8Array, { at, bytes }: Field, value: bigint): void {
  for (let i = 0; i < bytes; i++) buffer[at + i] = Number((value >> BigInt(8 * i)) & 0xffn);
}
