// memory-hotplug: the host adds a page beyond the memory that the guest was launched with.
import * as Code from "../../abi/exit.ts";
import type { Cpu, Step } from "../../guest/cpu.ts";
import type { Loss } from "../loss.ts";
import { same } from "../verdict.ts";
import { imageOf } from "./plain-guest.ts";

const CONTENTS = new TextEncoder().encode("kept in memory that came later");

export const memoryHotplug: Loss = {
  loss: "memory-hotplug",
  title: "the host plugs a page in behind the guest's memory, and the guest uses it",
  run(scene) {
    const found: { fault?: string; read?: Uint8Array } = {};
    const vm = scene.createVm(imageOf((cpu) => guest(cpu, vm.memory, found)));
    scene.run(vm);
    vm.back(vm.memory, scene.features.snp);
    scene.note(
      `the host backed gpa 0x${vm.memory.toString(16)}${scene.features.snp ? ", by RMPUPDATE" : ""}`,
    );
    const ended = scene.run(vm);
    if (found.fault) scene.note(`the guest stopped itself: ${found.fault}`);
    if (same(found.read, CONTENTS))
      return { works: true, got: "more memory", via: "the guest read what it wrote there" };
    return {
      works: false,
      got: "not validated",
      via: found.fault ?? ended ?? "the guest read other data",
    };
  },
};

/** Uses the page without accepting it: who validates whatever a host adds has given the host a say in what its memory is. */
function* guest(cpu: Cpu, gva: bigint, found: { fault?: string; read?: Uint8Array }): Step {
  cpu.on(Code.VC, function* (inner, error) {
    const accepted = error !== BigInt(Code.PAGE_NOT_VALIDATED);
    found.fault = `#VC 0x${error.toString(16)}${accepted ? "" : " (PAGE_NOT_VALIDATED)"}`;
    for (;;) yield* inner.hlt();
  });
  yield* cpu.hlt();
  yield* cpu.write(gva, CONTENTS);
  const read = new Uint8Array(CONTENTS.length);
  yield* cpu.read(gva, read);
  found.read = read;
}
