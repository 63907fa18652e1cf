// Walks without steps (assembly/followed.ts, assembly/remembered.ts, and the replay's refill): where one thing is not as it mostly
// is, an access must end, and be counted, as that of a machine that goes step by step.
import { chips } from "../../dist/chip/index.js";
import { rmpTable } from "../../dist/chip/rmp.js";
import * as Frame from "../../ts/abi/frame.ts";
import * as Memory from "../../ts/abi/memory.ts";
import * as Record from "../../ts/abi/record.ts";
import * as Replay from "../../ts/abi/replay.ts";
import * as Rmp from "../../ts/abi/rmp.ts";
import * as Table from "../../ts/abi/rmp-table.ts";
import * as Tlb from "../../ts/abi/tlb.ts";
import type { VcpuContext } from "../../ts/port.ts";
import { bareCore } from "../bare.ts";
import {
  ACCESSED,
  bit,
  DIRTY,
  LARGE_LEAF,
  NX,
  OPEN,
  PAGE,
  PRESENT,
  pattern,
  USER,
  WRITABLE,
} from "../core.ts";
import { assert, suite } from "../kit.ts";
import { Lab } from "../lab.ts";
import { word } from "./scene.ts";

const test = suite("walks without steps");

const DRAM = 0x800_0000n;
const GPA = 0x2060_0000n;
const GVA = 0x7040_3000n;
const LEVELS = [0n, 1n, 2n, 3n];
const FRAME = 0xf_ffff_f000n;
const [RESERVED, BEYOND] = [bit(47), bit(40)];
const FLAGS = [PRESENT, WRITABLE, USER, ACCESSED, DIRTY, LARGE_LEAF, NX, RESERVED, BEYOND];
const OPS = { read: Record.LOAD, write: Record.STORE_8, fetch: Record.FETCH };
const KINDS = ["read", "write", "fetch"] as const;

// The first page of a lab's memory is the first of a region.
const LARGE = bit(Rmp.ASSIGNED_BIT) | bit(Rmp.PAGE_SIZE_BIT);

const WALKS = ["step by step", "from the root", "remembered", "replayed"] as const;
type Walks = (typeof WALKS)[number];

/** A guest with a private page that was read, written and run. */
class Guest {
  readonly lab: Lab;
  /** Its page and its tables, the lowest first: in guest memory, and behind that. */
  readonly gpas: bigint[];
  readonly spas: bigint[];
  /** The vCPU, as far as it is not the lab's. */
  runs: Partial<VcpuContext> = {};
  readonly #walks: Walks;
  readonly #tlb: Uint8Array;

  constructor(walks: Walks) {
    this.#walks = walks;
    const { core, bytes } = bareCore("milan", DRAM, walks === "from the root");
    this.#tlb = bytes.subarray(Memory.TLB, Memory.TLB + Tlb.ENTRIES * Tlb.SIZE);
    this.lab = new Lab({ generation: "sev-snp", chip: "milan", dram: DRAM }, 1, core);
    const { lab } = this;
    core.firmware.installKey(2, pattern(16, 5), pattern(16, 6));
    for (let i = 0n; i < 2n; i++) lab.back(GPA + i * PAGE);
    lab.map(GVA, GPA | OPEN | lab.cBit);
    const tables = LEVELS.map((level) => (level === 3n ? lab.cr3 : lab.gpaOfTable(GVA, level)));
    this.gpas = [GPA, ...tables];
    this.spas = this.gpas.map((gpa) => core.host.nestedEntry(lab.root, gpa) & FRAME);
    lab.load();
    this.all(GVA);
  }

