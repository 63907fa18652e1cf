// introspection: gdb, a tracer or a forensic tool on the host reads a guest's memory and registers, by itself and by the firmware.
import * as Vmsa from "../../abi/vmsa.ts";
import type { Cpu, Step } from "../../guest/cpu.ts";
import type { Vcpu } from "../../hypervisor/vcpu.ts";
import type { Vm } from "../../hypervisor/vm.ts";
import { decryptPage, noDebug } from "../debugger.ts";
import type { Loss } from "../loss.ts";
import type { Scene } from "../scene.ts";
import { holds } from "../verdict.ts";
import { accept, DATA, imageOf } from "./plain-guest.ts";

const MEMORY = new TextEncoder().encode("a variable that a developer looks for");
const REGISTER = 0x0123_4567_89ab_cdefn;

export const introspection: Loss = {
  loss: "introspection",
  title:
    "the host looks for a variable and a register of the guest, whose policy forbids debugging",
  run(scene) {
    const vm = scene.createVm(imageOf(guest), { launch: { policy: noDebug(scene) } });
    scene.run(vm);
    const register = (vm.vcpus[0] as Vcpu).register(Vmsa.RBX) === REGISTER;
    const memory = readsMemory(scene, vm);
    const refused = scene.features.sev && !memory ? debuggerSays(scene, vm) : "";
    const got = memory ? "memory and registers" : register ? "registers only" : "nothing";
    return { works: memory && register, got, via: `the host's own reads${refused}` };
  },
};

function* guest(cpu: Cpu): Step {
  yield* accept(cpu, DATA);
  yield* cpu.write(DATA, MEMORY);
  cpu.registers.rbx = REGISTER;
  yield* cpu.hlt();
}

/** Whether the variable is to be read, with the host's key or without. */
function readsMemory(scene: Scene, vm: Vm): boolean {
  const page = new Uint8Array(0x1000);
  return [false, true].some((encrypted) => {
    scene.host.read(scene.spaOf(DATA, vm), page, encrypted);
    scene.note(`the host read 4096 bytes, C-bit ${encrypted ? "set" : "clear"}`);
    return holds(page, MEMORY);
  });
}

function debuggerSays(scene: Scene, vm: Vm): string {
  const answer = decryptPage(scene, vm, scene.spaOf(DATA, vm));
  return `; the firmware's debugger ${typeof answer === "string" ? `answers ${answer}` : "reads it"}`;
}
