// SNP guests for the engine's figures: their tables, RMP entries and pages, all open and written once; and traces over them.
import * as Memory from "../dist/abi/memory.js";
import * as Record from "../dist/abi/record.js";
import * as Rmp from "../dist/abi/rmp.js";
import * as Vcpu from "../dist/abi/vcpu.js";
import { chips } from "../dist/chip/index.js";
import { rmpTable } from "../dist/chip/rmp.js";
import { type Silicon, silicon, startMachine } from "../dist/core/silicon.js";
import { ports } from "../dist/core.js";

const PAGE = 4096;
const ENTRIES = 512;
const DRAM = 64n << 30n;
const C_BIT = 51;
const PRIVATE = 1n << BigInt(C_BIT);
// Present, writable, user, accessed, dirty: walks change nothing.
const OPEN = 0x67n;
const TOP = 3;
const ASSIGNED = 1n << BigInt(Rmp.ASSIGNED_BIT);
const VALIDATED = 1n << BigInt(Rmp.VALIDATED_BIT);
const ASID = BigInt(Rmp.ASID_LSB);
const EVERY_RIGHT = 0x0f0f0f0fn;
/** Where a guest's pages begin. */
const GVA = 0x10_0000_0000n;

export interface Guest {
  asid: number;
  pages: number;
  /** The page of system memory behind a page of the guest, in an order that is not the guest's own. */
  spaOf(page: number): number;
  gvaOf(page: number): bigint;
  /** Its registers, as much as an access needs. */
  vcpu: Uint8Array;
}

export interface Bench {
  made: Silicon;
  guests: Guest[];
}

/** A machine with so many guests of so many pages (a power of two) each. */
export function machineOf(guests: number, pages: number): Bench {
  const tables = Math.ceil(pages / ENTRIES) + 8;
  const resident = (64 << 20) + guests * (pages + 4 * tables) * PAGE * 1.1;
  const made = silicon(Math.ceil(resident / 65536) * 65536);
  startMachine(made, {
    dram: DRAM,
    resident: made.bytes.length,
    cipher: "xex",
    tweaks: new Uint8Array(1024).map((_, i) => (i * 7 + 1) & 0xff),
    cBit: C_BIT,
    addressBits: 46,
    snp: true,
    vmplFull: 15,
    cacheWarp: false,
    rmp: rmpTable(chips.milan, DRAM),
  });
  const each = Array.from({ length: guests }, (_, i) => guestOf(made, i + 1, pages, i));
  // Each page a second time: whatever one guest's pages took from another's is back.
  for (const guest of each) touch(made, guest);
  return { made, guests: each };
}

function guestOf(made: Silicon, asid: number, pages: number, index: number): Guest {
  const core = ports(made, C_BIT);
  const { host, firmware } = core;
  firmware.installKey(asid, new Uint8Array(16).fill(asid), new Uint8Array(16).fill(255 - asid));
  // System memory of a guest: its pages, its tables, the host's tables for it.
  const room = pages + 4 * (Math.ceil(pages / ENTRIES) + 8);
  const first = 0x1000 + index * 2 ** Math.ceil(Math.log2(room));
  const scattered = (page: number) => Math.imul(page, 0x9e3779b1) & (pages - 1);
  const spaOf = (page: number) => first + (page < pages ? scattered(page) : page);
  let next = pages;
  const guestTables = build(
    Number(GVA >> 12n),
    pages,
    (page) => (BigInt(page) << 12n) | OPEN | PRIVATE,
    () => next++,
  );
  const mapped = next;
  const hostTables = build(
    0,
    mapped,
    (page) => (BigInt(spaOf(page)) << 12n) | OPEN,
    () => first + next++,
  );
  for (const { page, entries } of hostTables.all)
    if (!host.write(BigInt(page) << 12n, bytesOf(entries))) throw new Error("a table was refused");
  for (const { page, entries } of guestTables.all) {
    for (let i = 0; i < ENTRIES; i++) if (entries[i]) entries[i]! |= PRIVATE;
    firmware.write(BigInt(spaOf(page)) << 12n, asid, bytesOf(entries));
  }
  for (let page = 0; page < mapped; page++) {
    const entry = ASSIGNED | VALIDATED | (BigInt(page) << 12n) | (BigInt(asid) << ASID);
    firmware.setRmp(BigInt(spaOf(page)) << 12n, entry, EVERY_RIGHT);
  }
  const cr3 = BigInt(guestTables.root) << 12n;
  const ncr3 = BigInt(hostTables.root) << 12n;
  const bits = { vmpl: 0, cpl: 3 as const, sev: true, es: true, snp: true, paging: true };
  core.guest.load({ asid, ...bits, cr3, ncr3 });
  const vcpu = made.bytes.slice(Memory.VCPU, Memory.VCPU + Vcpu.SIZE);
  const gvaOf = (page: number) => GVA + (BigInt(page) << 12n);
  const guest = { asid, pages, spaOf, gvaOf, vcpu };
  touch(made, guest);
  return guest;
}