  /** Every kind of access, twice: a change may have dropped what hung on it. And the leaves' bits after that. */
  all(gva: bigint): string {
    const { lab, gpas } = this;
    const seen = [...KINDS, ...KINDS].map((kind) => this.#access(kind, gva));
    const leaves = gpas.map((gpa) => lab.core.host.nestedEntry(lab.root, gpa));
    return [...seen, ...LEVELS.map((level) => this.#entry(level)), ...leaves].join("; ");
  }

  #access(kind: (typeof KINDS)[number], gva: bigint): string {
    const { guest, host, events } = this.lab.core;
    // No page's own row in the TLB; and where each walk takes all its steps, nothing else either.
    this.#tlb.fill(0);
    if (this.#walks === "step by step") for (const asid of [1, 2, 3]) host.flushAsid(asid);
    const before = events();
    const done = this.#walks === "replayed" ? this.#replay(OPS[kind], gva) : this.#touch(kind, gva);
    const { kind: how, code, info1, info2, gpa } = guest.exit();
    const after = events();
    const counted = [after.WALKS - before.WALKS, after.RMP_CHECKS - before.RMP_CHECKS];
    return [kind, done || [how, code, info1, info2, gpa], ...counted].join(" ");
  }

  #touch(kind: (typeof KINDS)[number], gva: bigint): boolean {
    const bytes = new Uint8Array(8);
    const { guest } = this.lab.core;
    return kind === "write" ? guest.write(gva, bytes) : guest[kind](gva, bytes);
  }

  #replay(op: number, gva: bigint): boolean {
    const { replay } = this.lab.core.guest;
    const record = new DataView(new ArrayBuffer(Record.SIZE));
    record.setBigUint64(Record.GVA, gva, true);
    record.setUint32(Record.BYTES, 8, true);
    record.setUint8(Record.OP, op);
    replay.fill(new Uint8Array(record.buffer), 0n);
    return replay.run(0, 1).stop === Replay.DONE;
  }

  #entryAt(level: bigint): bigint {
    return this.spas[Number(level) + 1]! + ((GVA >> (12n + 9n * level)) & 511n) * 8n;
  }

  #entry(level: bigint): bigint {
    const view = new DataView(new ArrayBuffer(8));
    this.lab.core.firmware.read(this.#entryAt(level), 1, new Uint8Array(view.buffer));
    return view.getBigUint64(0, true);
  }

