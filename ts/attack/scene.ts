// The scene of an attack: a machine of one generation, a victim in it, and what an attacker has in hand: the host, a device, and for
// attacks on the chips a probe. Never the guest, never the firmware.
import * as Code from "../abi/exit.ts";
import * as Pte from "../abi/pte.ts";
import * as Feature from "../abi/sev-features.ts";
import { type Chip, type ChipName, featuresOf, type Generation } from "../chip/chip.ts";
import { chips } from "../chip/index.ts";
import { CheckFailed } from "../error.ts";
import type { Hypervisor } from "../hypervisor/hypervisor.ts";
import { makePrivate, makeShared } from "../hypervisor/page-state.ts";
import type { Vcpu } from "../hypervisor/vcpu.ts";
import type { Vm, VmOptions } from "../hypervisor/vm.ts";
import { createPlatform, type Platform } from "../platform.ts";
import type { DevicePort, DimmPort, Exit, HostPort } from "../port.ts";
import { prng } from "../prng.ts";
import type { CoreModule } from "../structural.ts";
import type { Image } from "../world.ts";
import { describe } from "./describe.ts";
import { createVictim, type Witness } from "./victim.ts";

export interface SceneOptions {
  chip: ChipName;
  seed: bigint;
  /** The guest to attack instead of the usual victim. Its witness then stays empty. */
  image?: Image | undefined;
  module?: CoreModule | undefined;
}

const MIB = 0x100000;
const DRAM = 1n << 30n;
const MEMORY = 0x400000n;
const PAGE = 0x1000;
const FRAME = ((1n << BigInt(Pte.FRAME_WIDTH)) - 1n) << BigInt(Pte.FRAME_LSB);
const bit = (position: number) => 1n << BigInt(position);
// A victim needs a few exits a stage; one that never halts is ended here.
const MOST_EXITS = 100_000;

export class Scene {
  readonly generation: Generation;
  readonly chip: Chip;
  readonly features: ReturnType<typeof featuresOf>;
  readonly host: HostPort;
  readonly device: DevicePort;
  readonly dimm: DimmPort;
  readonly vm: Vm;
  readonly vcpu: Vcpu;
  /** What the victim knows and saw: for judging. */
  readonly witness: Witness;
  /** What happened, a line each. */
  readonly events: string[] = [];
  /** Why the victim will never run again, when that is so. */
  ended: string | undefined;
  /** The hardware's last refusal of something the attacker tried. */
  refusal: string | undefined;
  readonly #platform: Platform;
  readonly #cBit: bigint;
  readonly #hooks: ((exit: Exit) => void)[] = [];

  constructor(generation: Generation, options: SceneOptions) {
    const { chip, seed, module } = options;
    this.generation = generation;
    this.chip = chips[chip];
    this.features = featuresOf(generation);
    const platform = createPlatform({
      chip,
      generation,
      seed,
      dram: DRAM,
      resident: 64 * MIB,
      ...(module ? { module } : {}),
    });
    const victim = createVictim(prng(seed, "victim"));
    this.#platform = platform;
    this.#cBit = this.features.encryption ? bit(platform.chip.cBit) : 0n;
    ({ host: this.host, device: this.device, dimm: this.dimm } = platform.core);
    this.witness = victim.witness;
    this.vm = this.createVm(options.image ?? victim.image);
    this.vcpu = this.vm.vcpus[0] as Vcpu;
  }

  /** One more VM on the same machine: the attacker's own. */
  createVm(image: Image, options: Partial<VmOptions> = {}): Vm {
    // A guest that fears injection says so in its VMSA, which is measured. APM vol. 2, 15.36.16.
    const sevFeatures = this.features.snp ? bit(Feature.RESTRICTED_INJECTION_BIT) : 0n;
    const common = { memory: MEMORY, pageSize: "4k", sevFeatures } as const;
    return this.#platform.createVm({ ...common, ...options, image });
  }

  /** The host's software, with its mailbox and its free pages. */
  get hypervisor(): Hypervisor {
    return this.#platform.hypervisor;
  }

  /** The C-bit's mask where the host keeps its guests' memory, and its own, under its own key (SME); else 0. */
  get hostKey(): bigint {
    return this.features.sme ? this.#cBit : 0n;
  }

  /** Says what happened. */
  note(event: string): void {
    this.events.push(event);
  }

  /** Called at every #VMEXIT of the victim, before the hypervisor serves it. */
  onExit(hook: (exit: Exit) => void): void {
    this.#hooks.push(hook);
  }

  /** Called at every #NPF of the victim, with the gpa and the error code. */
  onNpf(hook: (gpa: bigint, error: bigint) => void): void {
    this.onExit((exit) => {
      if (exit.code === BigInt(Code.VMEXIT_NPF)) hook(exit.info2, exit.info1);
    });
  }

