// Replays of random traces: every generation, the flat reference and the slow twin agree on every value.
import { Kernel } from "../../dist/guest/kernel.js";
import {
  type Batch,
  type ChipName,
  createPlatform,
  type Generation,
  replay,
  type TraceReader,
} from "../../dist/index.js";
import { noCounts, operation } from "../../dist/replay/record.js";
import { Reference } from "../../dist/replay/reference.js";
import { Differs, runTransfers, type TransferWay } from "../../dist/replay/replayer.js";
import { Transfers } from "../../dist/replay/transfer.js";
import * as Replay from "../../ts/abi/replay.ts";
import { Chance, MIB, withCore } from "../core.ts";
import { assert, suite } from "../kit.ts";
import { Flat, type Operation, type Step } from "../oracle/flat.ts";

const test = suite("replay");

const KINDS: Operation[] = ["fetch", "load", "store", "modify", "out", "in", "halt"];
const PAGES = [
  0x40_0000n,
  0x40_1000n,
  0x7fff_f7ff_e000n,
  0x7fff_ffff_9000n,
  0x5555_5555_4000n,
  0x2_0000_0000n,
  0x1000n,
];

/** Random steps: mostly narrow, some wide, odd or crossing pages, a few transfers and waits. */
function randomSteps(chance: Chance, count: number): Step[] {
  return Array.from({ length: count }, () => {
    const op = chance.once(12) ? chance.pick(KINDS.slice(4)) : chance.pick(KINDS.slice(0, 4));
    const wide = chance.once(6) ? 1 + chance.below(4096) : 1 + chance.below(9);
    const bytes =
      op === "halt"
        ? 0
        : op === "out" || op === "in"
          ? 1 + chance.below(9000)
          : chance.pick([1, 2, 4, 8, wide]);
    const offset = chance.once(5)
      ? 4096 - chance.below(Math.min(bytes + 1, 20))
      : chance.below(4000);
    return { op, gva: op === "halt" ? 0n : chance.pick(PAGES) + BigInt(offset), bytes };
  });
}

const fill = (batch: Batch, steps: Step[]) => {
  for (const { op, gva, bytes } of steps) {
    const kind = KINDS.indexOf(op) as 0;
    batch.push(Number(gva & 0xffff_ffffn), Number(gva >> 32n), bytes, operation(kind, bytes));
  }
};

/** A trace in memory, handed out in batches. */
function traceOf(steps: Step[], size: number): TraceReader {
  let next = 0;
  let first = 0;
  return {
    format: "cltr",
    name: "steps",
    sampled: undefined,
    command: undefined,
    bytes: 0,
    counts: noCounts(),
    async next(batch) {
      first = next;
      batch.length = 0;
      fill(batch, steps.slice(next, next + size));
      next += batch.length;
      return batch.length;
    },
    locate: (at) => `step ${first + at}`,
    close: async () => {},
  };
}

function twinOf(steps: Step[], seed: number): string {
  const twin = new Flat(BigInt(seed));
  for (const step of steps) twin.run(step);
  return twin.finish();
}

const lacking: Record<string, Generation[]> = {
  naples: ["sev-es", "sev-snp", "sev-tio"],
  milan: ["sev-tio"],
  turin: [],
};

for (const chip of ["naples", "milan", "turin"] as ChipName[]) {
  for (const pageSize of ["4k", "2m"] as const) {
    test(`on ${chip} with ${pageSize} pages every generation gives the digest of the slow twin`, async () => {
      const seed = 90 + chip.length + pageSize.length;
      const chance = new Chance(BigInt(seed));
      const steps = randomSteps(chance, 350);
      const options = {
        chip,
        pageSize,
        seed,
        resident: 96 * MIB,
        check: "each" as const,
        ...withCore,
      };
      const report = await replay(traceOf(steps, 100 + chance.below(100)), options);
      const expected = twinOf(steps, seed);
      const moved = (op: Operation) =>
        steps.filter((step) => step.op === op).reduce((sum, { bytes }) => sum + bytes, 0);
      const transfers = steps.filter(({ op }) => op === "in" || op === "out").length;
      const halts = steps.filter(({ op }) => op === "halt").length;
      for (const { generation, refused, digest, events } of report.generations) {
        const where = `${generation}, seed ${seed}`;
        assert.is(refused !== undefined, lacking[chip]!.includes(generation), where);
        if (refused || !events) continue;
        assert.is(digest, expected, where);
        const snp = generation === "sev-snp" || generation === "sev-tio";
        const bounces = generation === "sev" || generation === "sev-es" || generation === "sev-snp";
        assert.is(events.bytesBounced, bounces ? moved("in") + moved("out") : 0, where);
        assert.is(events.bytesDma, moved("in") + moved("out"), where);
        const { ideBytes, ideUnits, bytesDma } = events;
        if (generation !== "sev-tio") assert.equal([ideBytes, ideUnits], [0, 0], where);
        else assert.ok(ideBytes >= bytesDma && ideUnits >= bytesDma / 256, where);
        assert.is(events.exits, events.npf + 2 * transfers + halts, where);
        assert.is(
          events.rmpChecks > 0 && events.rmpupdates > 0 && events.pvalidates > 0,
          snp,
          where,
        );
        assert.is(
          events.linesEncrypted > 0 || events.linesDecrypted > 0,
          generation !== "none",
          where,
        );
        assert.ok(events.walks > 0 && events.npf > 0);
      }
    });
  }
}

