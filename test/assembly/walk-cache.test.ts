// What walks leave behind for the next ones: nothing may outlive what it depended on. The same steps on a machine that remembers
// and on one that walks every time must give the same answers, faults, table bits and bytes on the chips.
import { ports } from "../../dist/core.js";
import type { ChipName, Generation } from "../../dist/index.js";
import { silicon, startMachine } from "../../dist/silicon.js";
import type { VcpuContext } from "../../ts/port.ts";
import {
  ACCESSED,
  Chance,
  coreModule,
  DIRTY,
  hex,
  LARGE,
  MIB,
  NX,
  OPEN,
  PAGE,
  PRESENT,
  USER,
  WRITABLE,
} from "../core.ts";
import { assert, suite } from "../kit.ts";
import { Lab } from "../lab.ts";

const test = suite("what walks leave behind");

const DRAM = 0x800_0000n;
const GPA = 0x2000_0000n;
const BIG = 0x3000_0000n;
const GVA = 0x7000_0000n;
const PAGES = 12;
// The lowest table of the pages, and the one above it, as the guest itself reaches them.
const TABLE = GVA + 0x40_0000n;
const ABOVE = TABLE + PAGE;
const word = (value: bigint) => {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value, true);
  return bytes;
};

/** One machine, and steps whose parameters come from outside. */
class Scene {
  readonly lab: Lab;
  readonly spas: bigint[] = [];
  readonly larges: bigint[] = [];
  readonly others: bigint[] = [];
  readonly #forgets: boolean;

  constructor(chip: ChipName, generation: Generation, forgets: boolean, lab?: Lab) {
    this.lab = lab ?? new Lab({ generation, chip, dram: DRAM });
    this.#forgets = forgets;
    const { cBit } = this.lab;
    for (let i = 0n; i < PAGES; i++) this.spas.push(this.lab.back(GPA + i * PAGE));
    for (let i = 0n; i < 2n; i++) this.larges.push(this.lab.back(BIG + i * LARGE, true));
    for (let i = 0; i < 4; i++) this.others.push(this.lab.small());
    for (let i = 0n; i < PAGES; i++) this.lab.map(GVA + i * PAGE, (GPA + i * PAGE) | OPEN | cBit);
    for (let i = 0n; i < 2n; i++)
      this.lab.map(GVA + LARGE + i * PAGE, (BIG + i * LARGE) | OPEN | cBit);
    this.lab.map(TABLE, this.lab.gpaOfTable(GVA, 0n) | OPEN | cBit);
    this.lab.map(ABOVE, this.lab.gpaOfTable(GVA, 1n) | OPEN | cBit);
    this.lab.load();
  }

  /** One access; what came of it. */
  access(kind: "read" | "write" | "fetch", gva: bigint, data: Uint8Array): string {
    const { lab } = this;
    this.forget();
    const seen = kind === "write" ? lab.write(gva, data) : lab[kind](gva, data.length);
    if (seen === true) return "written";
    if (seen instanceof Uint8Array) return hex(seen);
    const { kind: how, code, info1, info2, gpa } = seen;
    return [how, code, info1, info2, gpa].join(" ");
  }

  load(change: Partial<VcpuContext>): void {
    this.lab.load(change);
  }

