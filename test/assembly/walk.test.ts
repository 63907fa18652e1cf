// The nested walk against its slow twin, over random tables that change under it. APM vol. 2, 15.25.
import { isCapable } from "../../dist/chip/chip.js";
import { type ChipName, createPlatform, type Generation } from "../../dist/index.js";
import * as Frame from "../../ts/abi/frame.ts";
import * as Capability from "../../ts/abi/sev-capability.ts";
import type { Core } from "../../ts/port.ts";
import { bareCore } from "../bare.ts";
import {
  Chance,
  hex,
  LARGE,
  LARGE_LEAF,
  MIB,
  NX,
  OPEN,
  PAGE,
  PRESENT,
  pattern,
  rmpLow,
  USER,
  WRITABLE,
  withCore,
} from "../core.ts";
import { assert, suite } from "../kit.ts";
import { type Access, Rmp } from "../oracle/rmp.ts";
import { Refused, Walker, type World } from "../oracle/walk.ts";

const test = suite("nested walk");

const DRAM = 0x800_0000n;
const ASID = 1;
const bytesOf = (word: bigint) => {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, word, true);
  return bytes;
};

/** Four regions of 2 MiB: tables and data, nested 4 KiB and 2 MiB; the guest maps both sizes over all. */
class RandomMachine {
  readonly world: World;
  readonly core: Core;
  readonly chance: Chance;
  readonly #encrypted: boolean;
  readonly #guestKey: number;
  readonly #generation: Generation;
  readonly #tables: { gpa: bigint; spa: bigint; level: number }[] = [];
  readonly #nestedLeaves: bigint[] = [];
  readonly #blocks = new Map<bigint, { key: number; bytes: string }>();
  #next = 0x10_0000n;

  /** Its walks may remember nothing. */
  constructor(chip: ChipName, generation: Generation, seed: bigint, plainWalks = false) {
    const platform = createPlatform({
      chip,
      generation,
      dram: DRAM,
      resident: 64 * MIB,
      ...withCore,
    });
    this.core = plainWalks ? bareCore(chip, DRAM, true).core : platform.core;
    this.chance = new Chance(seed);
    this.#generation = generation;
    this.#encrypted = generation === "sme";
    const sev = generation !== "none" && generation !== "sme";
    const snp = generation === "sev-snp";
    if (sev) this.core.firmware.installKey(ASID, pattern(16, 1), pattern(16, 2));
    this.#guestKey = sev ? ASID : this.#encrypted ? 0 : Frame.RAW;
    const { cBit, physicalBits, reducedBits } = platform.chip;
    const encrypts = generation !== "none";
    this.world = {
      words: new Map(),
      cBit: encrypts ? 1n << BigInt(cBit) : 0n,
      addressBits: physicalBits - (encrypts ? reducedBits : 0),
      dram: DRAM,
      sev,
      ...(snp
        ? {
            rmp: new Rmp(
              Number(DRAM / PAGE),
              isCapable(platform.chip, Capability.VMPL_SSS_BIT) ? 0x1f : 0xf,
            ),
          }
        : {}),
      asid: ASID,
      vmpl: 0,
      user: false,
      paging: true,
      cr3: 0n,
      ncr3: 0n,
    };
    this.world.ncr3 = this.#page() | this.#hostC;
    for (let region = 0n; region < 4n; region++) this.#back(region);
    this.#guestTables();
  }

