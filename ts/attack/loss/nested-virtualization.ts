// nested-virtualization: a guest runs a guest of its own. The hypervisor is willing: it emulates the guest's VMRUN, as KVM does for
// ordinary guests, and is shown the guest's VMCB in shared memory.
import * as Code from "../../abi/exit.ts";
import * as Ghcb from "../../abi/ghcb.ts";
import * as Vmcb from "../../abi/vmcb.ts";
import * as Vmsa from "../../abi/vmsa.ts";
import { boot } from "../../guest/boot.ts";
import type { Cpu, Step } from "../../guest/cpu.ts";
import { share } from "../../guest/share.ts";
import { createVcpu } from "../../hypervisor/create-vcpu.ts";
import type { Outcome } from "../../hypervisor/exits.ts";
import { readGuest, writeGuest } from "../../hypervisor/ghcb/scratch.ts";
import type { Vcpu } from "../../hypervisor/vcpu.ts";
import type { Vm } from "../../hypervisor/vm.ts";
import { vmsaPage } from "../../launch/vmsa.ts";
import { describe } from "../describe.ts";
import type { Loss } from "../loss.ts";
import type { Scene } from "../scene.ts";
import { imageOf } from "./plain-guest.ts";

const LAYOUT = { memory: 0x200000n, tables: 0x10000n, ghcb: 0x20000n };
/** Where the guest keeps its guest's VMCB, and where that one starts. */
const INNER_VMCB = 0x30000n;
const INNER = 0x7000n;
const ANSWER = 42n;
const HLT = BigInt(Code.VMEXIT_HLT);
const MOST_EXITS = 1000;

interface Found {
  exitcode?: bigint;
  rbx?: bigint;
}

export const nestedVirtualization: Loss = {
  loss: "nested-virtualization",
  title: "the guest executes VMRUN for a guest of its own, and the hypervisor emulates it",
  run(scene) {
    const found: Found = {};
    const outer = (cpu: Cpu) => manager(cpu, found, stateOf(scene));
    const vm = scene.createVm(imageOf(outer, [[INNER, inner]]));
    const last = emulateIn(scene, vm);
    const ended = scene.run(vm);
    if (found.exitcode === HLT && found.rbx === ANSWER)
      return { works: true, got: "a guest in a guest", via: "it ran, and left by VMEXIT_HLT" };
    return { works: false, got: "not entered", via: ended ?? last.answer };
  },
};

/** The inner guest. */
function* inner(cpu: Cpu): Step {
  cpu.registers.rbx = ANSWER;
  yield* cpu.hlt();
}

/** The guest that would be a hypervisor: it writes a VMCB, shows it, and executes VMRUN. */
function* manager(cpu: Cpu, found: Found, state: Uint8Array): Step {
  const guest = yield* boot(cpu, LAYOUT);
  yield* share(cpu, guest, INNER_VMCB, 1n);
  yield* cpu.write(INNER_VMCB, new Uint8Array(Vmcb.SAVE_AREA));
  yield* cpu.write(INNER_VMCB + BigInt(Vmcb.SAVE_AREA), state.subarray(0, Vmcb.SAVED));
  if (guest) {
    const { ghcb } = guest;
    // VMRUN is no event that the GHCB knows; the guest asks all the same.
    cpu.on(Code.VC, function* (it) {
      ghcb.clear();
      ghcb.set(Ghcb.RAX, INNER_VMCB);
      yield* ghcb.call(it, Code.VMEXIT_VMRUN, 0n, 0n);
    });
  }
  yield* cpu.vmrun(INNER_VMCB);
  const code = new Uint8Array(8);
  yield* cpu.read(INNER_VMCB + BigInt(Vmcb.EXITCODE), code);
  found.exitcode = new DataView(code.buffer).getBigUint64(0, true);
  found.rbx = cpu.registers.rbx;
}

function stateOf({ chip }: Scene): Uint8Array {
  return vmsaPage({ vmm: "QEMU", eip: Number(INNER), signature: chip.signature, features: 0n });
}

