// A machine with one guest that boots to a GHCB: what the tests of the GHCB share.
import type { Generation } from "../../dist/chip/chip.js";
import { boot } from "../../dist/guest/boot.js";
import type { Cpu, Routine, Step } from "../../dist/guest/cpu.js";
import type { SevGuest } from "../../dist/guest/sev.js";
import type { Outcome } from "../../dist/hypervisor/exits.js";
import type { Vcpu } from "../../dist/hypervisor/vcpu.js";
import { createPlatform, type Platform, type Vm } from "../../dist/index.js";
import { MIB, withCore } from "../core.ts";

export const ENTRY = 0xffff_fff0n;
export const TABLES = 0x10000n;
export const GHCB = 0x20000n;
/** A private page of the guest's, and pages that a test may share. */
export const SCRATCH = 0x30000n;
export const SHARED = 0x40000n;
/** Where an AP starts: below 1 MiB. */
export const AP_START = 0x8000;

export interface Rig {
  platform: Platform;
  vm: Vm;
  vcpu: Vcpu;
  /** The boot vCPU until the guest sleeps or is over. */
  run(): Outcome;
}

export interface RigOptions {
  generation?: Generation;
  pageSize?: "4k" | "2m";
  vcpus?: number;
  sevFeatures?: bigint;
  /** Programs beside the boot one, by address. */
  code?: [bigint, (cpu: Cpu) => Step][];
}

/** A guest that boots and then runs `program` with its GHCB. */
export function rig(
  program: (cpu: Cpu, guest: SevGuest) => Step,
  {
    generation = "sev-snp",
    pageSize = "4k",
    vcpus = 1,
    sevFeatures = 0n,
    code = [],
  }: RigOptions = {},
): Rig {
  const main = function* (cpu: Cpu): Step {
    const guest = yield* boot(cpu, { memory: 0x200000n, tables: TABLES, ghcb: GHCB });
    yield* program(cpu, guest as SevGuest);
  };
  return bare(main, { generation, pageSize, vcpus, sevFeatures, code });
}

/** A guest whose boot vCPU runs a program from reset. */
export function bare(
  program: (cpu: Cpu) => Step,
  {
    generation = "sev-snp",
    pageSize = "4k",
    vcpus = 1,
    sevFeatures = 0n,
    code = [],
  }: RigOptions = {},
): Rig {
  const platform = createPlatform({ generation, resident: 64 * MIB, ...withCore });
  const image = { code: new Map([[ENTRY, program], ...code]) };
  const vm = platform.createVm({ memory: 0x400000n, pageSize, image, vcpus, sevFeatures });
  const vcpu = vm.vcpus[0] as Vcpu;
  return { platform, vm, vcpu, run: () => turn(vm, vcpu) };
}

const MOST = 100_000;

/** One vCPU until it sleeps or the guest is over. */
export function turn(vm: Vm, vcpu: Vcpu): Outcome {
  for (let exits = 0; exits < MOST; exits++) {
    const outcome = vm.serve(vcpu, vcpu.run());
    if (outcome !== "runs") return outcome;
  }
  throw new Error(`the guest left ${MOST} times and did not end`);
}

/** A routine that only notes that it came, and its error code. */
export function noting(note: (error: bigint) => void): Routine {
  // biome-ignore lint/correctness/useYield: needs nothing of the CPU
  return function* (_, error) {
    note(error);
  };
}
