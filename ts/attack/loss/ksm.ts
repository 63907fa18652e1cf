// ksm: kernel samepage merging. The host looks for pages of equal bytes, and lets one frame stand for both.
import type { Step } from "../../guest/cpu.ts";
import type { Vm } from "../../hypervisor/vm.ts";
import { prng } from "../../prng.ts";
import type { Loss, LossOutcome } from "../loss.ts";
import type { Scene } from "../scene.ts";
import { same } from "../verdict.ts";
import { accept, DATA, imageOf } from "./plain-guest.ts";

const PAGE = 0x1000;
const BLOCK = 16;

export const ksm: Loss = {
  loss: "ksm",
  title: "the host merges equal pages of two guests, as KSM does",
  run(scene) {
    const contents = prng(1n, "a page of a library that both guests have").bytes(PAGE);
    const read = [new Uint8Array(PAGE), new Uint8Array(PAGE)] as const;
    const [first, second] = [tenant(scene, contents, read[0]), tenant(scene, contents, read[1])];
    scene.run(first);
    scene.run(second);
    const pages = [first, second].map((vm) => seen(scene, vm)) as [Uint8Array, Uint8Array];
    const differ = blocksThatDiffer(pages[0], pages[1]);
    scene.note(
      `the two pages, as the host sees them, differ in ${differ} of ${PAGE / BLOCK} blocks`,
    );
    // A scan finds nothing to merge where they differ; tried all the same, for the guests said that they are equal.
    scene.remap(DATA, scene.spaOf(DATA, first), second);
    const ended = [scene.run(first), scene.run(second)].find((why) => why !== undefined);
    return verdict(differ, ended ?? faultOf(read, contents));
  },
};

/** A guest that fills a page, halts, and reads it. */
function tenant(scene: Scene, contents: Uint8Array, into: Uint8Array): Vm {
  const program = function* (cpu: Parameters<typeof accept>[0]): Step {
    yield* accept(cpu, DATA);
    yield* cpu.write(DATA, contents);
    yield* cpu.hlt();
    yield* cpu.read(DATA, into);
  };
  return scene.createVm(imageOf(program));
}

/** A guest's page as the host's scanner reads it. */
function seen(scene: Scene, vm: Vm): Uint8Array {
  const page = new Uint8Array(PAGE);
  scene.host.read(scene.spaOf(DATA, vm), page, scene.hostKey !== 0n);
  return page;
}

function blocksThatDiffer(a: Uint8Array, b: Uint8Array): number {
  let count = 0;
  for (let at = 0; at < PAGE; at += BLOCK)
    if (!same(a.subarray(at, at + BLOCK), b.subarray(at, at + BLOCK))) count++;
  return count;
}

const faultOf = (read: readonly Uint8Array[], contents: Uint8Array) =>
  read.every((bytes) => same(bytes, contents)) ? undefined : "the second guest read altered data";

function verdict(differ: number, wrong: string | undefined): LossOutcome {
  if (differ === 0 && wrong === undefined)
    return {
      works: true,
      got: "one frame for two",
      via: "equal bytes; both guests read their own",
    };
  const scan = `${differ} of ${PAGE / BLOCK} blocks differ`;
  return { works: false, got: "nothing to merge", via: `${scan}; merged all the same: ${wrong}` };
}