test("another seed gives other values, the same seed the same report", async () => {
  const steps = randomSteps(new Chance(95n), 150);
  const run = async (seed: number) => {
    const generations = ["none", "sev-snp"] as const;
    const report = await replay(traceOf(steps, 64), {
      generations,
      seed,
      resident: 64 * MIB,
      clock: { now: () => 0 },
      ...withCore,
    });
    assert.is(report.generations[0]!.digest, twinOf(steps, seed));
    return JSON.stringify(report);
  };
  assert.is(await run(3), await run(3));
  assert.is.not(await run(3), await run(4));
});

test("a host that alters a guest's ciphertext between two batches is found at the first record that loads it", () => {
  const seed = 5n;
  const platform = createPlatform({
    chip: "milan",
    generation: "sev",
    seed,
    resident: 64 * MIB,
    ...withCore,
  });
  const { core } = platform;
  const vm = platform.createVm({ memory: 0x2000_0000n, pageSize: "4k" });
  const kernel = new Kernel(platform, vm);
  const transfers = new Transfers(platform, vm, kernel);
  const reference = new Reference(64 * MIB, seed, true, withCore.module);
  const port = core.guest.replay;
  port.setSeed(seed);
  port.setCheck(Replay.COMPARE);
  const way: TransferWay = {
    exit: (code) => transfers.exit(code),
    pageState: (gva, shared) => kernel.setShared(gva, shared),
    dmaOut: (...args) => transfers.dmaOut(...args),
    dmaIn: (...args) => transfers.dmaIn(...args),
    out: (...args) => transfers.out(...args),
    in: (...args) => transfers.in(...args),
    halt: () => transfers.halt(),
  };
  const run = (steps: Step[], ordinal: bigint) => {
    const words = new Uint32Array(4 * steps.length);
    fill({ words, length: 0, push: pushTo(words) } as unknown as Batch, steps);
    const batch = { records: new Uint8Array(words.buffer), words, length: steps.length, ordinal };
    reference.run(batch);
    port.fill(batch.records, ordinal);
    port.expect(reference.port.expected());
    core.guest.load(kernel.user);
    runTransfers(port, batch, way, () => {
      kernel.meet(core.guest.exit());
      core.guest.load(kernel.user);
    });
  };
  const at = (offset: bigint) => 0x40_0000n + offset;
  const load = (gva: bigint): Step => ({ op: "load", gva, bytes: 8 });
  run([{ op: "store", gva: at(64n), bytes: 8 }, load(at(64n)), load(at(128n))], 0n);
  const spa = core.host.nestedEntry(vm.root, kernel.gpaOf(at(0n))) & 0xf_ffff_f000n;
  const line = new Uint8Array(16);
  core.dimm.read(spa + 128n, line);
  line[3]! ^= 1;
  core.dimm.write(spa + 128n, line);
  let differs: unknown;
  try {
    run([load(at(0n)), load(at(64n)), load(at(128n)), load(at(0n))], 3n);
  } catch (error) {
    differs = error;
  }
  assert.ok(differs instanceof Differs);
  assert.is((differs as Differs).at, 2);
});

function pushTo(words: Uint32Array) {
  let at = 0;
  return (low: number, high: number, bytes: number, op: number) => {
    words.set([low, high, bytes, op], 4 * at++);
  };
}
