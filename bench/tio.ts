// Trusted I/O: a TLP's cipher beside node:crypto's, and 4 KiB blocks from a device to a guest: direct under IDE, bounced over a link
// without, and to a guest that hides nothing; by one interface and by sixteen.
import { createCipheriv } from "node:crypto";
import type { Dma } from "../dist/device/endpoint.js";
import { createPlatform, type Generation } from "../dist/index.js";
import { toyCurves } from "../test/device/toy.ts";
import { IoGuest } from "../test/tio/guest.ts";
import { Trusted } from "../test/tio/trusted.ts";
import type { Figure } from "./figure.ts";
import { against, interleaved, type Measured, type Task } from "./measure.ts";

const BLOCK = 4096;
const TLP = 256;
const BLOCKS = 256;
const MIB = 0x100000;

/** TLPs as a link seals them: those of a block together. */
function tlpTasks(): Task[] {
  const { ide } = createPlatform({ generation: "none", resident: 64 * MIB }).core;
  const [key, iv, aad, text] = [32, 12, 20, TLP].map((bytes) => new Uint8Array(bytes)) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  const units = Array.from({ length: BLOCK / TLP }, () => ({ iv, aad, text }));
  const rounds = 256;
  return [
    {
      name: "ide-tlp",
      units: rounds * units.length,
      run() {
        for (let i = 0; i < rounds; i++) ide.seal(key, units);
      },
    },
    {
      name: "node:crypto, aes-256-gcm for each TLP",
      units: rounds * units.length,
      run() {
        for (let i = 0; i < rounds * units.length; i++) {
          const cipher = createCipheriv("aes-256-gcm", key, iv, { authTagLength: 12 });
          cipher.setAAD(aad);
          cipher.update(text);
          cipher.final();
          cipher.getAuthTag();
        }
      },
    },
  ];
}

interface Way {
  name: string;
  generation: Generation;
  trusted: boolean;
  tdis: number;
}

const WAYS: Way[] = [
  { name: "dma-4k-none", generation: "none", trusted: false, tdis: 1 },
  { name: "dma-4k-bounced", generation: "sev-snp", trusted: false, tdis: 1 },
  { name: "dma-4k-direct-ide", generation: "sev-tio", trusted: true, tdis: 1 },
  { name: "dma-4k-direct-ide-16-tdis", generation: "sev-tio", trusted: true, tdis: 16 },
];

/** A device that is asked for blocks, its guests, and how many bytes these copied. */
function dmaTask({ name, generation, trusted, tdis }: Way): Task & { copied(): number } {
  const roads: Dma[] = [];
  const behaviour = (dma: Dma) => {
    roads.push(dma);
    return { load: () => {}, store: () => {}, reset: () => {} };
  };
  const platform = createPlatform({
    generation,
    dram: 8n << 30n,
    resident: 256 * MIB,
    devices: [{ behaviour, vfs: tdis, curves: toyCurves }],
  });
  const tsm = trusted ? new Trusted(platform) : undefined;
  const guests = Array.from({ length: tdis }, (_, n) => {
    const guest = new IoGuest(platform, 0x101 + n, tsm);
    const gva = guest.buffer();
    guest.write(gva, new Uint8Array(BLOCK));
    return { guest, gva, dma: roads[1 + n] as Dma };
  });
  const block = new Uint8Array(BLOCK).fill(0x5a);
  // A guest that hides nothing needs no pool.
  const isPlain = generation === "none";
  return {
    name,
    units: BLOCKS * BLOCK,
    copied: () => guests.reduce((sum, { guest }) => sum + guest.copied, 0),
    run() {
      for (let i = 0; i < BLOCKS; i++) {
        const { guest, gva, dma } = guests[i % tdis] as (typeof guests)[number];
        if (isPlain) {
          if (dma.write(guest.kernel.gpaOf(gva), block) !== "done") throw new Error(name);
          continue;
        }
        const mapped = guest.run(guest.map.map(guest.kernel.io, gva, BLOCK, false));
        for (const { address, bytes } of mapped ?? []) {
          if (dma.write(address, block.subarray(0, bytes)) !== "done") throw new Error(name);
        }
        guest.run(guest.map.unmap(guest.kernel.io, mapped ?? [], true));
      }
    },
  };
}

/** The links' cipher, and blocks by each way, against a guest that hides nothing. Copies are counted, not measured. */
export async function tioFigures(quick: boolean): Promise<Figure[]> {
  const rounds = quick ? 5 : 21;
  const [tlp, peer] = (await interleaved(tlpTasks(), rounds)) as [Measured, Measured];
  const tasks = WAYS.map(dmaTask);
  const [plain, ...others] = (await interleaved(tasks, rounds)) as [Measured, ...Measured[]];
  return [
    against(tlp.name, "TLPs/s", tlp, peer),
    ...others.map((each) => against(each.name, "bytes/s", each, plain)),
    ...tasks.slice(1).map(copies),
  ];
}

/** What the guest copied of each byte that the device gave; a bounced one is copied once. */
function copies(task: Task & { copied(): number }): Figure {
  const before = task.copied();
  task.run();
  const value = (task.copied() - before) / task.units;
  const peer = { peer: "a byte bounced", peerValue: 1, ratio: value, spread: 0 };
  return { name: `${task.name}-copies`, value, unit: "copies", ...peer };
}
