// The board: options in, parts wired.
import * as Capability from "./abi/sev-capability.ts";
import * as State from "./abi/state.ts";
import type { Tcb } from "./attest/tcb.ts";
import { Board, type BoardDeviceOptions } from "./board.ts";
import type { Chip, ChipName, Generation } from "./chip/chip.ts";
import { featuresOf, generations, isCapable, lacks } from "./chip/chip.ts";
import { cpuidOf } from "./chip/cpuid.ts";
import { chips } from "./chip/index.ts";
import { type RmpOptions, type RmpTable, rmpTable, windowAbove } from "./chip/rmp.ts";
import { sevFeaturesOf } from "./chip/sev-features.ts";
import { tweaksOf } from "./chip/tweak.ts";
import { createCore } from "./core.ts";
import { Misuse } from "./error.ts";
import { Hypervisor } from "./hypervisor/hypervisor.ts";
import type { TioPhase } from "./hypervisor/tsm/tsm.ts";
import type { Vm, VmOptions } from "./hypervisor/vm.ts";
import type { Core } from "./port.ts";
import { type Prng, prng } from "./prng.ts";
import type { FirmwareVersion } from "./psp/facts.ts";
import { firmware } from "./psp/firmware.ts";
import type { CommandRecord } from "./psp/log.ts";
import type { Storage } from "./psp/storage.ts";
import type { Curves } from "./spdm/crypto.ts";
import type { CoreModule } from "./structural.ts";
import { World } from "./world.ts";

/** What a platform is made with. Every field has a default. */
export interface PlatformOptions {
  /** The part; default turin. */
  chip?: ChipName;
  /** The lowest ASID of SEV guests without SEV-ES, a BIOS setting ("SEV-ES ASID space limit"); default the part's table. */
  minSevAsid?: number;
  /** Which of the five steps is switched on; default sev-snp. */
  generation?: Generation;
  /** Everything random follows from it; default 1. */
  seed?: bigint;
  /** Bytes of system memory, a multiple of 2 MiB; default 64 GiB. It is sparse. */
  dram?: bigint;
  /** Bytes of this process's memory that the machine may use, fixed for good; default 512 MiB. */
  resident?: number;
  /** The memory engine's mode; default xex. */
  cipher?: "xex" | "xts";
  /** Whether INVD loses dirty lines under SNP, the flaw of CVE-2023-20592; default false. */
  cacheWarp?: boolean;
  /** How the BIOS lays out the RMP; default: as the part has it, over all memory. */
  rmp?: RmpOptions;
  /** Which book the secure processor follows (DESIGN.md 5); default abi. */
  dialect?: "abi" | "field-guide";
  /** The secure processor's flash: what outlives this platform, such as a Map. Default: a new one. */
  storage?: Storage;
  /** The firmware on the board, when nothing was ever committed to the storage. */
  firmware?: { version?: FirmwareVersion; tcb?: Tcb };
  /** Whether SMT is on; default true. */
  smt?: boolean;
  /** Default 1. */
  sockets?: 1 | 2;
  /** Whether the hypervisor initialises the secure processor at once, as Linux does; default true. */
  initialise?: boolean;
  /** Called with every command as it passed the mailbox; see `decodeCommand`. */
  onCommand?: (record: CommandRecord) => void;
  /** Devices to plug in, each behind a root port of its own, in this order; default none. */
  devices?: readonly BoardDeviceOptions[];
  /** How far the hypervisor supports trusted I/O: 1 link encryption, 2 interfaces locked and started, 3 private MMIO and DMA, 4
   *  evidence for guests; default 4. */
  tioPhase?: TioPhase;
  /** What SPDM computes with, in firmware and devices; default noble's. */
  curves?: Curves;
  /** A core compiled already, for runtimes that forbid compiling. */
  module?: CoreModule;
}

/** A page of memory as the chips hold it. */
export interface DumpedPage {
  spa: bigint;
  /** 4096 bytes. */
  bytes: Uint8Array;
}

export interface Platform {
  readonly chip: Chip;
  readonly generation: Generation;
  readonly core: Core;
  readonly hypervisor: Hypervisor;
  /** Where the RMP lies; undefined without SNP. */
  readonly rmp: RmpTable | undefined;
  /** Root ports and devices; undefined where none was asked for. */
  readonly board: Board | undefined;
  /** Makes a VM, launched through the mailbox where the generation encrypts guests. */
  createVm(options: VmOptions): Vm;
  /** The launch digest as the firmware has it: 48 bytes, of SEV and SEV-ES guests 32. Silicon shows it in reports alone. */
  measurementOf(vm: Vm): Uint8Array;
  /** What a dump of the DIMMs shows, by a BMC or after a cold boot: each page that holds anything, in order of address, as if
   *  the caches had just been written back. All other memory is zeros. Changes nothing. */
  dump(): Generator<DumpedPage>;
}

const PAGE = 0x1000;
const FULL = 0x0f;
const FULL_WITH_SSS = 0x1f;

