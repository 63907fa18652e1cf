// A machine with one guest whose programs a test gives: what the tests of the world switch share.
import type { Generation } from "../../dist/chip/chip.js";
import type { Cpu, Routine, Step } from "../../dist/guest/cpu.js";
import type { Vcpu } from "../../dist/hypervisor/vcpu.js";
import {
  createPlatform,
  type Exit,
  type Platform,
  type PlatformOptions,
  type Vm,
  type VmOptions,
} from "../../dist/index.js";
import * as Layout from "../../ts/abi/vmcb.ts";
import { MIB, withCore } from "../core.ts";

export const ENTRY = 0xffff_fff0n;
/** A page of the guest's that programs may use. */
export const DATA = 0x3000n;

export interface Rig {
  platform: Platform;
  vm: Vm;
  vcpu: Vcpu;
}

export type Options = Partial<VmOptions> & { platform?: PlatformOptions };

/** A guest whose boot vCPU runs a program from reset. */
export function rig(
  generation: Generation,
  program: (cpu: Cpu) => Step,
  { platform: made = {}, ...options }: Options = {},
): Rig {
  const platform = createPlatform({ generation, resident: 64 * MIB, ...withCore, ...made });
  const image = options.image ?? { code: new Map([[ENTRY, program]]) };
  const vm = platform.createVm({ memory: 0x400000n, pageSize: "4k", ...options, image });
  return { platform, vm, vcpu: vm.vcpus[0] as Vcpu };
}

/** Runs to the next exit that the hypervisor has not served on the way: not #NPF. */
export function runTo({ vm, vcpu }: Rig, code: number): Exit {
  for (let exits = 0; exits < 10_000; exits++) {
    const exit = vcpu.run();
    if (exit.code === BigInt.asUintN(64, BigInt(code))) return exit;
    if (vm.serve(vcpu, exit) === "ends") throw new Error(`the guest is over: ${exit.code}`);
  }
  throw new Error(`no exit 0x${code.toString(16)} in 10,000`);
}

/** The page of a vCPU's VMSA. */
export function vmsaOf({ vcpu }: Rig): bigint {
  return vcpu.vmcb.u64(Layout.VMSA_PTR);
}

/** Changes the plaintext of a VMSA as only the firmware could, and has the silicon take it for good. */
export function setVmsa(made: Rig, change: (view: DataView) => void): void {
  const { platform, vm } = made;
  const { firmware } = platform.core;
  const spa = vmsaOf(made);
  const bytes = new Uint8Array(0x1000);
  firmware.read(spa, vm.asid, bytes);
  change(new DataView(bytes.buffer));
  firmware.write(spa, vm.asid, bytes);
  if (!vm.snp) firmware.noteVmsa(spa, vm.asid);
}

/** A routine of the guest's that never leaves. */
export function routine(act: (cpu: Cpu, error: bigint, cr2: bigint) => unknown): Routine {
  return function* (cpu, error, cr2) {
    act(cpu, error, cr2);
    yield* [];
  };
}

/** Accepts a page, where pages must be. */
export function* accept(cpu: Cpu, gpa: bigint): Step {
  if (cpu.features.snp) yield* cpu.pvalidate(gpa, false, true);
}
