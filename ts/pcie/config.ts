// The configuration space of one function: what software may write, and who is told when it did. PCIe 7.2.
import * as Config from "../abi/config-space.ts";
import { field, putU32, u32 } from "../spdm/octets.ts";

const NEXT_LSB = 20;
const VERSION_LSB = 16;

/** Told after a write changed at least one octet; offsets of the write, and the octets before it. */
export type Watcher = (offset: number, before: Uint8Array) => void;

export class ConfigSpace {
  readonly octets: Uint8Array = new Uint8Array(Config.SPACE_BYTES);
  readonly #writable: Uint8Array = new Uint8Array(Config.SPACE_BYTES);
  readonly #clearable: Uint8Array = new Uint8Array(Config.SPACE_BYTES);
  readonly #watchers: Watcher[] = [];
  readonly #registers: { start: number; end: number; read?: Read; write?: Write }[] = [];
  #initial: Uint8Array | undefined;
  #last = Config.CAPABILITIES_POINTER;
  #lastExtended = 0;

  /** Lets software change these bits. */
  allow(offset: number, mask: number, bytes: 1 | 2 | 4): void {
    for (let i = 0; i < bytes; i++) this.#writable[offset + i]! |= field(mask, 8 * i, 8);
  }

  /** Lets software clear these bits by writing ones. */
  allowClear(offset: number, mask: number, bytes: 1 | 2 | 4): void {
    for (let i = 0; i < bytes; i++) this.#clearable[offset + i]! |= field(mask, 8 * i, 8);
  }

  watch(watcher: Watcher): void {
    this.#watchers.push(watcher);
  }

  /** Registers with a life of their own, such as a mailbox. */
  claim(start: number, bytes: number, read: Read, write: Write): void {
    this.#registers.push({ start, end: start + bytes, read, write });
  }

  /** Links a capability into the list; answers its offset. */
  addCapability(id: number, offset: number): number {
    this.octets[offset] = id;
    this.octets[this.#last] = offset;
    this.#last = offset + 1;
    return offset;
  }

  addExtendedCapability(id: number, version: number, offset: number): number {
    putU32(this.octets, offset, id | (version << VERSION_LSB));
    // The list begins at 0x100 even if nothing stands there: an empty header leads on. PCIe 7.6.3.
    if (offset !== Config.EXTENDED_START) this.#lastExtended ||= Config.EXTENDED_START;
    if (this.#lastExtended) {
      const header = u32(this.octets, this.#lastExtended);
      putU32(this.octets, this.#lastExtended, (header | (offset << NEXT_LSB)) >>> 0);
    }
    this.#lastExtended = offset;
    return offset;
  }

  /** What reset returns to is what stands here now. */
  seal(): void {
    this.#initial = this.octets.slice();
  }

  reset(): void {
    if (this.#initial) this.octets.set(this.#initial);
  }

  /** Little endian; what does not exist reads as ones, as on the bus. */
  read(offset: number, bytes: 1 | 2 | 4): number {
    if (!isAligned(offset, bytes)) return 2 ** (8 * bytes) - 1;
    const register = this.#registers.find(({ start, end }) => offset >= start && offset < end);
    if (register?.read) return bytes === 4 ? register.read(offset - register.start) : 0;
    let value = 0;
    for (let i = bytes - 1; i >= 0; i--) value = value * 256 + this.octets[offset + i]!;
    return value;
  }

  write(offset: number, value: number, bytes: 1 | 2 | 4): void {
    if (!isAligned(offset, bytes)) return;
    const register = this.#registers.find(({ start, end }) => offset >= start && offset < end);
    if (register?.write) {
      if (bytes === 4) register.write(offset - register.start, value);
      return;
    }
    const before = this.octets.slice(offset, offset + bytes);
    for (let i = 0; i < bytes; i++) {
      const at = offset + i;
      const written = field(value, 8 * i, 8);
      const kept = this.octets[at]! & ~(written & this.#clearable[at]!);
      this.octets[at] = (kept & ~this.#writable[at]!) | (written & this.#writable[at]!);
    }
    const changed = before.some((octet, i) => octet !== this.octets[offset + i]);
    if (changed) for (const watcher of this.#watchers) watcher(offset, before);
  }
}

type Read = (offset: number) => number;
type Write = (offset: number, value: number) => void;

const isAligned = (offset: number, bytes: number): boolean =>
  offset >= 0 && offset % bytes === 0 && offset + bytes <= Config.SPACE_BYTES;

/** Where an extended capability stands, by walking the list as software does; undefined when absent. */
export function findExtended(
  read: (offset: number, bytes: 4) => number,
  id: number,
): number | undefined {
  let offset: number = Config.EXTENDED_START;
  // The list cannot be longer than the space has DWs.
  for (let steps = 0; steps < Config.SPACE_BYTES / 4; steps++) {
    const header = read(offset, 4);
    if (field(header, 0, 16) === id) return offset;
    offset = field(header, NEXT_LSB, 12);
    if (offset < Config.EXTENDED_START) return undefined;
  }
  return undefined;
}
