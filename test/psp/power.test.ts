// Power is lost at every command: before it, at each write of the flash that it makes, and after it. What is made again from the flash has
// the TCB, the committed version, the VLEK and the keys that the rules say. SNP firmware ABI (AMD 56860), 3; docs/firmware.md.
import { viewOf } from "../../dist/layout.js";
import type { CommandRecord } from "../../dist/psp/log.js";
import { commands } from "../../dist/psp/table.js";
import * as Command from "../../ts/abi/command.ts";
import type { PlatformOptions } from "../../ts/platform.ts";
import { hex } from "../core.ts";
import { assert, suite } from "../kit.ts";
import { Flash, type Kept, rekeys } from "../oracle/flash.ts";
import { isSuccess, lives, never } from "./lives.ts";
import { type Name, Rig, statusName } from "./rig.ts";

const test = suite("power lost at any command");

const TIO = 0x0d0;

type Storage = Map<string, Uint8Array>;
const keyOf = (storage: Storage) => [...storage].map(([name, bytes]) => name + hex(bytes)).join();

interface Seen {
  kept: Kept;
  /** PEK, PDH and owner of the legacy platform; undefined while it has no keys. */
  keys: string | undefined;
}

/** What a board made again from a flash is. Equal flashes are made once. */
class Reborn {
  readonly #options: PlatformOptions;
  readonly #seen = new Map<string, Seen>();

  constructor(options: PlatformOptions) {
    this.#options = options;
  }

  get boards(): number {
    return this.#seen.size;
  }

  from(storage: Storage): Seen {
    const key = keyOf(storage);
    const known = this.#seen.get(key);
    if (known) return known;
    const options = { ...this.#options, storage: new Map(storage), initialise: false };
    const { platform, sev } = new Rig(options).psp;
    const { committed, reported } = platform.tcb;
    assert.is(platform.tcb.current, committed, "what was committed boots");
    const made = sev.known && [sev.known.pek, sev.known.pdh].map(hex).join() + sev.isOwned;
    const kept = {
      build: platform.version.current.build,
      committed,
      reported,
      masks: Number(platform.maskChipId) | (Number(platform.maskChipKey) << 1),
      vlek: platform.vlek?.tcb,
    };
    const seen = { kept, keys: made };
    this.#seen.set(key, seen);
    return seen;
  }
}

/** A board whose power is lost, in as many other worlds, at each command that passes its mailbox. */
class Watched {
  readonly rig: Rig;
  readonly reborn: Reborn;
  readonly #storage: Storage = new Map();
  /** The flash before the first write since the last command, and after each. */
  #states: Storage[] = [];
  readonly #flash: Flash;

  constructor(options: PlatformOptions, done: Map<number, number>) {
    this.reborn = new Reborn(options);
    const set = this.#storage.set.bind(this.#storage);
    this.#storage.set = (name, bytes) => {
      if (this.#states.length === 0) this.#states.push(new Map(this.#storage));
      set(name, bytes);
      this.#states.push(new Map(this.#storage));
      return this.#storage;
    };
    let listen = (_: CommandRecord) => {};
    const parts = { storage: this.#storage, onCommand: (record: CommandRecord) => listen(record) };
    this.rig = new Rig({ ...options, ...parts, initialise: false });
    this.#flash = new Flash(this.#powerOn());
    listen = (record) => {
      this.#judge(record);
      done.set(record.id, (done.get(record.id) ?? 0) + Number(isSuccess(record.status)));
    };
    if (options.initialise === false) return;
    if (this.rig.lab.snp) this.rig.init();
    else this.rig.sevInit();
  }

  /** A board that loses power while it starts is as one that never had any. */
  #powerOn(): Kept {
    const seen = this.#states.map((storage) => this.reborn.from(storage));
    this.#states = [];
    for (const one of seen) assert.equal(one, seen[0]);
    return (seen[0] as Seen).kept;
  }

  #judge({ id, status, buffer }: CommandRecord): void {
    const name = Object.entries(Command).find(([, known]) => known === id)?.[0] as string;
    const states = this.#states.length > 0 ? this.#states : [new Map(this.#storage)];
    this.#states = [];
    const why = `${name}: ${statusName(status)}`;
    assert.ok(states.length <= 2, `${why}: ${states.length - 1} writes of the flash`);
    if (!isSuccess(status)) assert.is(states.length, 1, `${why} wrote the flash`);
    const before = this.reborn.from(states[0] as Storage);
    assert.equal(before.kept, this.#flash.kept, `before ${why}`);
    if (isSuccess(status) && buffer)
      this.#flash.done(id, viewOf(buffer), (spa, bytes) => viewOf(this.rig.read(spa, bytes)));
    const after = this.reborn.from(states.at(-1) as Storage);
    assert.equal(after.kept, this.#flash.kept, `after ${why}`);
    if (rekeys.has(id) && isSuccess(status)) assert.is.not(after.keys, before.keys, why);
    else if (before.keys !== undefined) assert.is(after.keys, before.keys, why);
  }
}

const done = new Map<number, number>();
for (const [name, live] of Object.entries(lives)) {
  test(`whichever command of ${name} power is lost at, the flash says what the rules say`, () => {
    const boards: Watched[] = [];
    live((options = {}) => {
      boards.push(new Watched(options, done));
      return boards.at(-1)!.rig;
    });
    assert.ok(boards.every(({ reborn }) => reborn.boards > 0));
  });
}

test("every command of the table was among them, and succeeded", () => {
  const named = (id: number) => Object.entries(Command).find(([, known]) => known === id)?.[0];
  // The commands of SEV-TIO begin there; test/tio has them.
  const own = [...commands.keys()].filter((id) => id < TIO);
  const missing = own.filter((id) => !done.get(id)).map(named) as Name[];
  assert.equal(missing.sort(), [...never].sort());
});

test("a flash that was torn by the loss is refused by name, not half read", () => {
  const storage: Storage = new Map();
  const rig = new Rig({ storage, generation: "sev-es" });
  rig.send("PDH_GEN");
  for (const [name, bytes] of storage) {
    const torn = new Map(storage).set(name, bytes.slice(0, bytes.length / 2));
    assert.throws(
      () => new Rig({ storage: torn, generation: "sev-es" }),
      new RegExp(`storage "${name}"`),
    );
  }
});