interface Tables {
  root: number;
  all: { page: number; entries: BigUint64Array }[];
}

/** Four levels of tables over `count` pages from number `first` on; `take` gives the page of each table. */
function build(
  first: number,
  count: number,
  leafOf: (index: number) => bigint,
  take: () => number,
): Tables {
  const tables = new Map<string, Tables["all"][0]>();
  const at = (level: number, index: number): Tables["all"][0] => {
    const name = `${level} ${index}`;
    let table = tables.get(name);
    if (!table) {
      table = { page: take(), entries: new BigUint64Array(ENTRIES) };
      tables.set(name, table);
      if (level < TOP)
        at(level + 1, index >> 9).entries[index & 511] = (BigInt(table.page) << 12n) | OPEN;
    }
    return table;
  };
  for (let i = 0; i < count; i++) at(0, (first + i) >> 9).entries[(first + i) & 511] = leafOf(i);
  return { root: at(TOP, first >> 27).page, all: [...tables.values()] };
}

const bytesOf = ({ buffer }: BigUint64Array): Uint8Array => new Uint8Array(buffer as ArrayBuffer);

/** The guest writes a word of each of its pages. */
function touch({ bytes, exports }: Silicon, { vcpu, pages, gvaOf }: Guest): void {
  bytes.set(vcpu, Memory.VCPU);
  for (let page = 0; page < pages; page++)
    if (!exports.write(gvaOf(page), 8, Memory.WINDOW))
      throw new Error(`page ${page} of ASID ${vcpu[Vcpu.ASID]}: refused`);
}

/** Records by batches, each batch of one guest, the guests in turn; as bench/native/engine.c reads it. */
export interface Trace {
  file: Uint8Array;
  records: number;
  batches: { vcpu: Uint8Array; records: Uint8Array }[];
}

export type Access = (guest: Guest, put: (gva: bigint, bytes: number, op: number) => void) => void;

/** A trace of what `access` puts, until it is full. */
export function traceOf(guests: Guest[], batches: number, records: number, access: Access): Trace {
  const bytes = Vcpu.SIZE + records * Record.SIZE;
  const file = new Uint8Array(8 + batches * bytes);
  const view = new DataView(file.buffer);
  view.setUint32(0, records, true);
  view.setUint32(4, batches, true);
  const all = Array.from({ length: batches }, (_, batch) => {
    const guest = guests[batch % guests.length] as Guest;
    const start = 8 + batch * bytes;
    file.set(guest.vcpu, start);
    let made = 0;
    const put = (gva: bigint, size: number, op: number) => {
      if (made === records) return;
      const at = start + Vcpu.SIZE + made++ * Record.SIZE;
      view.setBigUint64(at + Record.GVA, gva, true);
      view.setUint32(at + Record.BYTES, size, true);
      view.setUint8(at + Record.OP, op);
    };
    while (made < records) access(guest, put);
    const vcpu = file.subarray(start, start + Vcpu.SIZE);
    return { vcpu, records: file.subarray(start + Vcpu.SIZE, start + bytes) };
  });
  return { file, records, batches: all };
}

/** A generator of its own, so that a trace is the same wherever it is made. */
function draws(): (below: number) => number {
  let state = 1;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const WORDS = PAGE / 8;

/** 8 bytes anywhere in the guest's memory, three in ten of them stores. */
export function anywhere(): Access {
  const draw = draws();
  return (guest, put) => {
    const gva = guest.gvaOf(draw(guest.pages)) + BigInt(8 * draw(WORDS));
    put(gva, 8, draw(10) < 3 ? Record.STORE_8 : Record.LOAD);
  };
}

/** Runs of 32 words one behind the other in `hot` pages, each fourth a store. */
export function inRuns(hot: number): Access {
  const draw = draws();
  return (guest, put) => {
    const start = guest.gvaOf(draw(hot)) + BigInt(8 * draw(WORDS - 32));
    for (let i = 0; i < 32; i++)
      put(start + BigInt(8 * i), 8, i % 4 === 3 ? Record.STORE_8 : Record.LOAD);
  };
}

/** For the RMP's check alone: a page of the guest, and the gpa it is mapped at. */
export function owned(): Access {
  const draw = draws();
  return (guest, put) => {
    const page = draw(guest.pages);
    put(BigInt(page) << 12n, guest.spaOf(page), Record.LOAD);
  };
}
