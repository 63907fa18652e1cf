// One generation's replay: a platform, a VM, a guest whose program is the trace.
import * as Replay from "../abi/replay.ts";
import type { ChipName, Generation } from "../chip/chip.ts";
import { Kernel } from "../guest/kernel.ts";
import type { PageSize } from "../hypervisor/vm.ts";
import { createPlatform, type Platform } from "../platform.ts";
import type { EventName, ReplayPort } from "../port.ts";
import type { CoreModule } from "../structural.ts";
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

export class Machine implements Replayer {
  readonly generation: Generation;
  readonly port: ReplayPort;
  readonly #platform: Platform;
  readonly #kernel: Kernel;
  readonly #transfers: Transfers;

  constructor(generation: Generation, options: MachineOptions) {
    const { chip, seed, resident, pageSize, module } = options;
    this.generation = generation;
    this.#platform = createPlatform({
      chip,
      generation,
      seed,
      resident,
      ...(module ? { module } : {}),
    });
    const vm = this.#platform.createVm({
      memory: BigInt(resident) * MEMORY_PER_RESIDENT,
      pageSize,
    });
    this.#kernel = new Kernel(this.#platform, vm);
    this.#transfers = new Transfers(this.#platform, vm, this.#kernel);
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
    return this.#platform.core.events();
  }

  /** Exits of the guest's own making, by what they were for. */
  exits(): ReadonlyMap<number, number> {
    return this.#platform.core.exits();
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
