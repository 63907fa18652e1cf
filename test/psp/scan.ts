// Whether 8 consecutive bytes of a key stand anywhere that the host can read: all of memory, as it is and under the host's own key.
import type { SevGuest } from "../../dist/psp/sev-guest.js";
import type { Rig } from "./rig.ts";

const RUN = 8;
const PIECE = 0x10_0000;

/** Keys that were drawn before any guest: the host's own two halves, and that of the context pages. */
const FIRST = 3;

export class KeyScan {
  readonly #rig: Rig;
  /** Runs of keys, by their first four bytes. */
  readonly #runs = new Map<number, bigint[]>();
  /** One bit for the low 24 bits of each first word, so that nearly every place is passed over at once. */
  readonly #filter = new Uint8Array(2 ** 21);
  readonly #known = new Set<string>();

  constructor(rig: Rig) {
    this.#rig = rig;
    for (const key of rig.drawn.slice(0, FIRST)) this.#add(key);
  }

  get keys(): number {
    return this.#known.size;
  }

  /** Remembers the keys of these contexts and of every SEV guest; they must not show later either. */
  note(touched: readonly bigint[] = this.#rig.psp.contexts.pages()): void {
    const { contexts, sev } = this.#rig.psp;
    for (const gctx of touched) {
      const guest = contexts.open(gctx);
      if (typeof guest === "number") continue;
      for (const key of [guest.vek, guest.tweakKey, guest.oek]) this.#add(key);
      // Who may debug a guest may read its secrets page.
      if (this.#rig.psp.dialect.allowsDebug(guest.policy)) continue;
      for (const key of guest.vmpck) this.#add(key);
      if (guest.vmrk) this.#add(guest.vmrk);
    }
    for (const guest of sev.guests.values()) this.#addSev(guest);
    const { pek, pdh } = sev.keys;
    this.#add(pek);
    this.#add(pdh);
  }

  /** Bytes that must not show from now on. */
  keep(secret: Uint8Array): void {
    this.#add(secret);
  }

  #addSev({ vek, tweakKey, keys }: SevGuest): void {
    for (const key of [vek, tweakKey, keys.tek, keys.tik]) this.#add(key);
  }

  #add(key: Uint8Array): void {
    const name = Buffer.from(key).toString("latin1");
    if (this.#known.has(name) || key.every((byte) => byte === 0)) return;
    this.#known.add(name);
    const view = new DataView(key.slice().buffer);
    for (let at = 0; at + RUN <= key.length; at++) {
      const first = view.getUint32(at, true);
      const all = view.getBigUint64(at, true);
      this.#runs.set(first, [...(this.#runs.get(first) ?? []), all]);
      this.#filter[(first & 0xffffff) >>> 3]! |= 1 << (first & 7);
    }
  }

  /** Throws when a key shows. */
  check(): void {
    const end = this.#rig.dram;
    for (const encrypted of [false, true]) {
      for (let spa = 0n; spa < end; spa += BigInt(PIECE)) {
        const bytes = new Uint8Array(PIECE);
        this.#rig.host.read(spa, bytes, encrypted);
        this.#search(bytes, spa);
      }
    }
  }

  #search(bytes: Uint8Array, spa: bigint): void {
    const view = new DataView(bytes.buffer);
    const filter = this.#filter;
    let low = 0;
    for (let i = 0; i < bytes.length; i++) {
      // The last three bytes and this one, little-endian, begin a run at i - 3.
      low = (low >>> 8) | (bytes[i]! << 24);
      if (!(filter[(low & 0xffffff) >>> 3]! & (1 << (low & 7)))) continue;
      const at = i - 3;
      if (at < 0 || at + RUN > bytes.length) continue;
      const run = view.getBigUint64(at, true);
      if (this.#runs.get(low >>> 0)?.includes(run))
        throw new Error(`8 bytes of a key stand at spa 0x${(spa + BigInt(at)).toString(16)}`);
    }
  }
}