  get #hostC(): bigint {
    return this.#encrypted ? this.world.cBit : 0n;
  }

  /** A page of zeros for a nested table. */
  #page(): bigint {
    this.core.host.write(this.#next, new Uint8Array(4096), this.#encrypted);
    this.#next += PAGE;
    return this.#next - PAGE;
  }

  setNested(spa: bigint, entry: bigint): void {
    this.world.words.set(spa, entry);
    assert.ok(this.core.host.write(spa, bytesOf(entry), this.#encrypted));
  }

  setGuest(spa: bigint, entry: bigint): void {
    this.world.words.set(spa, entry);
    assert.ok(this.core.firmware.write(spa, this.#guestKey, bytesOf(entry)));
  }

  #nestedPath(gpa: bigint, levels: bigint): bigint {
    let table = this.world.ncr3 & ~this.world.cBit;
    for (let level = 3n; level > levels; level--) {
      const at = table + ((gpa >> (12n + 9n * level)) & 511n) * 8n;
      if (!this.world.words.has(at)) this.setNested(at, this.#page() | OPEN | this.#hostC);
      table = this.world.words.get(at)! & 0xf_ffff_f000n;
    }
    return table + ((gpa >> (12n + 9n * levels)) & 511n) * 8n;
  }

  /** Nested mapping of a region of guest physical memory: even ones 4 KiB by 4 KiB, odd ones 2 MiB. */
  #back(region: bigint): void {
    const spa = 0x200_0000n + region * LARGE;
    const large = region % 2n === 1n;
    for (let page = 0n; page < (large ? 1n : 24n); page++) {
      const gpa = region * LARGE + page * PAGE;
      const at = this.#nestedPath(gpa, large ? 1n : 0n);
      const flags = page < 12n ? OPEN : this.#flags(30);
      const encrypted = this.#encrypted && (region < 2n || this.chance.once(2));
      this.setNested(
        at,
        (spa + page * PAGE) |
          flags |
          (large ? LARGE_LEAF : 0n) |
          (encrypted ? this.world.cBit : 0n),
      );
      if (region >= 2n) this.#nestedLeaves.push(at);
      if (!this.world.rmp || (region === 2n && page % 5n === 4n)) continue;
      const mask = () => (page < 12n && region < 2n ? 0xf : this.chance.below(16));
      const entry = {
        assigned: true,
        large,
        immutable: false,
        gpa,
        asid: ASID,
        vmsa: false,
        validated: page < 12n || !this.chance.once(8),
        masks: [mask(), mask(), mask(), mask()],
        locked: false,
      };
      this.world.rmp.entries.set(Number((spa + page * PAGE) / PAGE), entry);
      const high = entry.masks.reduce((sum, bits, i) => sum | (BigInt(bits) << BigInt(8 * i)), 0n);
      assert.ok(this.core.firmware.setRmp(spa + page * PAGE, rmpLow(entry), high));
    }
  }

  /** Random flags, each wrong once in `rare` times. */
  #flags(rare: number): bigint {
    const { chance } = this;
    let flags = 0n;
    for (const flag of [PRESENT, WRITABLE, USER]) if (!chance.once(rare)) flags |= flag;
    if (chance.once(rare)) flags |= NX;
    if (chance.once(rare * 2)) flags |= 1n << BigInt(46 + chance.below(6));
    if (chance.once(3)) flags |= 0x20n;
    return chance.once(4) ? flags | 0x40n : flags;
  }

  /** Tables of two branches at each level but the lowest, in pages of regions 0 and 1. */
  #guestTables(): void {
    const add = (level: number) => {
      const n = BigInt(this.#tables.length);
      const page = (n >> 1n) % 12n;
      const table = {
        gpa: (n & 1n) * LARGE + page * PAGE,
        spa: 0x200_0000n + (n & 1n) * LARGE + page * PAGE,
        level,
      };
      this.#tables.push(table);
      assert.ok(this.core.firmware.write(table.spa, this.#guestKey, new Uint8Array(4096)));
      return table;
    };
    const fill = (table: { spa: bigint; level: number }) => {
      for (const index of table.level === 3 ? [0n, 511n] : [0n, 5n]) {
        if (table.level === 0) continue;
        if (table.level > 1 || index === 0n) {
          const below = add(table.level - 1);
          this.setGuest(table.spa + index * 8n, below.gpa | this.#flags(60) | PRESENT | this.#c());
          fill(below);
        } else this.setGuest(table.spa + index * 8n, this.#leaf(1));
      }
      if (table.level === 0)
        for (let index = 0n; index < 6n; index++)
          this.setGuest(table.spa + index * 8n, this.#leaf(0));
    };
    const root = add(3);
    this.world.cr3 = root.gpa;
    fill(root);
  }

  #c(): bigint {
    return this.world.sev ? this.world.cBit : 0n;
  }

  #leaf(level: number): bigint {
    const region = BigInt(2 + this.chance.below(2));
    const page = level === 0 ? BigInt(this.chance.below(26)) : 0n;
    const c = this.chance.once(4) ? 0n : this.#c();
    const odd = level === 1 && this.chance.once(12) ? 0x4000n : 0n;
    return (
      (region * LARGE + page * PAGE) | this.#flags(12) | c | odd | (level === 1 ? LARGE_LEAF : 0n)
    );
  }

  randomGva(): bigint {
    const { chance } = this;
    const index = (choices: bigint[]) => chance.pick(choices);
    const high = index([0n, 511n]);
    const low =
      (high << 39n) |
      (index([0n, 5n]) << 30n) |
      (index([0n, 5n]) << 21n) |
      (index([0n, 1n, 2n, 3n, 4n, 5n, 6n]) << 12n);
    const gva = BigInt.asUintN(64, BigInt.asIntN(48, low | BigInt(16 * chance.below(4))));
    return chance.once(40) ? gva ^ (1n << BigInt(48 + chance.below(16))) : gva;
  }

  /** A guest's or the host's change of one entry. */
  change(): void {
    const { chance } = this;
    const table = chance.pick(this.#tables.filter(({ level }) => level < 2));
    const at = table.spa + BigInt(chance.below(6)) * 8n;
    if (chance.once(4)) {
      const leaf = chance.pick(this.#nestedLeaves);
      const keep = this.world.words.get(leaf)! & (~0xfffn | LARGE_LEAF) & ~NX & ~(0x3fn << 46n);
      this.setNested(leaf, keep | this.#flags(8) | (this.world.words.get(leaf)! & this.#hostC));
    } else if (table.level === 0) this.setGuest(at, this.#leaf(0));
    else {
      const old = this.world.words.get(table.spa) ?? 0n;
      this.setGuest(table.spa, (old & 0x3f_f000n) | this.#c() | this.#flags(12));
    }
  }

  access(where: string): void {
    const { chance, world, core } = this;
    world.vmpl = chance.below(this.#generation === "sev-snp" ? 4 : 1);
    world.user = chance.once(2);
    world.paging = !chance.once(30);
    const snp = this.#generation === "sev-snp";
    core.guest.load({
      asid: ASID,
      vmpl: world.vmpl,
      cpl: world.user ? 3 : 0,
      sev: world.sev,
      es: snp,
      snp,
      paging: world.paging,
      cr3: world.cr3,
      ncr3: world.ncr3,
    });
    const gva = world.paging ? this.randomGva() : 2n * LARGE + BigInt(chance.below(26)) * PAGE;
    const access = chance.pick<Access>(["read", "read", "write", "fetch"]);
    for (const time of ["first", "second"])
      this.#compare(gva, access, `${where}, ${access} ${gva.toString(16)} ${time}`);
  }

  #compare(gva: bigint, access: Access, where: string): void {
    const walker = new Walker(this.world);
    const data = this.chance.bytes(16);
    const seen = access === "read" ? new Uint8Array(16) : data.slice();
    const done =
      access === "write" ? this.core.guest.write(gva, data) : this.core.guest[access](gva, seen);
    try {
      const { spa, key = Frame.RAW } = walker.access(gva, access);
      if (!done) assert.equal(this.core.guest.exit(), undefined, where);
      const block = this.#blocks.get(spa);
      if (access === "write") this.#blocks.set(spa, { key, bytes: hex(data) });
      else if (block) assert.is(hex(seen) === block.bytes, block.key === key, where);
    } catch (refused) {
      if (!(refused instanceof Refused)) throw refused;
      const { kind, code, info1, info2, gpa, gva: at } = this.core.guest.exit();
      assert.not.ok(done, `${where}: allowed, expected ${refused.exit}`);
      assert.equal([kind, code, info1, info2, gpa, at], [...refused.exit, gva], where);
    }
    for (const spa of walker.visited) this.#compareWord(spa, where);
  }

  #compareWord(spa: bigint, where: string): void {
    const bytes = new Uint8Array(8);
    const guest = this.#tables.some((table) => table.spa === spa - (spa % PAGE));
    if (guest) this.core.firmware.read(spa, this.#guestKey, bytes);
    else this.core.host.read(spa, bytes, this.#encrypted);
    const word = new DataView(bytes.buffer).getBigUint64(0, true);
    if (word !== this.world.words.get(spa))
      assert.is(word, this.world.words.get(spa), `${where}: entry at ${spa}`);
  }

  compareAll(where: string): void {
    for (const spa of this.world.words.keys()) this.#compareWord(spa, where);
  }
}

const machines: [ChipName, Generation][] = [
  ["turin", "none"],
  ["naples", "sme"],
  ["naples", "sev"],
  ["milan", "sme"],
  ["rome", "sev-es"],
  ["milan", "sev-snp"],
  ["turin", "sev-snp"],
];

/** Accesses and changes in turn; all must end as the twin says. */
function exercise(machine: RandomMachine, name: string): void {
  for (let step = 0; step < 500; step++) {
    const where = `${name}, step ${step}`;
    machine.access(where);
    if (machine.chance.once(3)) machine.change();
    if (machine.chance.once(60)) machine.core.host.wbinvd();
    if (step % 100 === 0) machine.compareAll(where);
  }
}

for (const [chip, generation] of machines) {
  test(`on ${chip} with ${generation} every walk ends as its twin says, remembered or not, whoever changes an entry`, () => {
    for (const seed of [60n, 61n, 62n, 63n])
      exercise(new RandomMachine(chip, generation, seed), `seed ${seed}`);
  });
}

test("so does every walk that begins at the root each time", () => {
  for (const seed of [64n, 65n, 66n, 67n])
    exercise(new RandomMachine("milan", "sev-snp", seed, true), `seed ${seed}`);
});
