// A Turin with devices and one guest that has a TSM of its own: what trusted I/O takes, wired. Each step is still the caller's.

import type { BoardDeviceOptions } from "../board.ts";
import type { Clock } from "../clock.ts";
import { CheckFailed, Misuse } from "../error.ts";
import type { Cpu, Step } from "../guest/cpu.ts";
import type { SevGuest } from "../guest/sev.ts";
import type { Attested } from "../guest/tio/evidence.ts";
import { tioGuest, tioLayout } from "../guest/tio/program.ts";
import type { GuestDevice, GuestTsm, GuestTsmOptions } from "../guest/tio/tsm.ts";
import { AssignedDevice } from "../hypervisor/tsm/assigned.ts";
import type { TioPhase, Tsm } from "../hypervisor/tsm/tsm.ts";
import type { PageSize, Vm } from "../hypervisor/vm.ts";
import { PCI_DEVICES, pciName } from "../linux/pci-name.ts";
import { createPlatform, type Platform, type PlatformOptions } from "../platform.ts";
import { prng } from "../prng.ts";

/** What the guest does: its TSM, its CPU, and what it booted to. */
export type TioTask = (tsm: GuestTsm, cpu: Cpu, guest: SevGuest) => Step;

export interface TioMachineOptions
  extends Omit<PlatformOptions, "chip" | "generation" | "devices" | "tioPhase" | "initialise"> {
  devices: readonly BoardDeviceOptions[];
  /** A machine that is there already, for one more guest on it; what is said of the machine itself then counts for nothing. */
  platform?: Platform;
  /** The phase of both kernels; default 4. */
  phase?: TioPhase;
  /** DER roots that the guest believes. */
  roots?: Uint8Array[];
  /** The guest's calendar; without one it does not check certificates' dates. */
  clock?: Clock;
  /** The guest's last look at a device that has proved itself. */
  judge?: NonNullable<GuestTsmOptions["judge"]>;
  vTom?: bigint;
  /** Bytes of guest memory; default 8 MiB, of which the guest's own programs use less. */
  memory?: bigint;
  /** How the hypervisor backs it; default 4k. */
  pageSize?: PageSize;
}

/** What lies behind it is nobody's yet. */
export const MEMORY = 0x800000n;
/** Behind memory and devices. */
const SECRETS = 0x600000n;
/** The guest's bus has its devices from here on, a slot each. */
const FIRST_RID = 0x18;
const SLOT = 8;

export class TioMachine {
  readonly platform: Platform;
  readonly tsm: Tsm;
  readonly vm: Vm;
  readonly phase: TioPhase;
  readonly assigned: AssignedDevice[] = [];
  readonly #tasks: TioTask[] = [];
  #mmio: bigint = tioLayout.memory;

  constructor(made: TioMachineOptions) {
    const {
      phase = 4,
      roots,
      clock,
      judge,
      vTom,
      memory = MEMORY,
      pageSize = "4k",
      platform,
      ...options
    } = made;
    this.phase = phase;
    this.platform =
      platform ??
      createPlatform({
        resident: 96 << 20,
        ...options,
        chip: "turin",
        generation: "sev-tio",
        tioPhase: phase,
      });
    const { tsm } = this.platform.hypervisor;
    if (!tsm) throw new Misuse("devices: none, expected at least one");
    this.tsm = tsm;
    const nonces = prng(options.seed ?? 1n, "guest nonces");
    const own: GuestTsmOptions = {
      phase: phase === 1 ? 2 : phase,
      nonce: () => nonces.bytes(32),
      ...(roots ? { roots } : {}),
      ...(clock ? { clock } : {}),
      ...(options.curves ? { curves: options.curves } : {}),
      ...(judge ? { judge } : {}),
      ...(vTom === undefined ? {} : { vTom }),
    };
    const image = tioGuest(SECRETS, [], own, () => this.#tasks.shift());
    this.vm = this.platform.createVm({
      memory,
      pageSize,
      image,
      plan: [{ type: "secrets", gpa: SECRETS, bytes: 0x1000 }],
    });
  }

  /** The node of a function of the machine, as sysfs has it. */
  node(bdf: number, name: string): string {
    return `${PCI_DEVICES}${pciName(bdf)}/${name}`;
  }

  /** Hotplugs a function into the VM: the guest finds it on its own bus. Answers how the guest calls it. */
  assign(bdf: number): number {
    const rid = FIRST_RID + SLOT * this.assigned.length;
    const device = new AssignedDevice(this.tsm, this.vm, bdf, rid, this.#mmio);
    for (const { gpa, bytes } of device.bars) this.#mmio = gpa + BigInt(bytes);
    if (this.#mmio > tioLayout.memory + tioLayout.mmio)
      throw new Misuse(`${pciName(bdf)}: its BARs are beyond the guest's window`);
    this.assigned.push(device);
    const seen: GuestDevice = { rid, bars: device.bars };
    this.look((tsm) => tsm.add(seen));
    return rid;
  }

  /** Lets the guest do something, until it sleeps again. What the task throws comes out here. */
  run(task: TioTask): void {
    let thrown: unknown;
    this.#tasks.push(function* (tsm, cpu, guest) {
      try {
        yield* task(tsm, cpu, guest);
      } catch (error) {
        thrown = error;
      }
    });
    const [vcpu] = this.vm.vcpus;
    if (vcpu) vcpu.halted = false;
    if (this.vm.run() !== "sleeps")
      throw new CheckFailed(`the guest ended itself: ${JSON.stringify(this.vm.ghcb.terminated)}`);
    if (thrown) throw thrown;
  }

  /** Writes a node of the guest's own. */
  write(rid: number, name: string, text: string): void {
    const path = this.node(rid, name);
    this.run((tsm) => tsm.write(path, text));
  }

  /** Reads a node of the guest's own. */
  read(rid: number, name: string): string {
    return this.look((tsm) => tsm.read(this.node(rid, name)));
  }

  /** What a device proved to the guest; undefined while it is not locked, and before phase 4. */
  attested(rid: number): Attested | undefined {
    return this.look((tsm) => tsm.attested(rid));
  }

  /** Something of the guest's TSM that needs nothing of its CPU. */
  look<T>(act: (tsm: GuestTsm) => T): T {
    let seen: T | undefined;
    // biome-ignore lint/correctness/useYield: needs nothing of the CPU
    this.run(function* (tsm) {
      seen = act(tsm);
    });
    return seen as T;
  }
}