  /** Runs the victim to its next HLT. False when it will never run again; `ended` says why. */
  advance(): boolean {
    this.ended ??= this.#runToHlt(this.vm, this.vcpu, this.#hooks);
    return this.ended === undefined;
  }

  /** Runs another vCPU to its next HLT. Answers why it will never run again, when that is so. */
  run(vm: Vm, vcpu: Vcpu = vm.vcpus[0] as Vcpu): string | undefined {
    return this.#runToHlt(vm, vcpu, []);
  }

  #runToHlt(vm: Vm, vcpu: Vcpu, hooks: ((exit: Exit) => void)[]): string | undefined {
    for (let exits = 0; exits < MOST_EXITS; exits++) {
      const exit = vcpu.run();
      const seen = describe(exit);
      this.note(`the guest left: ${seen}`);
      for (const hook of hooks) hook(exit);
      if (isFatal(exit) || vm.serve(vcpu, exit) === "ends") return seen;
      if (exit.code === BigInt(Code.VMEXIT_HLT)) return undefined;
    }
    throw new CheckFailed(`guest: ${MOST_EXITS} exits without HLT, expected one`);
  }

  /** Runs the victim through its stages to the end. */
  finish(): void {
    while (this.witness.stage < 3 && this.witness.fault === undefined && this.advance());
    if (this.witness.fault) this.note(`the guest stopped itself: ${this.witness.fault}`);
  }

  /** The spa that backs a gpa. */
  spaOf(gpa: bigint, vm: Vm = this.vm): bigint {
    const spa = vm.spaOf(gpa);
    if (spa === undefined)
      throw new CheckFailed(`gpa 0x${gpa.toString(16)}: not backed, expected the guest's page`);
    return spa;
  }

  /** What the host sees of a page without any key. */
  ciphertext(gpa: bigint, length: number = PAGE): Uint8Array {
    const into = new Uint8Array(length);
    this.host.read(this.spaOf(gpa), into);
    return into;
  }

  /** Writes as the host does, without a key. False when refused. */
  write(spa: bigint, from: Uint8Array): boolean {
    const done = this.host.write(spa, from);
    if (!done) this.refused(`the host's store to spa 0x${spa.toString(16)}`, this.host.exit());
    else this.note(`the host stored ${from.length} bytes at spa 0x${spa.toString(16)}`);
    return done;
  }

  /** Notes a refusal. */
  refused(what: string, exit: Exit): void {
    this.refusal = describe(exit);
    this.note(`${what} was refused: ${this.refusal}`);
  }

  /** RMPUPDATE: takes a page from its guest, as a host may at any time. */
  takeBack(spa: bigint): void {
    makeShared(this.host, spa, false);
    this.note(`RMPUPDATE: spa 0x${spa.toString(16)} is the hypervisor's`);
  }

  /** RMPUPDATE: assigns a page to the victim. */
  assign(spa: bigint, gpa: bigint): void {
    makePrivate(this.host, spa, gpa, this.vm.asid, false);
    this.note(`RMPUPDATE: spa 0x${spa.toString(16)} is the guest's at gpa 0x${gpa.toString(16)}`);
  }

  /** Points a mapped gpa elsewhere, in nested tables that the host owns. */
  remap(gpa: bigint, spa: bigint, vm: Vm = this.vm): void {
    const entry = this.host.nestedEntry(vm.root, gpa);
    this.#setEntry(vm, gpa, (entry & ~FRAME) | spa | (entry & this.#cBit));
    this.note(`nested table: gpa 0x${gpa.toString(16)} is at spa 0x${spa.toString(16)}`);
  }

  /** The accessed and dirty bits that the walker has set for a gpa. */
  bitsOf(gpa: bigint): { accessed: boolean; dirty: boolean } {
    const entry = this.host.nestedEntry(this.vm.root, gpa);
    return {
      accessed: (entry & bit(Pte.ACCESSED_BIT)) !== 0n,
      dirty: (entry & bit(Pte.DIRTY_BIT)) !== 0n,
    };
  }

  /** Clears them: the next access will set them again. */
  clearBits(gpa: bigint): void {
    const entry = this.host.nestedEntry(this.vm.root, gpa);
    this.#setEntry(this.vm, gpa, entry & ~(bit(Pte.ACCESSED_BIT) | bit(Pte.DIRTY_BIT)));
  }

  #setEntry(vm: Vm, gpa: bigint, entry: bigint): void {
    this.host.mapNested(vm.root, gpa, entry, 0, []);
    this.host.flushAsid(vm.asid);
  }
}

/** What a hypervisor cannot serve: VMRUN refused, a walk refused by the RMP, shutdown. */
function isFatal({ kind, code, info1 }: Exit): boolean {
  if (kind !== Code.VMEXIT) return true;
  if (code === BigInt(Code.VMEXIT_NPF)) return (info1 & bit(Code.PRESENT_BIT)) !== 0n;
  return BigInt.asIntN(64, code) < 0n || code === BigInt(Code.VMEXIT_SHUTDOWN);
}