/** Makes a machine. Throws Misuse when the part lacks the generation or a size cannot be. */
export function createPlatform(options: PlatformOptions = {}): Platform {
  const part = chips[options.chip ?? "turin"];
  const generation = options.generation ?? "sev-snp";
  const dram = options.dram ?? 64n << 30n;
  if (!part)
    throw new Misuse(`chip: "${options.chip}", expected one of ${Object.keys(chips).join(", ")}`);
  if (!generations.includes(generation)) {
    throw new Misuse(`generation: "${generation}", expected one of ${generations.join(", ")}`);
  }
  const chip = withBios(part, options.minSevAsid ?? part.minSevAsid);
  const missing = lacks(chip, generation);
  if (missing) throw new Misuse(`generation: ${missing}`);
  const chance = (purpose: string) => prng(options.seed ?? 1n, purpose);
  const features = featuresOf(generation);
  const rmp = features.snp ? rmpTable(chip, dram, options.rmp, features.tio) : undefined;
  const { curves } = options;
  const given = curves ? { curves } : {};
  const devices = (options.devices ?? []).map((each) => ({ ...given, ...each }));
  // Without an RMP over it the window is there all the same: for devices that share memory.
  const mmio = rmp?.mmio ?? (devices.length > 0 ? windowAbove(dram) : undefined);
  const core = createSilicon(chip, generation, dram, chance("tweak"), { ...options, mmio }, rmp);
  const board = mmio && devices.length > 0 ? new Board(core, mmio, devices, chance) : undefined;
  const psp = firmware(
    core.firmware,
    {
      chip,
      features,
      seed: String(options.seed ?? 1n),
      dialect: options.dialect ?? "abi",
      storage: options.storage ?? new Map(),
      smt: options.smt ?? true,
      sockets: options.sockets ?? 1,
      tio: features.tio ? board?.tio : undefined,
      curves,
      ...options.firmware,
    },
    // Two lives of one platform differ, as chance does.
    (boots, purpose) => chance(boots === 1 ? purpose : `${purpose}, boot ${boots}`),
    options.onCommand,
  );
  const hypervisor = new Hypervisor(core.host, chip, generation, rmp?.reserved ?? dram);
  hypervisor.bridge = board?.bridge;
  hypervisor.tioPhase = options.tioPhase ?? 4;
  const answers = { cpuid: cpuidOf(chip, generation), tscMhz: chip.tscKhz / 1000 };
  const world = new World(core.guest, answers, (asid) => hypervisor.vmOf(asid));
  hypervisor.onDispose = (vm) => world.forget(vm);
  if (options.initialise ?? true) hypervisor.initialise();
  return {
    chip,
    generation,
    core,
    hypervisor,
    rmp,
    board,
    createVm: (vm) => hypervisor.createVm(vm),
    measurementOf(vm) {
      const snp = vm.gctx === undefined ? undefined : psp.contexts.open(vm.gctx);
      const handle = hypervisor.handleOf(vm);
      const sev = handle === undefined ? undefined : psp.sev.guests.get(handle);
      const digest = typeof snp === "object" ? snp.measurement : sev?.digest;
      if (digest === undefined) throw new Misuse("measurementOf: the guest was not launched");
      return digest.slice();
    },
    *dump() {
      for (const spa of core.dimm.held()) {
        const bytes = new Uint8Array(PAGE);
        core.dimm.read(spa, bytes);
        yield { spa, bytes };
      }
    },
  };
}

/** The part as the BIOS has set it up. */
function withBios(part: Chip, minSevAsid: number): Chip {
  if (Number.isInteger(minSevAsid) && minSevAsid >= 1 && minSevAsid <= part.asids + 1)
    return { ...part, minSevAsid };
  throw new Misuse(`minSevAsid: ${minSevAsid}, expected 1 to ${part.asids + 1}`);
}

function createSilicon(
  chip: Chip,
  generation: Generation,
  dram: bigint,
  chance: Prng,
  options: PlatformOptions & { mmio: RmpTable["mmio"] },
  rmp: RmpTable | undefined,
): Core {
  const { encryption, snp } = featuresOf(generation);
  return createCore({
    dram,
    resident: options.resident ?? 512 << 20,
    cipher: options.cipher ?? "xex",
    tweaks: tweaksOf(chip, chance),
    cBit: encryption ? chip.cBit : 0,
    addressBits: chip.physicalBits - (encryption ? chip.reducedBits : 0),
    snp,
    vmplFull: isCapable(chip, Capability.VMPL_SSS_BIT) ? FULL_WITH_SSS : FULL,
    sev: { asids: chip.asids, minSevAsid: chip.minSevAsid, features: sevFeaturesOf(chip) },
    cacheWarp: options.cacheWarp ?? false,
    rmpFeatures:
      (isCapable(chip, Capability.RMPQUERY_BIT) ? 2 ** State.RMPQUERY_BIT : 0) +
      (isCapable(chip, Capability.RMPREAD_BIT) ? 2 ** State.RMPREAD_BIT : 0),
    rmp,
    mmio: options.mmio,
    module: options.module,
  });
}
