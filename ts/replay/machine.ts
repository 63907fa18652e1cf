// One generation's replay: a platform, a VM, a guest whose program is the trace.
import * as Replay from "../abi/replay.ts";
import type { ChipName, Generation } from "../chip/chip.ts";
import type { Dma, Registers } from "../device/endpoint.ts";
import { Kernel } from "../guest/kernel.ts";
import type { PageSize, Vm } from "../hypervisor/vm.ts";
import { createPlatform, type Platform } from "../platform.ts";
import type { EventName, ReplayPort } from "../port.ts";
import type { CoreModule } from "../structural.ts";
import { MEMORY, TioMachine } from "../tio/machine.ts";
import { type BatchView, type Replayer, runTransfers, type TransferWay } from "./replayer.ts";
import { Transfers } from "./transfer.ts";

export interface MachineOptions {
  chip: ChipName;
  pageSize: PageSize;
  seed: bigint;
  resident: number;
  /** Compare every value with the reference's, not only the digest at the end. */
  each: boolean;
  module?: CoreModule | undefined;
}

// Guest physical memory for each byte of resident memory: 2 MiB regions are given out whole and touched in part.
const MEMORY_PER_RESIDENT = 8n;
/** The function behind root port 1. */
const FUNCTION = 0x100;

export class Machine implements Replayer {
  readonly generation: Generation;
  readonly port: ReplayPort;
  readonly #platform: Platform;
  readonly #kernel: Kernel;
  readonly #transfers: Transfers;
  readonly #before: { events: Record<EventName, bigint>; exits: ReadonlyMap<number, number> };

  constructor(generation: Generation, options: MachineOptions) {
    const { seed } = options;
    this.generation = generation;
    const { platform, vm, dma, from } =
      generation === "sev-tio" ? trusted(options) : ordinary(generation, options);
    this.#platform = platform;
    // What it took to get here is not the trace's.
    this.#before = { events: platform.core.events(), exits: new Map(platform.core.exits()) };
    this.#kernel = new Kernel(platform, vm, from);
    this.#transfers = new Transfers(platform, vm, this.#kernel, dma);
    this.port = this.#platform.core.guest.replay;
    this.port.setSeed(seed);
    this.port.setCheck(options.each ? Replay.COMPARE : Replay.UNCHECKED);
  }

  run(batch: BatchView): void {
    const { guest } = this.#platform.core;
    guest.load(this.#kernel.user);
    runTransfers(this.port, batch, this.#way, () => {
      this.#kernel.meet(guest.exit());
      guest.load(this.#kernel.user);
    });
  }

  foldPage(gva: bigint): void {
    this.#kernel.step(this.#kernel.user, () => this.port.foldPage(gva));
  }

  /** Empties the caches: what is read afterwards was encrypted to the chips and is decrypted again. */
  flush(): void {
    this.#platform.core.host.wbinvd();
  }

  /** What happened so far. */
  events(): Record<EventName, bigint> {
    const now = Object.entries(this.#platform.core.events()) as [EventName, bigint][];
    const since = now.map(([name, count]) => [name, count - this.#before.events[name]]);
    return Object.fromEntries(since);
  }

  /** Exits of the guest's own making, by what they were for. */
  exits(): ReadonlyMap<number, number> {
    const since = [...this.#platform.core.exits()].map(([code, count]): [number, number] => [
      code,
      count - (this.#before.exits.get(code) ?? 0),
    ]);
    return new Map(since.filter(([, count]) => count > 0));
  }

  /** How often the guest left with each exit code of the trace, and what became of it. */
  get reasons(): ReadonlyMap<string, number> {
    return this.#transfers.reasons;
  }

  /** Pages whose state the guest had the RMP change. */
  get changed(): number {
    return this.#kernel.changed;
  }

  get #way(): TransferWay {
    const transfers = this.#transfers;
    const user = () => this.#platform.core.guest.load(this.#kernel.user);
    return {
      exit: (code) => {
        transfers.exit(code);
        user();
      },
      pageState: (gva, shared) => {
        this.#kernel.setShared(gva, shared);
        user();
      },
      dmaOut: (...[gva, bytes, took]) => {
        transfers.dmaOut(gva, bytes, took);
        user();
      },
      dmaIn: (...[gva, bytes, give]) => {
        transfers.dmaIn(gva, bytes, give);
        user();
      },
      out: (...[gva, bytes, took]: Parameters<Transfers["out"]>) => {
        transfers.out(gva, bytes, took);
        user();
      },
      in: (...[gva, bytes, give]: Parameters<Transfers["in"]>) => {
        transfers.in(gva, bytes, give);
        user();
      },
      halt: () => {
        transfers.halt();
        user();
      },
    };
  }
}

/** A platform and a VM, and for a guest with a device of its own the device's road to memory and where its memory is still free. */
interface Made {
  platform: Platform;
  vm: Vm;
  dma?: Dma;
  from?: bigint;
}

function ordinary(generation: Generation, options: MachineOptions): Made {
  const { chip, seed, resident, pageSize, module } = options;
  const more = module ? { module } : {};
  const platform = createPlatform({ chip, generation, seed, resident, ...more });
  const memory = BigInt(resident) * MEMORY_PER_RESIDENT;
  return { platform, vm: platform.createVm({ memory, pageSize }) };
}

/** The device's first function, connected by the machine's own TSM, locked, attested and accepted by the guest's. */
function trusted({ seed, resident, pageSize, module }: MachineOptions): Made {
  const roads: Dma[] = [];
  const behaviour = (dma: Dma): Registers => {
    roads.push(dma);
    return { load: () => {}, store: () => {}, reset: () => {} };
  };
  const made = new TioMachine({
    devices: [{ behaviour }],
    seed,
    resident,
    pageSize,
    memory: BigInt(resident) * MEMORY_PER_RESIDENT,
    ...(module ? { module } : {}),
  });
  made.tsm.write(made.node(FUNCTION, "tsm/connect"), "tsm0");
  const rid = made.assign(FUNCTION);
  made.write(rid, "tsm/lock", "tsm0");
  made.write(rid, "tsm/accept", "1");
  return { platform: made.platform, vm: made.vm, dma: roads[0] as Dma, from: MEMORY };
}
