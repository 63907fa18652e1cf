// A hypervisor at random before the secure processor: command buffers from one seed, most of them nearly right. After every command
// the states are the twin's; whatever happens, no 8 bytes of a key stand where the host can read. Run: node --import tsx
// test/psp/fuzz.ts [commands] [seed]. A failure names both, and the command.
import { pathToFileURL } from "node:url";
import { makePreGuest, makeShared } from "../../dist/hypervisor/page-state.js";
import { bufferOf, fieldsOf, type Layout } from "../../dist/layout.js";
import { pageAt } from "../../dist/psp/page.js";
import { commands } from "../../dist/psp/table.js";
import * as Command from "../../ts/abi/command.ts";
import * as Status from "../../ts/abi/status.ts";
import { Chance } from "../core.ts";
import { legal, Twin } from "../oracle/psp.ts";
import { Choice } from "./choice.ts";
import { Reached } from "./reached.ts";
import { type Name, Rig, statusName } from "./rig.ts";
import { type Notes, type Rights, Sight, type Values } from "./right.ts";
import * as Sev from "./right-sev.ts";
import * as Snp from "./right-snp.ts";
import { KeyScan } from "./scan.ts";

const PAGES = 64;
const rights: Rights = { ...Snp.right, ...Sev.right };
const notes: Notes = { ...Snp.notes, ...Sev.notes };
// Refusals that come before a guest's state is looked at.
const EARLY = [
  Status.INVALID_ADDRESS,
  Status.INVALID_PARAM,
  Status.INVALID_GUEST,
  Status.INVALID_PAGE_STATE,
];

/** How many commands ended with each status. */
export type Tally = Map<string, number>;

class Fuzz {
  readonly rig: Rig;
  readonly twin = new Twin();
  readonly tally: Tally = new Map();
  readonly reached = new Reached();
  readonly #chance: Chance;
  readonly #pages: bigint[];
  readonly #large: bigint;
  readonly #sight: Sight;
  readonly #choice: Choice;
  /** How often the flash was written. */
  #writes = 0;

  constructor(seed: number) {
    this.#chance = new Chance(BigInt(seed));
    const storage = new Map<string, Uint8Array>();
    const set = storage.set.bind(storage);
    storage.set = (name, bytes) => {
      this.#writes++;
      return set(name, bytes);
    };
    this.rig = new Rig({
      storage,
      chip: "turin",
      dram: 32n << 20n,
      seed: BigInt(seed),
      initialise: false,
      dialect: seed % 2 ? "abi" : "field-guide",
    });
    this.#pages = Array.from({ length: PAGES }, () => this.rig.page());
    this.#large = this.rig.lab.large();
    this.#choice = new Choice(this.#chance, this.twin, this.reached);
    this.#sight = new Sight(this.rig, this.twin, this.#chance, this.#pages, this.#large);
    // Most lives begin with SNP, as a machine's does.
    if (seed % 4 === 0) return;
    this.rig.init();
    this.twin.done(Command.SNP_INIT_EX, undefined);
  }

