// Instantiates the compiled core, synchronously, and lays a machine out in its memory.
import type { instantiate } from "../../build/release.js";
import * as Events from "../abi/events.ts";
import * as ExitRecord from "../abi/exit.ts";
import * as Memory from "../abi/memory.ts";
import * as Segment from "../abi/rmp-segment.ts";
import * as State from "../abi/state.ts";
import * as World from "../abi/world.ts";
import type { RmpTable } from "../chip/rmp.ts";
import { BadInput, CheckFailed, Misuse } from "../error.ts";
import type { EventName, Exit, MmioAccess } from "../port.ts";
import type { CoreModule } from "../structural.ts";
import { withSwizzles } from "./relax.ts";
import { release } from "./wasm.js";

type Exports = Awaited<ReturnType<typeof instantiate>>;

/** What the silicon is made as. Addresses are in bytes, `tweaks` 16 bytes for each of 64 address bits. */
export interface CoreOptions {
  dram: bigint;
  resident: number;
  cipher: "xex" | "xts";
  tweaks: Uint8Array;
  cBit: number;
  addressBits: number;
  snp: boolean;
  vmplFull: number;
  cacheWarp: boolean;
  /** How many ASIDs the part has, the lowest of a SEV guest without SEV-ES, and the SEV_FEATURES that a VMSA may have. */
  sev?: { asids: number; minSevAsid: number; features: bigint };
  /** RMPQUERY_BIT and RMPREAD_BIT of ts/abi/state.ts, where the part has them. */
  rmpFeatures?: number;
  /** Where the RMP lies; without one no memory is covered. */
  rmp?: RmpTable | undefined;
  /** The MMIO window that the RMP covers. */
  mmio?: { base: bigint; bytes: bigint } | undefined;
  module?: CoreModule | undefined;
}

const LINEAR_PAGE = 0x10000;
const PAGE = 0x1000;
// Page numbers have 32 bits, the last of which stands for none.
const MAX_DRAM = 1n << 43n;
const MAX_LINEAR = 0x1_0000_0000;

const NO_SEV = { asids: 0, minSevAsid: 0, features: 0n };

let compiled: CoreModule | undefined;

/** The inlined core, compiled on first use. */
function inlined(): CoreModule {
  if (!compiled) {
    const text = atob(release);
    const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
    const relaxed = withSwizzles(bytes, true);
    compiled = new WebAssembly.Module(WebAssembly.validate(relaxed) ? relaxed : bytes);
  }
  return compiled;
}

/** An instance with its own memory, and nothing decided yet. For the core, the replay and their tests only. */
export interface Silicon {
  exports: Exports;
  bytes: Uint8Array;
  view: DataView;
  /** The first bytes of the window, 0 to 4096 of them. */
  window(length: number): Uint8Array;
  exit(): Exit;
  /** Called when a command is written to the mailbox. */
  doorbell: () => void;
  /** Called when VMRUN has entered a guest; returns after its #VMEXIT. */
  entered: () => void;
  /** Called with every access to a register behind a root port: fills a load's bytes, or takes a store's. */
  mmio: (access: MmioAccess, bytes: Uint8Array) => void;
}

/** Instantiates the core over `resident` bytes of linear memory, fixed for good. */
export function silicon(resident: number, module: CoreModule = inlined()): Silicon {
  if (!Number.isSafeInteger(resident) || resident < 64 * 0x100000 || resident > MAX_LINEAR) {
    throw new Misuse(`resident: ${resident} bytes, expected 64 MiB to 4 GiB`);
  }
  const pages = Math.floor(resident / LINEAR_PAGE);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  const abort = () => {
    throw new CheckFailed("an assertion inside the core failed");
  };
  const instance = new WebAssembly.Instance(module as WebAssembly.Module, {
    env: { memory, abort },
  });
  const view = new DataView(memory.buffer);
  const bytes = new Uint8Array(memory.buffer);
  // One view for each length that was asked for: making one costs more than the copy.
  const windows = new Array<Uint8Array | undefined>(PAGE + 1).fill(undefined);
  return {
    exports: instance.exports as unknown as Exports,
    bytes,
    view,
    window(length) {
      windows[length] ??= bytes.subarray(Memory.WINDOW, Memory.WINDOW + length);
      return windows[length];
    },
    exit: () => exitOf(view),
    doorbell: () => {},
    entered: () => {},
    mmio: (_, bytes) => void bytes.fill(0xff),
  };
}