  /** Changes bits of the guest's entry of a level. */
  flip(level: bigint, bits: bigint, key = 1): void {
    const entry = this.#entry(level) ^ bits;
    assert.ok(this.lab.core.firmware.write(this.#entryAt(level), key, word(entry)));
  }
}

/** After a change, and after it is undone, for the kernel and for a user: all guests must see the same. */
function compare(guests: Guest[], change: (guest: Guest) => void, name: string, gva = GVA): void {
  const seen = guests.map((guest) => {
    change(guest);
    return ([0, 3] as const).map((cpl) => {
      guest.lab.load({ ...guest.runs, cpl });
      return guest.all(gva);
    });
  });
  for (const [i, each] of seen.entries()) assert.equal(each, seen[0], `${name}, ${WALKS[i]}`);
}

const all = (): Guest[] => WALKS.map((walks) => new Guest(walks));

test("a bit of a guest's entry", () => {
  const guests = all();
  for (const level of LEVELS)
    for (const flag of [...FLAGS, PAGE, guests[0]!.lab.cBit])
      for (const time of ["changed", "as before"])
        compare(guests, (guest) => guest.flip(level, flag), `level ${level}, ${flag} ${time}`);
});

test("a bit of a nested entry, of the page or of one of the guest's tables", () => {
  const guests = all();
  for (const [i, level] of guests[0]!.gpas.flatMap((_, i) => LEVELS.map((l) => [i, l] as const)))
    for (const flag of FLAGS)
      for (const time of ["changed", "as before"])
        compare(
          guests,
          ({ lab, gpas }) => assert.ok(lab.flipNested(gpas[i]!, level, flag)),
          `gpa ${i}, level ${level}, ${flag} ${time}`,
        );
});

test("a nested table that is named by another key", () => {
  for (const level of LEVELS.slice(1)) {
    const guests = all();
    for (const time of ["changed", "as before"])
      compare(
        guests,
        ({ lab }) => assert.ok(lab.flipNested(GPA, level, lab.cBit)),
        `level ${level} ${time}`,
      );
  }
});

test("a bit of the RMP's entry of the page or of one of the guest's tables", () => {
  const guests = all();
  const low = [
    Rmp.ASSIGNED_BIT,
    Rmp.PAGE_SIZE_BIT,
    Rmp.IMMUTABLE_BIT,
    Rmp.GPA_LSB,
    Rmp.GPA_LSB + Rmp.GPA_WIDTH - 1,
    Rmp.ASID_LSB + 1,
    Rmp.VMSA_BIT,
    Rmp.VALIDATED_BIT,
    Rmp.LOCK_BIT,
  ].map((position) => [bit(position), 0n] as const);
  const high = [0, 1, 2, 3].map((position) => [0n, bit(position)] as const);
  for (const i of guests[0]!.spas.keys())
    for (const [lows, highs] of [...low, ...high])
      for (const time of ["changed", "as before"])
        compare(
          guests,
          ({ lab, spas }) => {
            const { firmware } = lab.core;
            const entry = firmware.rmp(spas[i]!);
            firmware.setRmp(spas[i]!, entry.low ^ lows, entry.high ^ highs);
          },
          `page ${i}, ${lows} ${highs} ${time}`,
        );
});

test("a region whose first entry is of 2 MiB by a probe's hand, while its pages are open", () => {
  const guests = all();
  const at = (spa: bigint) =>
    rmpTable(chips.milan, DRAM).base + BigInt(Table.BOOKKEEPING) + (spa / PAGE) * 16n;
  for (const low of [
    LARGE,
    LARGE | GPA | (1n << BigInt(Rmp.ASID_LSB)) | bit(Rmp.VALIDATED_BIT),
    0n,
  ])
    compare(
      guests,
      ({ lab }) => assert.ok(lab.core.dimm.write(at(lab.root), word(low))),
      `the first entry is ${low}`,
    );
});

test("a guest's table that is open without its key, and says the same so", () => {
  const guests = all();
  // Under the guest's key it is another.
  const read = ({ lab, spas }: Guest) => {
    lab.core.firmware.read(spas[1]!, Frame.RAW, new Uint8Array(8));
  };
  compare(guests, (guest) => guest.flip(0n, 0n, Frame.RAW), "written");
  compare(guests, read, "read");
});

test("who runs, and what is open", () => {
  const guests = all();
  const load = (change: Partial<VcpuContext>) => (guest: Guest) => {
    guest.runs = change;
  };
  const changes: Partial<VcpuContext>[] = [
    { vmpl: 1 },
    { asid: 2 },
    { asid: 3 },
    { paging: false },
    { sev: false, es: false, snp: false },
    { es: false, snp: false },
    { cr3: GPA + PAGE },
    { ncr3: 0n },
    { ncr3: BEYOND },
    {},
  ];
  for (const change of changes) compare(guests, load(change), Object.keys(change).join());
  // Another has looked, so that the page, or a table, is open without the guest's key.
  for (const i of guests[0]!.spas.keys())
    compare(
      guests,
      ({ lab, spas }) => assert.ok(lab.core.host.read(spas[i]!, new Uint8Array(8))),
      `page ${i} is open for the host`,
    );
  compare(guests, () => {}, "no address", GVA | bit(48));
  compare(guests, ({ lab }) => lab.core.firmware.removeKey(1), "its key is leaving");
});

test("a page of tables that the TLB does not know is not written behind the walks that read it", () => {
  const { lab } = new Guest("replayed");
  const window = GVA + 0x40_0000n;
  lab.map(window, lab.gpaOfTable(GVA, 0n) | OPEN | lab.cBit);
  const { replay } = lab.core.guest;
  const entry = window + ((GVA >> 12n) & 511n) * 8n;
  const accesses: [number, bigint][] = [
    [Record.STORE_8, window],
    [Record.LOAD, window],
    [Record.LOAD, GVA],
    [Record.STORE_8, entry],
    [Record.LOAD, GVA],
  ];
  const records = new DataView(new ArrayBuffer(accesses.length * Record.SIZE));
  accesses.forEach(([op, gva], i) => {
    records.setBigUint64(i * Record.SIZE + Record.GVA, gva, true);
    records.setUint32(i * Record.SIZE + Record.BYTES, 8, true);
    records.setUint8(i * Record.SIZE + Record.OP, op);
  });
  replay.fill(new Uint8Array(records.buffer), 0n);
  assert.equal(replay.run(0, accesses.length), { at: 4, stop: Replay.REFUSED });
});