/** Has the hypervisor emulate VMRUN, by #VMEXIT and by VMGEXIT. */
function emulateIn(scene: Scene, vm: Vm): { answer: string } {
  const last = { answer: "the hypervisor was not asked" };
  vm.exits.set(Code.VMEXIT_VMRUN, (_, vcpu) => {
    last.answer = enterInner(scene, vm, vcpu, vcpu.register(Vmsa.RAX));
    vcpu.skip();
    return "runs";
  });
  vm.ghcb.events.set(Code.VMEXIT_VMRUN, {
    snp: false,
    needs: () => [Ghcb.RAX],
    serve({ vcpu, page }): Outcome {
      last.answer = enterInner(scene, vm, vcpu, page.get(Ghcb.RAX));
      return "runs";
    },
  });
  return last;
}

/** Runs the inner guest in the outer one's memory, under its ASID, by a VMCB of the hypervisor's own. Answers how it left. */
function enterInner(scene: Scene, vm: Vm, outer: Vcpu, gpa: bigint): string {
  const page = new Uint8Array(0x1000);
  const memory = memoryOf(scene, vm);
  readGuest(memory, gpa, page);
  const state = stateIn(page);
  let vcpu = makeInner(scene, vm, outer, state);
  let exit = runInner(scene, vm, vcpu);
  let answer = `VMRUN of the inner guest: ${describe(exit)}`;
  if (outer.es) {
    // Then with encrypted state, as the ASID asks for: in a page that the hypervisor wrote, for nobody else can.
    const vmsa = scene.hypervisor.parts.pages.small();
    scene.host.write(vmsa, state);
    vcpu = makeInner(scene, vm, outer, state, vmsa);
    exit = runInner(scene, vm, vcpu);
    answer += `; with a VMSA that the hypervisor wrote: ${describe(exit)}`;
  } else outer.setRegister(Vmsa.RBX, vcpu.register(Vmsa.RBX));
  const code = new Uint8Array(8);
  new DataView(code.buffer).setBigUint64(0, exit.code, true);
  writeGuest(memory, gpa + BigInt(Vmcb.EXITCODE), code);
  return answer;
}

function makeInner(scene: Scene, vm: Vm, outer: Vcpu, state: Uint8Array, vmsa?: bigint): Vcpu {
  const { host, hypervisor, hostKey, features } = scene;
  return createVcpu(1, {
    host,
    vmcb: hypervisor.parts.pages.small(),
    iopm: outer.vmcb.u64(Vmcb.IOPM_BASE_PA) & ~hostKey,
    msrpm: outer.vmcb.u64(Vmcb.MSRPM_BASE_PA) & ~hostKey,
    vmsa,
    asid: vm.asid,
    ncr3: vm.root,
    sev: features.sev,
    cBit: hostKey,
    state,
  });
}

/** The guest's memory as the host reads and writes it: under SME with its own key. */
function memoryOf({ host, hostKey }: Scene, vm: Vm): Parameters<typeof readGuest>[0] {
  const encrypted = hostKey !== 0n;
  const read = (spa: bigint, into: Uint8Array) => host.read(spa, into, encrypted);
  const write = (spa: bigint, from: Uint8Array) => host.write(spa, from, encrypted);
  return { host: { ...host, read, write }, spaOf: (gpa) => vm.spaOf(gpa) };
}

/** The save area of a VMCB, as far as it goes, in a page of its own. */
function stateIn(vmcb: Uint8Array): Uint8Array {
  const state = new Uint8Array(0x1000);
  state.set(vmcb.subarray(Vmcb.SAVE_AREA, Vmcb.SAVE_AREA + Vmcb.SAVED));
  return state;
}

function runInner(scene: Scene, vm: Vm, vcpu: Vcpu) {
  let exit = vcpu.run();
  for (let exits = 0; exits < MOST_EXITS && exit.code === BigInt(Code.VMEXIT_NPF); exits++) {
    vm.serve(vcpu, exit);
    exit = vcpu.run();
  }
  scene.note(`the inner guest left: ${describe(exit)}`);
  return exit;
}