  pick<T>(from: readonly T[]): T {
    return from[this.#chance.below(from.length)] as T;
  }

  /** One thing that a hypervisor may do: a command, or something to a page in between. Answers the contexts that may differ. */
  step(): bigint[] {
    if (this.#chance.below(10) > 0) return this.#command();
    this.#touch();
    return [];
  }

  /** Pages change hands, caches are flushed, memory is written. */
  #touch(): void {
    const { host } = this.rig;
    const spa = this.pick(this.#pages);
    const gpa = BigInt(this.#chance.below(4)) << 12n;
    const act = this.#chance.below(8);
    const quietly = (one: () => void) => {
      try {
        one();
      } catch (error) {
        if (!/RMPUPDATE/.test(String(error))) throw error;
      }
    };
    if (act === 0) {
      host.wbinvd();
      this.rig.send(this.rig.driver.snp ? "SNP_DF_FLUSH" : "DF_FLUSH");
    } else if (act === 1) host.write(spa, this.#bytes(64));
    else if (!this.rig.driver.snp) return;
    else if (act < 5) quietly(() => makeShared(host, spa, false));
    else if (act === 5) {
      // What the guest has goes into the firmware's hands as it is; else a page is offered.
      const { state, asid, gpa: own } = pageAt(this.rig.lab.core.firmware, spa);
      if (state === "guest-valid") quietly(() => makePreGuest(host, spa, own, asid, false));
      else quietly(() => makePreGuest(host, spa, gpa, 1 + this.#chance.below(4), false));
    } else {
      const state = { gpa: 0n, assigned: true, pageSize: "4k", immutable: true, asid: 0 } as const;
      host.rmpupdate(spa, state);
    }
  }

  #bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.#chance.below(256));
  }

  #command(): bigint[] {
    const name = this.#choice.name();
    const id = Command[name];
    const layout = commands.get(id)?.layout as Layout | undefined;
    const told = this.#told(name, layout);
    const values = told?.values;
    const { rig, twin, reached } = this;
    const gctx = values?.["GCTX_PADDR"] as bigint | undefined;
    const of = gctx ?? (values?.["HANDLE"] as number | undefined);
    const buffer = layout ? bufferOf(layout, values as Values) : new Uint8Array(0);
    this.#writes = 0;
    const { status, buffer: after } = rig.driver.exchange(id, buffer);
    this.#judge(name, status, of);
    if (status === Status.SUCCESS) {
      reached.note("command", name);
      if (values && told.right) notes[name]?.(this.#sight, values);
      this.#done(id, of, after);
    }
    const named = addressesIn(values).filter((spa) => this.#pages.includes(spa));
    reached.look(rig, twin, named, gctx);
    return gctx !== undefined && twin.contexts.has(gctx) ? [gctx] : [];
  }

  /** Notes that a command succeeded. */
  #done(id: number, of: bigint | number | undefined, after: Uint8Array): void {
    const made = after.length >= 4 ? new DataView(after.buffer).getUint32(0, true) : 0;
    this.twin.done(id, of, made);
    const { driver } = this.rig;
    if (id === Command.SNP_INIT || id === Command.SNP_INIT_EX) driver.snp = true;
    // Without x86 SNP shutdown the RMP is still checked, but the firmware asks for no Firmware page.
    if (id === Command.SNP_SHUTDOWN || id === Command.SNP_SHUTDOWN_EX) driver.snp = false;
  }

  /** Whether a status can be, by the twin's table, and whether the flash was written as it may be. */
  #judge(name: Name, status: number, of: bigint | number | undefined): void {
    const { twin, tally } = this;
    const seen = statusName(status);
    tally.set(seen, (tally.get(seen) ?? 0) + 1);
    const { snp, sev, guest } = legal.get(Command[name])!;
    const fail = (why: string) => {
      throw new Error(`${name} of ${of}: ${statusName(status)}, ${why}`);
    };
    const mayWrite = status === Status.SUCCESS ? 1 : 0;
    if (this.#writes > mayWrite) fail(`and ${this.#writes} writes of the flash`);
    const isLegal = snp.includes(twin.snp) && sev.includes(twin.sev);
    if (!isLegal !== (status === Status.INVALID_PLATFORM_STATE)) {
      const flagged = isLegal && status === Status.INVALID_PLATFORM_STATE;
      fail(flagged ? "legal in this platform state" : "expected INVALID_PLATFORM_STATE");
    }
    if (!isLegal || !guest || of === undefined) return;
    const state = typeof of === "bigint" ? twin.contexts.get(of) : twin.handles.get(of);
    if (state === undefined && status === Status.SUCCESS) fail("there is no such guest");
    if (state !== undefined && !guest.includes(state)) {
      if (status !== Status.INVALID_GUEST_STATE && !EARLY.includes(status as never))
        fail(`expected INVALID_GUEST_STATE in state ${state}`);
    }
  }

  /** What a buffer says: half of the time what is right, of which a quarter is bent in one field. */
  #told(name: Name, layout?: Layout): { values: Values; right: boolean } | undefined {
    if (/SHUTDOWN|DF_FLUSH/.test(name) && this.#chance.once(2)) this.#flush(name);
    if (!layout) return undefined;
    const isRight = this.#choice.isLegal(name) && this.#chance.once(2);
    const right = isRight ? rights[name]?.(this.#sight) : undefined;
    if (!right) return { values: this.#values(name, layout), right: false };
    const sized = { ...this.#sizes(layout), ...right };
    if (!this.#chance.once(4)) return { values: sized, right: true };
    const { name: field } = this.pick(fieldsOf(layout));
    return { values: { ...sized, [field]: this.#value(name, layout, field) }, right: false };
  }

  #flush(name: Name): void {
    this.rig.host.wbinvd();
    if (/SNP_SHUTDOWN/.test(name) && this.twin.snp === 1) this.rig.send("SNP_DF_FLUSH");
  }

  /** A buffer that says first how long it is. */
  #sizes(layout: Layout): Values {
    return Object.fromEntries(
      ["LENGTH", "EX_LEN"].filter((name) => layout[name] === 0).map((name) => [name, layout.SIZE]),
    );
  }

  /** Fields of a buffer: mostly what a driver would put there. */
  #values(name: Name, layout: Layout): Record<string, number | bigint> {
    const values: Record<string, number | bigint> = {};
    for (const field of fieldsOf(layout)) {
      const reserved = field.name.startsWith("RESERVED_");
      if (reserved && this.#chance.below(200) !== 0) continue;
      values[field.name] = this.#value(name, layout, field.name);
    }
    return values;
  }

  #value(name: Name, layout: Layout, field: string): number | bigint {
    const wild = this.#chance.below(40) === 0;
    if (field === "HANDLE") return wild ? this.#chance.below(99) : this.#handle(name);
    if (field.endsWith("PADDR")) return this.#address(name, field, wild);
    if (wild) return BigInt(this.#chance.below(0x1_0000_0000));
    if (field === "ASID") return this.pick([0, 1, 2, 3, 4, 0x80, 0x81, 2000]);
    if (field === "POLICY") return this.#policy(name);
    if (field === "FLAGS") return this.pick([0, 0, 1, 2, 4, 6, 8, 10, 12, 3]);
    // A buffer that says first how long it is.
    if (/^(LENGTH|EX_LEN)$/.test(field) && layout[field] === 0) return layout.SIZE;
    if (/LENGTH|_LEN$/.test(field))
      return this.pick([layout.SIZE, 16, 128, 2084, 4096, 6252, 0x10_0000]);
    return this.pick([0, 1, 16, layout.SIZE]);
  }

  #stateOf(spa: bigint): string {
    return pageAt(this.rig.lab.core.firmware, spa).state;
  }

  #handle(name: Name): number {
    const states = legal.get(Command[name])?.guest ?? [];
    const all = [...this.twin.handles];
    const fit = all.filter(([, state]) => states.includes(state));
    const from = fit.length > 0 && !this.#chance.once(5) ? fit : all;
    return from.length > 0 && states.length > 0 ? this.pick(from)[0] : 0;
  }

  #policy(name: Name): bigint {
    if (!name.startsWith("SNP_")) return BigInt(this.pick([0, 1, 3, 4, 5, 9, 13, 0x25]));
    return this.pick(Snp.policies);
  }

  #address(name: Name, field: string, wild: boolean): bigint {
    if (wild) return BigInt(this.#chance.below(0x1_0000_0000)) << BigInt(this.#chance.below(20));
    const states = legal.get(Command[name])?.guest ?? [];
    const all = [...this.twin.contexts];
    const fit = all.filter(([, state]) => states.includes(state));
    const known = fit.length > 0 && !this.#chance.once(5) ? fit : all;
    if (field.endsWith("GCTX_PADDR") && name !== "SNP_GCTX_CREATE" && known.length > 0)
      return this.pick(known)[0];
    const wanted = wantedState(name, field);
    const there = this.#pages.filter((spa) => this.#stateOf(spa) === wanted);
    if (wanted && there.length > 0 && !this.#chance.once(6)) return this.pick(there);
    if (field === "TMR_PADDR") return this.#large;
    return this.pick(this.#pages);
  }
}

/** The state that a page must be in for a command to take it. */
function wantedState(name: Name, field: string): string | undefined {
  if (!name.startsWith("SNP_")) return undefined;
  if (field === "MDATA_PADDR") return "metadata";
  const swap = name === "SNP_PAGE_SWAP_OUT" || name === "SNP_PAGE_MOVE";
  if (field === "SRC_PADDR" && swap) return "pre-swap";
  if (field === "DST_PADDR" && name !== "SNP_PAGE_SWAP_OUT") return "pre-guest";
  if (field === "PAGE_PADDR" && name === "SNP_LAUNCH_UPDATE") return "pre-guest";
  const isRead = /REQUEST_PADDR|SRC_PADDR|ID_|IDS_|LIST_|FW_|VLEK_/.test(field);
  return isRead ? "hypervisor" : "firmware";
}

const addressesIn = (values: Values = {}): bigint[] =>
  Object.values(values).filter((value) => typeof value === "bigint");

/** What a run found. */
export interface Run {
  tally: Tally;
  reached: Reached;
}

/** Runs `count` steps; throws with the step's number when the machine and the twin part. */
export function fuzz(count: number, seed: number, say: (line: string) => void): Run {
  const run = new Fuzz(seed);
  const scan = new KeyScan(run.rig);
  const every = Math.max(Math.floor(count / 8), 1_500);
  for (let i = 0; i < count; i++) {
    try {
      const touched = run.step();
      run.rig.agree(run.twin, touched);
      scan.note(touched);
      if (i % every < every - 1) continue;
      run.rig.agree(run.twin);
      scan.check();
    } catch (error) {
      throw new Error(`seed ${seed}, step ${i}: ${(error as Error).message}`, { cause: error });
    }
  }
  say(
    `${count} steps, seed ${seed}, ${scan.keys} keys; statuses: ${[...run.tally].map(([name, n]) => `${name} ${n}`).join(", ")}`,
  );
  return run;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const [count = 200_000, seed = 1] = process.argv.slice(2).map(Number);
  const piece = 25_000;
  const say = (line: string) => process.stdout.write(`${line}\n`);
  const reached = new Reached();
  for (let done = 0, i = 0; done < count; done += piece, i++)
    reached.add(fuzz(Math.min(piece, count - done), seed + i, say).reached);
  for (const line of reached.lines()) say(line);
  const missing = reached.missing();
  if (missing.length > 0) throw new Error(`never reached: ${missing.join(", ")}`);
}
