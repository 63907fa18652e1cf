// A guest's nested page tables, which live in the host's own memory. APM vol. 2, 15.25.
import * as Pte from "../abi/pte.ts";
import * as Table from "../abi/table.ts";
import { CheckFailed } from "../error.ts";
import type { HostPort } from "../port.ts";
import type { Pages } from "./pages.ts";

const bit = (position: number) => 1n << BigInt(position);
const PRESENT = bit(Pte.PRESENT_BIT) | bit(Pte.WRITE_BIT) | bit(Pte.USER_BIT);
const FRAME = ((1n << BigInt(Pte.FRAME_WIDTH)) - 1n) << BigInt(Pte.FRAME_LSB);
const LARGE = bit(Pte.LARGE_BIT);
const SMALL_OFFSET = 0xfffn;
const LARGE_OFFSET = 0x1fffffn;
const LEVELS = 3;

export class NestedTables {
  /** nCR3. */
  readonly root: bigint;
  readonly #host: HostPort;
  readonly #pages: Pages;
  /** Set in every entry where the host encrypts what its guests have (SME). */
  readonly #encrypted: bigint;
  /** The bits of an entry that say where it points. */
  readonly #frame: bigint;
  readonly #spares: bigint[] = [];
  /** Every table, spare ones too. */
  readonly #tables: bigint[] = [];

  constructor(host: HostPort, pages: Pages, encrypted: bigint) {
    this.#host = host;
    this.#pages = pages;
    this.#encrypted = encrypted;
    this.#frame = FRAME & ~encrypted;
    this.root = this.#table() | encrypted;
    host.write(this.root & ~encrypted, new Uint8Array(0x1000), encrypted !== 0n);
  }

  /** Whether the host keeps what its guests have under its own key. */
  get encrypted(): boolean {
    return this.#encrypted !== 0n;
  }

  /** Maps a page of guest physical memory. */
  map(gpa: bigint, spa: bigint, large: boolean): void {
    const leaf = spa | PRESENT | this.#encrypted | (large ? LARGE : 0n);
    while (this.#spares.length < LEVELS) {
      this.#spares.push(this.#table() | PRESENT | this.#encrypted);
    }
    const taken = this.#host.mapNested(this.root, gpa, leaf, large ? 1 : 0, this.#spares);
    if (taken === Table.REFUSED || taken === Table.OCCUPIED) {
      throw new CheckFailed(
        `nested table: gpa 0x${gpa.toString(16)} could not be mapped (${taken})`,
      );
    }
    this.#spares.splice(0, taken);
  }

  /** Whether a 2 MiB entry maps a gpa. */
  isLarge(gpa: bigint): boolean {
    return (this.#host.nestedEntry(this.root, gpa) & LARGE) !== 0n;
  }

  /** Maps what a 2 MiB entry maps by 512 entries of 4 KiB. */
  split(gpa: bigint): void {
    let at = this.root;
    for (const level of [3n, 2n]) at = this.#word(at, level, gpa);
    const entry = this.#word(at, 1n, gpa);
    if ((entry & LARGE) === 0n) return;
    const view = new DataView(new ArrayBuffer(0x1000));
    for (let i = 0n; i < 512n; i++)
      view.setBigUint64(Number(8n * i), (entry & ~LARGE) + (i << 12n), true);
    const table = this.#table();
    this.#host.write(table, new Uint8Array(view.buffer), this.#encrypted !== 0n);
    view.setBigUint64(0, table | PRESENT | this.#encrypted, true);
    const bytes = new Uint8Array(view.buffer, 0, 8);
    this.#host.write(this.#place(at, 1n, gpa), bytes, this.#encrypted !== 0n);
  }

  #table(): bigint {
    const spa = this.#pages.small();
    this.#tables.push(spa);
    return spa;
  }

  /** Gives every table back: nothing may walk them any more. */
  release(): void {
    for (const spa of this.#tables) this.#pages.give(spa, false);
  }

  /** Where the entry for a gpa is in a table. */
  #place(table: bigint, level: bigint, gpa: bigint): bigint {
    return (table & this.#frame) + 8n * ((gpa >> (12n + 9n * level)) & 511n);
  }

  #word(table: bigint, level: bigint, gpa: bigint): bigint {
    const view = new DataView(new ArrayBuffer(8));
    const bytes = new Uint8Array(view.buffer);
    this.#host.read(this.#place(table, level, gpa), bytes, this.#encrypted !== 0n);
    return view.getBigUint64(0, true);
  }

  /** Marks a page as a device's registers: a reserved bit, so that an access is #NPF whatever it is. KVM's MMIO entries. */
  mapDevice(gpa: bigint): void {
    this.map(gpa & ~0xfffn, this.#frame, false);
  }

  /** The spa a gpa is mapped to, undefined when it is not. */
  spaOf(gpa: bigint): bigint | undefined {
    const entry = this.#host.nestedEntry(this.root, gpa);
    if (entry === 0n) return undefined;
    const within = (entry & LARGE) === 0n ? SMALL_OFFSET : LARGE_OFFSET;
    return (entry & this.#frame & ~within) | (gpa & within);
  }
}