function exitOf(view: DataView): Exit {
  const word = (offset: number) => view.getBigUint64(Memory.EXIT + offset, true);
  const kind = view.getUint32(Memory.EXIT + ExitRecord.KIND, true);
  if (kind === ExitRecord.OUT_OF_FRAMES) {
    throw new BadInput(
      `resident memory: all ${Math.floor(view.byteLength / 0x100000)} MiB are in use and no page can be ` +
        "written back; give the platform a larger `resident` (--resident)",
    );
  }
  return {
    kind,
    code: word(ExitRecord.CODE),
    info1: word(ExitRecord.INFO1),
    info2: word(ExitRecord.INFO2),
    gva: word(ExitRecord.GVA),
    gpa: word(ExitRecord.GPA),
    spa: word(ExitRecord.SPA),
  };
}

/** Lays a machine out in an instance's memory. */
export function startMachine(made: Silicon, options: CoreOptions): void {
  const { exports, bytes } = made;
  const { dram, tweaks } = options;
  const most = options.addressBits < 43 ? 1n << BigInt(options.addressBits) : MAX_DRAM;
  if (dram <= 0n || dram % 0x200000n !== 0n || dram > most) {
    throw new Misuse(`dram: ${dram} bytes, expected a multiple of 2 MiB up to ${most}`);
  }
  const cipher = options.cipher === "xex" ? State.XEX : State.XTS;
  const frames = exports.start(
    bytes.length / PAGE,
    Number(dram / BigInt(PAGE)),
    cipher,
    options.cBit,
    options.addressBits,
    options.snp,
    options.vmplFull,
    options.cacheWarp,
    options.rmpFeatures ?? 0,
    Number((options.mmio?.base ?? 0n) / BigInt(PAGE)),
    Number((options.mmio?.bytes ?? 0n) / BigInt(PAGE)),
  );
  if (!frames)
    throw new Misuse(
      `resident: ${bytes.length} bytes cannot hold the tables of ${dram} bytes of dram`,
    );
  const world = new DataView(bytes.buffer, Memory.WORLD, World.SIZE);
  const { asids, minSevAsid, features } = options.sev ?? NO_SEV;
  world.setUint32(World.ASIDS, asids, true);
  world.setUint32(World.MIN_SEV_ASID, minSevAsid, true);
  world.setBigUint64(World.SUPPORTED_FEATURES, features, true);
  bytes.set(tweaks, Memory.WINDOW);
  exports.setTweaks();
  if (options.rmp && !placeRmp(made, options.rmp))
    throw new Misuse(
      `resident: ${bytes.length} bytes cannot hold the RMP of ${dram} bytes of dram`,
    );
}

/** What the BIOS and SNP_INIT leave: the MSRs, the segment table in memory, and the RMP's own pages Firmware. */
function placeRmp({ exports, bytes, view }: Silicon, rmp: RmpTable): boolean {
  bytes.fill(0, Memory.WINDOW, Memory.WINDOW + PAGE);
  rmp.rst.forEach((entry, index) => {
    view.setBigUint64(Memory.WINDOW + index * Segment.SIZE, entry, true);
  });
  exports.setRmpTable(rmp.base, rmp.end, rmp.cfg, rmp.coveredPages, rmp.rst.length);
  return Boolean(exports.clearRmp());
}

/** Reads every counter. */
export function eventsOf(view: DataView): Record<EventName, bigint> {
  const counters = Object.entries(Events).filter(([name]) => name !== "SIZE");
  const values = counters.map(([name, at]) => [name, view.getBigUint64(Memory.EVENTS + at, true)]);
  return Object.fromEntries(values);
}
