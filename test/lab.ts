// A guest with nothing in it: nested tables, guest tables and RMP entries set one by one, so that a test can break any of them.
import { createPlatform, type Platform, type PlatformOptions } from "../dist/index.js";
import * as Frame from "../ts/abi/frame.ts";
import type { Core, Exit, VcpuContext } from "../ts/port.ts";
import type { SecureEntry } from "../ts/tio-port.ts";
import { bit, LARGE, LARGE_LEAF, MIB, OPEN, PAGE, pattern, rmpLow, withCore } from "./core.ts";

export const FULL = 0xfn;

/** How requests with the T bit come to a device that `Lab.trust` gave to the guest. */
export const VIA = { streamId: 0, rootPortId: 1 };

export class Lab {
  readonly platform: Platform;
  readonly core: Core;
  readonly asid: number;
  /** The C-bit's mask for guests of this machine: 0 where they have none. */
  readonly cBit: bigint;
  readonly snp: boolean;
  readonly sev: boolean;
  readonly root: bigint;
  readonly cr3: bigint;
  readonly #spas = new Map<bigint, bigint>();
  readonly #tables = new Map<string, bigint>();
  #next = 0x100_0000n;
  #nextGpa = 0x4000_0000n;

  /** With a core of its own, the platform only says which part it is. */
  constructor(options: PlatformOptions, asid = 1, core?: Core) {
    this.platform = createPlatform({ resident: 64 * MIB, ...options, ...withCore });
    this.core = core ?? this.platform.core;
    this.asid = asid;
    const { chip, generation } = this.platform;
    this.sev = generation !== "none" && generation !== "sme";
    this.snp = generation === "sev-snp" || generation === "sev-tio";
    this.cBit = this.sev ? bit(chip.cBit) : 0n;
    if (this.sev) this.core.firmware.installKey(asid, pattern(16, 40 + asid), pattern(16, 80));
    this.root = this.small();
    this.cr3 = this.#table("3:");
  }

  /** Where the next page will be. */
  get next(): bigint {
    return this.#next;
  }

  /** A free page of system memory. */
  small(): bigint {
    this.#next += PAGE;
    return this.#next - PAGE;
  }

  /** A free 2 MiB page of system memory. */
  large(): bigint {
    this.#next = (this.#next + LARGE - 1n) & ~(LARGE - 1n);
    this.#next += LARGE;
    return this.#next - LARGE;
  }

  /** The key that the guest's private memory is under. */
  get key(): number {
    return this.sev ? this.asid : Frame.RAW;
  }

  get context(): VcpuContext {
    const { sev, snp, asid, cr3 } = this;
    return { asid, vmpl: 0, cpl: 0, sev, es: snp, snp, paging: true, cr3, ncr3: this.root };
  }

  /** Loads the guest, with what should differ. */
  load(change: Partial<VcpuContext> = {}): void {
    this.core.guest.load({ ...this.context, ...change });
  }

  /** Maps gpa to spa in the nested tables with the entry's flags. */
  nest(gpa: bigint, spa: bigint, flags: bigint = OPEN, large = false): void {
    const links = [this.small() | OPEN, this.small() | OPEN, this.small() | OPEN];
    const leaf = spa | flags | (large ? LARGE_LEAF : 0n);
    const taken = this.core.host.mapNested(this.root, gpa, leaf, large ? 1 : 0, links);
    if (taken > 3) throw new Error(`nested mapping: ${taken}`);
  }

  /** The hypervisor changes bits of the nested entry of a level for a gpa. */
  flipNested(gpa: bigint, level: bigint, bits: bigint): boolean {
    const { host } = this.core;
    const bytes = new Uint8Array(8);
    const view = new DataView(bytes.buffer);
    let entry = this.root;
    let at = 0n;
    for (let above = 3n; above >= level; above--) {
      at = (entry & 0xf_ffff_f000n) + ((gpa >> (12n + 9n * above)) & 511n) * 8n;
      host.read(at, bytes);
      entry = view.getBigUint64(0, true);
    }
    view.setBigUint64(0, entry ^ bits, true);
    return host.write(at, bytes);
  }

  /** Gives a page to the guest, validated, all permissions to every VMPL. */
  own(spa: bigint, gpa: bigint, large = false): void {
    const low = rmpLow({ assigned: true, large, gpa, asid: this.asid, validated: true });
    this.core.firmware.setRmp(spa, low, FULL * 0x01010101n);
  }

  /** What the firmware does for a TDI in RUN, the host having attached it to the guest's tables. */
  trust(rid: number, change: Partial<SecureEntry> = {}): void {
    this.core.host.attach(rid, this.root);
    this.core.firmware.setSecure(rid, {
      read: true,
      write: true,
      asid: this.asid,
      vmpl: 0,
      vTom: undefined,
      streamIds: Uint8Array.of(VIA.streamId, 255, 255, 255, 255, 255, 255, 255),
      rootPortId: VIA.rootPortId,
      ...change,
    });
  }

  /** Backs a gpa with fresh private memory. Answers the spa. */
  back(gpa: bigint, large = false): bigint {
    const spa = large ? this.large() : this.small();
    this.nest(gpa, spa, OPEN, large);
    if (this.snp) this.own(spa, gpa, large);
    return spa;
  }

  /** Maps gva in the guest's tables: the leaf as it is, at level 0 or 1, open tables above it. */
  map(gva: bigint, leaf: bigint, large = false): void {
    const write = (table: bigint, level: bigint, entry: bigint) => {
      const at = (this.#spas.get(table) as bigint) + ((gva >> (12n + 9n * level)) & 511n) * 8n;
      const bytes = new Uint8Array(8);
      new DataView(bytes.buffer).setBigUint64(0, entry, true);
      if (!this.core.firmware.write(at, this.key, bytes)) throw new Error("table write refused");
    };
    const last = large ? 1n : 0n;
    let table = this.cr3;
    for (let level = 3n; level > last; level--) {
      const below = this.#table(`${level - 1n}:${gva >> (12n + 9n * level)}`);
      write(table, level, below | OPEN | this.cBit);
      table = below;
    }
    write(table, last, leaf | (large ? LARGE_LEAF : 0n));
  }

  /** Where the guest has the table of a level for an address. */
  gpaOfTable(gva: bigint, level: bigint): bigint {
    return this.#table(`${level}:${gva >> (21n + 9n * level)}`);
  }

  #table(name: string): bigint {
    const known = this.#tables.get(name);
    if (known !== undefined) return known;
    const gpa = this.#nextGpa;
    this.#nextGpa += PAGE;
    const spa = this.back(gpa);
    this.core.firmware.write(spa, this.key, new Uint8Array(4096));
    this.#spas.set(gpa, spa);
    this.#tables.set(name, gpa);
    return gpa;
  }

  read(gva: bigint, length = 16): Uint8Array | Exit {
    const into = new Uint8Array(length);
    return this.core.guest.read(gva, into) ? into : this.core.guest.exit();
  }

  fetch(gva: bigint, length = 16): Uint8Array | Exit {
    const into = new Uint8Array(length);
    return this.core.guest.fetch(gva, into) ? into : this.core.guest.exit();
  }

  write(gva: bigint, from: Uint8Array): true | Exit {
    return this.core.guest.write(gva, from) || this.core.guest.exit();
  }

  /** What the chips hold. */
  dram(spa: bigint, length = 16): Uint8Array {
    const into = new Uint8Array(length);
    if (!this.core.dimm.read(spa, into)) throw new Error("the probe was refused");
    return into;
  }
}
