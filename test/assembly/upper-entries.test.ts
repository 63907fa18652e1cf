// What the entries above a remembered table forbid: a walk that begins at the table must find it out as one from the root does.
import * as Code from "../../ts/abi/exit.ts";
import type { Exit } from "../../ts/port.ts";
import { bareCore } from "../bare.ts";
import { NX, OPEN, PAGE, pattern, USER, WRITABLE } from "../core.ts";
import { assert, suite } from "../kit.ts";
import { Lab } from "../lab.ts";

const test = suite("entries above a remembered table");

// Apart from the guest's own tables in every nested table but the highest, and in no region whose number is 0.
const GPA = 0xc0_40a0_0000n;
const GVA = 0x70_c0a0_0000n;
const DRAM = 0x800_0000n;
const DEVICE = 9;
const generations = ["none", "sev", "sev-snp"] as const;
const scenes = [false, true].flatMap((written) => [
  ...generations.map((each) => [each, written, false] as const),
  ["sev-snp", written, true] as const,
]);
const kinds = ["read", "write", "fetch"] as const;
type Kind = (typeof kinds)[number];

/** A guest with three private pages; `written` before, so that every lowest entry is dirty, or never touched. Its walks may be
 *  plain: each begins at the root. */
function guest(generation: (typeof generations)[number], written = false, plain = false) {
  const core = plain ? bareCore("milan", DRAM, true).core : undefined;
  const lab = new Lab({ generation, chip: "milan", dram: DRAM }, 1, core);
  for (let i = 0n; i < 3n; i++) {
    lab.back(GPA + i * PAGE);
    lab.map(GVA + i * PAGE, (GPA + i * PAGE) | OPEN | lab.cBit);
  }
  lab.load();
  for (let i = 0n; written && i < 3n; i++)
    assert.is(lab.write(GVA + i * PAGE, pattern(16, 4)), true);
  return lab;
}

/** The guest's entry of a level for an address, in the table that GVA has there, becomes another. */
function point(lab: Lab, gva: bigint, level: bigint, entry: bigint): void {
  const table = level === 3n ? lab.cr3 : lab.gpaOfTable(GVA, level);
  const spa = lab.core.host.nestedEntry(lab.root, table) & 0xf_ffff_f000n;
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, entry, true);
  const at = spa + ((gva >> (12n + 9n * level)) & 511n) * 8n;
  assert.ok(lab.core.firmware.write(at, lab.key, bytes));
}

const access = (lab: Lab, kind: Kind, gva: bigint) =>
  kind === "write" ? lab.write(gva, pattern(16, 1)) : lab[kind](gva);
const isRefused = (seen: ReturnType<typeof access>): seen is Exit =>
  seen !== true && !(seen instanceof Uint8Array);

// what an upper entry says, and whom it stops
const entries: [string, bigint, Kind[]][] = [
  ["read-only", WRITABLE, ["write"]],
  ["no-execute", NX, ["fetch"]],
  ["the supervisor's", USER, ["read", "write", "fetch"]],
];

for (const [name, bits, stopped] of entries) {
  test(`what the host points at by an entry that is ${name} stays so for walks that begin below it`, () => {
    for (const [generation, written, plain] of scenes) {
      for (const level of [1n, 2n, 3n]) {
        const lab = guest(generation, written, plain);
        // Level 3 stands above the guest's own tables too, were they not in another half TiB.
        assert.ok(lab.flipNested(GPA, level, bits));
        for (const kind of kinds) {
          for (const page of [0n, 1n, 2n, 0n]) {
            const where = `${generation}, level ${level}, ${kind} of page ${page}`;
            const seen = access(lab, kind, GVA + page * PAGE);
            assert.is(isRefused(seen), stopped.includes(kind), where);
            if (!isRefused(seen)) continue;
            assert.is(seen.code, BigInt(Code.VMEXIT_NPF), where);
            assert.is(seen.info1 & 1n, 1n, `${where}: present, and not allowed`);
          }
        }
        assert.ok(lab.flipNested(GPA, level, bits));
        for (const kind of kinds)
          assert.not.ok(isRefused(access(lab, kind, GVA + PAGE)), `${generation}: ${kind} again`);
      }
    }
  });

  test(`a device is stopped by an entry above the lowest that is ${name}`, () => {
    for (const level of [1n, 2n, 3n]) {
      const lab = guest("none");
      const { device, host } = lab.core;
      assert.ok(host.attach(DEVICE, lab.root));
      // Once through open tables that were followed before, once step by step.
      for (const page of [0n, 0n, 1n]) {
        assert.ok(device.write(DEVICE, GPA + page * PAGE, pattern(16, 2)));
        assert.ok(device.read(DEVICE, GPA + page * PAGE, new Uint8Array(16)));
      }
      assert.ok(lab.flipNested(GPA, level, bits));
      for (const page of [0n, 0n, 1n]) {
        const where = `level ${level}, page ${page}`;
        const writes = device.write(DEVICE, GPA + page * PAGE, pattern(16, 3));
        assert.is(!writes, stopped.includes("write"), where);
        const reads = device.read(DEVICE, GPA + page * PAGE, new Uint8Array(16));
        assert.is(!reads, stopped.includes("read"), where);
      }
    }
  });
}

// The same in the guest's own tables, where who asks is a user or not.
const own: [string, bigint, Kind[], 0 | 3][] = [
  ["read-only", WRITABLE, ["write"], 3],
  ["no-execute", NX, ["fetch"], 0],
  ["the supervisor's", USER, ["read", "write", "fetch"], 3],
];

for (const [name, bits, stopped, cpl] of own) {
  test(`what the guest points at by an entry that is ${name} stays so for walks that begin below it`, () => {
    for (const [generation, written, plain] of scenes) {
      for (const level of [1n, 2n, 3n]) {
        const lab = guest(generation, written, plain);
        point(lab, GVA, level, lab.gpaOfTable(GVA, level - 1n) | (OPEN ^ bits) | lab.cBit);
        lab.load({ cpl });
        for (const kind of kinds) {
          for (const page of [0n, 1n, 2n, 0n]) {
            const where = `${generation}, level ${level}, ${kind} of page ${page}`;
            const seen = access(lab, kind, GVA + page * PAGE);
            assert.is(isRefused(seen), stopped.includes(kind), where);
            if (isRefused(seen)) assert.is(seen.code, 14n, where);
          }
        }
      }
    }
  });
}

test("an entry of the guest's that is taken away takes with it what was reached through it", () => {
  for (const generation of generations) {
    for (const level of [1n, 2n, 3n]) {
      const lab = guest(generation, true);
      point(lab, GVA, level, 0n);
      for (const kind of kinds) {
        const seen = access(lab, kind, GVA);
        assert.ok(isRefused(seen), `${generation}, level ${level}: ${kind}`);
        assert.is(seen.code, 14n);
      }
    }
  }
});
