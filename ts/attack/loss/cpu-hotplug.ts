// cpu-hotplug: the host gives the guest one more vCPU, which the guest has not asked for.
import * as Command from "../../abi/command.ts";
import * as PageInfo from "../../abi/page-info.ts";
import * as LaunchUpdate from "../../abi/psp/launch-update.ts";
import * as SnpLaunchUpdate from "../../abi/psp/snp-launch-update.ts";
import * as Feature from "../../abi/sev-features.ts";
import * as Vmcb from "../../abi/vmcb.ts";
import type { Step } from "../../guest/cpu.ts";
import { createVcpu } from "../../hypervisor/create-vcpu.ts";
import { VMSA_GPA } from "../../hypervisor/launch.ts";
import { statusNamed } from "../../hypervisor/mailbox.ts";
import { makePreGuest, makePrivate } from "../../hypervisor/page-state.ts";
import type { Vcpu } from "../../hypervisor/vcpu.ts";
import type { Vm } from "../../hypervisor/vm.ts";
import { vmsaPage } from "../../launch/vmsa.ts";
import { bufferOf } from "../../layout.ts";
import type { Loss } from "../loss.ts";
import type { Scene } from "../scene.ts";
import { imageOf } from "./plain-guest.ts";

/** Where the guest would start another processor. */
const START = 0x8000n;

export const cpuHotplug: Loss = {
  loss: "cpu-hotplug",
  title: "the host makes a vCPU for the guest and enters it",
  run(scene) {
    const ran = { times: 0 };
    const second = function* (): Step {
      ran.times++;
      yield* [];
    };
    const idle = function* (): Step {
      yield* [];
    };
    const vm = scene.createVm(imageOf(idle, [[START, second]]));
    scene.run(vm);
    const asked = scene.features.es ? askFirmware(scene, vm) : undefined;
    const ended = scene.run(vm, plug(scene, vm));
    if (ran.times > 0) return { works: true, got: "one more vCPU", via: "it ran the guest's code" };
    return { works: false, got: "not entered", via: `${asked}; entered all the same: ${ended}` };
  },
};

/** The state that a new processor starts in. */
function stateOf({ features, chip }: Scene): Uint8Array {
  const own = features.snp
    ? (1n << BigInt(Feature.SNP_ACTIVE_BIT)) | (1n << BigInt(Feature.RESTRICTED_INJECTION_BIT))
    : 0n;
  return vmsaPage({
    vmm: "QEMU",
    eip: Number(START),
    signature: chip.signature,
    features: features.es ? own : 0n,
  });
}

/** LAUNCH_UPDATE of one more VMSA. Answers what the firmware said. */
function askFirmware(scene: Scene, vm: Vm): string {
  const { host, hypervisor, features } = scene;
  const page = hypervisor.parts.pages.small();
  host.write(page, stateOf(scene));
  const status = features.snp ? updateSnp(scene, vm, page) : updateEs(scene, vm, page);
  const said = `LAUNCH_UPDATE of a VMSA answers ${statusNamed(status)}`;
  scene.note(said);
  return said;
}

function updateSnp({ host, hypervisor }: Scene, vm: Vm, page: bigint): number {
  makePreGuest(host, page, VMSA_GPA, vm.asid, false);
  const FLAGS = PageInfo.VMSA << SnpLaunchUpdate.PAGE_TYPE_LSB;
  const values = { GCTX_PADDR: vm.gctx as bigint, PAGE_PADDR: page, FLAGS };
  return hypervisor.mailbox.send(Command.SNP_LAUNCH_UPDATE, bufferOf(SnpLaunchUpdate, values));
}

function updateEs({ hypervisor }: Scene, vm: Vm, page: bigint): number {
  const values = { HANDLE: hypervisor.handleOf(vm) as number, PADDR: page, LENGTH: 0x1000 };
  return hypervisor.mailbox.send(Command.LAUNCH_UPDATE_VMSA, bufferOf(LaunchUpdate, values));
}

/** A VMCB beside the first one's, and with SEV-ES a VMSA that the host wrote itself. */
function plug(scene: Scene, vm: Vm): Vcpu {
  const { host, hypervisor, features, hostKey } = scene;
  const { pages } = hypervisor.parts;
  const first = (vm.vcpus[0] as Vcpu).vmcb;
  const vmsa = features.es ? pages.small() : undefined;
  if (vmsa !== undefined) host.write(vmsa, stateOf(scene));
  if (vmsa !== undefined && features.snp) makePrivate(host, vmsa, VMSA_GPA, vm.asid, false);
  return createVcpu(1, {
    host,
    vmcb: pages.small(),
    iopm: first.u64(Vmcb.IOPM_BASE_PA) & ~hostKey,
    msrpm: first.u64(Vmcb.MSRPM_BASE_PA) & ~hostKey,
    vmsa,
    asid: vm.asid,
    ncr3: vm.root,
    sev: features.sev,
    cBit: hostKey,
    state: stateOf(scene),
  });
}
