// A machine with one launched guest, from a description alone: equal descriptions make equal machines, to the last byte of DRAM.
import { equal, hex } from "./attest/bytes.ts";
import type { ChipName } from "./chip/chip.ts";
import { CheckFailed } from "./error.ts";
import type { Vm } from "./hypervisor/vm.ts";
import { legacyDigest, snpDigest } from "./launch/digest.ts";
import { pagesOf, type Region } from "./launch/plan.ts";
import { createPlatform, type Platform, type PlatformOptions } from "./platform.ts";
import type { Image } from "./world.ts";

/** What a guest is launched with. */
export interface GuestSpec {
  /** What is loaded, in order. */
  readonly plan: readonly Region[];
  readonly policy: bigint;
  /** Bytes of guest memory. */
  readonly memory: bigint;
  /** 32 bytes. */
  readonly hostData?: Uint8Array | undefined;
  /** ID_BLOCK, ID_AUTH, and whether the author key counts. */
  readonly id?: { block: Uint8Array; auth: Uint8Array; authorKey: boolean } | undefined;
  readonly vcekDisable?: boolean;
  /** 16 bytes. */
  readonly gosvw?: Uint8Array | undefined;
}

export interface MachineSpec {
  readonly chip: ChipName;
  readonly generation: "sev" | "sev-es" | "sev-snp" | "sev-tio";
  readonly seed: bigint;
  readonly dialect: "abi" | "field-guide";
  readonly guest: GuestSpec;
}

/** A launched guest and the board it is on. */
export interface Machine {
  readonly platform: Platform;
  readonly vm: Vm;
  /** As the firmware measured it. */
  readonly measurement: Uint8Array;
  /** Pages that LAUNCH_UPDATE took. */
  readonly pages: number;
}

const isLegacy = ({ generation }: MachineSpec) => generation === "sev" || generation === "sev-es";

/**
 * Makes the platform and launches the guest through the mailbox; `image` is what its vCPUs run. Throws CommandRefused where
 * the firmware refuses, CheckFailed when what it measured is not what the plan must lead to.
 */
export function buildMachine(
  spec: MachineSpec,
  options: Pick<PlatformOptions, "onCommand" | "module" | "storage" | "resident"> & {
    image?: Image;
  } = {},
): Machine {
  const { chip, generation, seed, dialect, guest } = spec;
  const { image, ...board } = options;
  const platform = createPlatform({ ...board, chip, generation, seed, dialect });
  const { plan, memory, ...launch } = guest;
  const vm = platform.createVm({ memory, pageSize: "4k", launch, plan, ...(image && { image }) });
  const measurement = platform.measurementOf(vm);
  const expected = isLegacy(spec) ? legacyDigest(plan) : snpDigest(plan);
  if (!equal(measurement, expected)) {
    throw new CheckFailed(`measurement: ${hex(measurement)}, the plan leads to ${hex(expected)}`);
  }
  return { platform, vm, measurement, pages: [...pagesOf(plan)].length };
}