  /** Nothing that was remembered is used from here on, where the machine is the one that walks every time. */
  forget(): void {
    if (this.#forgets) for (const asid of [1, 2]) this.lab.core.host.flushAsid(asid);
  }

  /** The kernel writes an entry of its own tables. */
  guestWrite(gva: bigint, entry: bigint): string {
    this.load({});
    this.forget();
    const seen = this.lab.write(gva, word(entry));
    return seen === true ? "written" : `${seen.code} ${seen.info1} ${seen.gpa}`;
  }

  chips(): string {
    const { lab } = this;
    lab.core.host.wbinvd();
    const all = new Uint8Array(Number(lab.next - 0x100_0000n));
    assert.ok(lab.core.dimm.read(0x100_0000n, all));
    return hex(all);
  }
}

type Step = (scene: Scene) => unknown;

/** A step of software or hardware that changes what walks depend on. What it draws it draws now, once for all machines. */
function change(chance: Chance, snp: boolean): Step {
  const page = BigInt(chance.below(PAGES));
  const [index, other, again] = [chance.below(PAGES), chance.below(4), chance.once(2)];
  const flags = flagsOf(chance);
  const isPrivate = !chance.once(4);
  const leaf = ({ lab }: Scene) => (GPA + page * PAGE) | flags | (isPrivate ? lab.cBit : 0n);
  const steps: Step[] = [
    (scene) => scene.lab.map(GVA + BigInt(index) * PAGE, leaf(scene)),
    // The guest's own hand, through the window on its tables; or twice, with no walk in between that reads what was written.
    (scene) => {
      const first = scene.guestWrite(TABLE + BigInt(index) * 8n, leaf(scene));
      return again ? [first, scene.guestWrite(TABLE + 8n * (page & ~1n), leaf(scene))] : first;
    },
    (scene) => {
      const at = ABOVE + ((GVA >> 21n) & 511n) * 8n;
      const table = scene.lab.gpaOfTable(GVA, 0n);
      return scene.guestWrite(at, table | flags | PRESENT | scene.lab.cBit);
    },
    ({ lab, spas, others }) =>
      lab.nest(GPA + page * PAGE, (again ? spas[Number(page)] : others[other])!, flags),
    ({ lab, spas }) => lab.nest(GPA + page * PAGE, spas[Number(page)]!, OPEN),
    ({ lab, larges }) => lab.nest(BIG + (page & 1n) * LARGE, larges[again ? 1 : 0]!, flags, true),
    // The mapping of one of the guest's tables; then a pointer of the nested tables.
    (scene) => {
      const gpa = scene.lab.gpaOfTable(GVA, page % 4n);
      return scene.lab.flipNested(gpa, 0n, again ? PRESENT : 0x60n);
    },
    (scene) => scene.lab.flipNested(GPA, 1n + (page % 2n), PRESENT),
    ({ lab, spas }) => lab.core.host.write(spas[index]! + 64n, word(flags)),
    ({ lab, spas }) => lab.core.dimm.write(spas[index]! + 128n, word(flags)),
    ({ lab }) => (again ? lab.core.host.wbinvd() : lab.core.host.flushAsid(1)),
    (scene) => scene.load({ vmpl: snp ? other : 0, cpl: again ? 3 : 0 }),
    (scene) => scene.load(again ? { asid: 2 } : {}),
    (scene) => scene.load(again ? { paging: false } : {}),
  ];
  if (snp) steps.push(...owned(chance));
  return chance.pick(steps);
}

function flagsOf(chance: Chance): bigint {
  let flags = USER | PRESENT | WRITABLE;
  if (chance.once(4)) flags &= ~WRITABLE;
  if (chance.once(8)) flags &= ~PRESENT;
  if (chance.once(4)) flags |= NX;
  return chance.once(2) ? flags | ACCESSED | DIRTY : flags;
}

/** Steps that change the RMP. */
function owned(chance: Chance): Step[] {
  const index = chance.below(PAGES);
  const gpa = GPA + BigInt(index) * PAGE;
  const [asid, validated] = [chance.once(4) ? 0 : 1, chance.once(2)];
  const vmpl = 1 + chance.below(3);
  const permissions = chance.below(16);
  const level = BigInt(chance.below(4));
  return [
    ({ lab, spas }) =>
      lab.core.host.rmpupdate(spas[index]!, {
        assigned: asid !== 0,
        pageSize: "4k",
        immutable: false,
        asid,
        gpa: asid ? gpa : 0n,
      }),
    ({ lab, spas }) => lab.own(spas[index]!, gpa),
    (scene) => {
      scene.load({});
      scene.forget();
      return scene.lab.core.guest.pvalidate(GVA + BigInt(index) * PAGE, false, validated);
    },
    (scene) => {
      scene.load({});
      scene.forget();
      const gva = GVA + BigInt(index) * PAGE;
      const to = { vmpl, permissions, vmsa: false };
      return scene.lab.core.guest.rmpadjust(gva, false, to);
    },
    // A table of the guest's that a lower VMPL may no longer read.
    ({ lab }) => {
      const table = lab.gpaOfTable(GVA, level);
      const spa = lab.core.host.nestedEntry(lab.root, table) & 0xf_ffff_f000n;
      const { low } = lab.core.firmware.rmp(spa);
      return lab.core.firmware.setRmp(spa, low, validated ? 0x0f0f_0f0fn : 0x0f0f_000fn);
    },
  ];
}

function gvaOf(chance: Chance): bigint {
  if (chance.once(5)) return GVA + LARGE + BigInt(chance.below(2)) * PAGE;
  const page = GVA + BigInt(chance.below(PAGES)) * PAGE;
  return page + BigInt(chance.once(6) ? 4090 : 8 * chance.below(400));
}

/** The same access on all; all must answer alike. */
function compare(scenes: Scene[], chance: Chance, where: string): void {
  const kind = chance.pick(["read", "read", "write", "fetch"] as const);
  const gva = gvaOf(chance);
  const data = chance.bytes(16);
  const [first, ...rest] = scenes.map((scene) => scene.access(kind, gva, data));
  for (const seen of rest) {
    if (seen !== first) assert.is(seen, first, `${where}: ${kind} ${gva.toString(16)}`);
  }
}

const machines: [ChipName, Generation][] = [
  ["turin", "none"],
  ["naples", "sev"],
  ["milan", "sev-snp"],
  ["turin", "sev-snp"],
];

for (const [chip, generation] of machines) {
  test(`on ${chip} with ${generation} a machine that remembers answers as one that walks every time`, () => {
    for (const seed of [80n, 81n, 82n]) {
      const chance = new Chance(seed);
      const scenes = [false, true].map((forgets) => new Scene(chip, generation, forgets));
      const snp = generation === "sev-snp";
      if (snp || generation === "sev")
        for (const { lab } of scenes)
          lab.core.firmware.installKey(2, new Uint8Array(16).fill(5), new Uint8Array(16).fill(6));
      for (let step = 0; step < 600; step++) {
        const where = `seed ${seed}, step ${step}`;
        compare(scenes, chance, where);
        if (!chance.once(2)) continue;
        const act = change(chance, snp);
        const [first, second] = scenes.map((scene) => JSON.stringify(act(scene), plain));
        assert.is(second, first, where);
        if (chance.once(8)) for (const scene of scenes) scene.load({});
      }
      const [first, second] = scenes.map((scene) => scene.chips());
      assert.ok(first === second, `seed ${seed}: the chips differ`);
    }
  });
}

const plain = (_: string, value: unknown) => (typeof value === "bigint" ? `${value}` : value);

/** A machine that checks writes by its RMP, and a guest with SEV alone. */
function bare(plainWalks: boolean) {
  const made = silicon(64 * MIB, coreModule);
  startMachine(made, {
    dram: DRAM,
    resident: 64 * MIB,
    cipher: "xex",
    tweaks: new Chance(90n).bytes(1024),
    cBit: 51,
    addressBits: 46,
    snp: true,
    vmplFull: 0xf,
    cacheWarp: false,
  });
  made.exports.setPlainWalks(plainWalks);
  const lab = new Lab({ chip: "turin", generation: "sev", dram: DRAM }, 1, ports(made, 51));
  return new Scene("turin", "sev", false, lab);
}

test("a walk that begins at a remembered table counts as one from the root", () => {
  const chance = new Chance(91n);
  const scenes = [bare(false), bare(true)];
  for (const { lab } of scenes)
    lab.core.firmware.installKey(2, new Uint8Array(16).fill(5), new Uint8Array(16).fill(6));
  for (let step = 0; step < 400; step++) {
    compare(scenes, chance, `step ${step}`);
    if (chance.once(2)) {
      const act = change(chance, false);
      for (const scene of scenes) act(scene);
    }
    // Lines may differ: a table that was closed is opened again only when it is read.
    const [first, second] = scenes.map(({ lab }) => {
      const { WALKS, RMP_CHECKS, NPF, EXITS } = lab.core.events();
      return [WALKS, RMP_CHECKS, NPF, EXITS].join(" ");
    });
    assert.is(second, first, `step ${step}`);
  }
  assert.ok(scenes[0]!.lab.core.events().RMP_CHECKS > 400n);
});
