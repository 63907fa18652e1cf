// The flat reference: the same records over memory without tables, RMP or cipher. Every generation must load what it loads.

import * as Memory from "../abi/memory.ts";
import * as Replay from "../abi/replay.ts";
import { chips } from "../chip/index.ts";
import { type Silicon, silicon, startMachine } from "../core/silicon.ts";
import { CheckFailed } from "../error.ts";
import type { ReplayPort } from "../port.ts";
import type { CoreModule } from "../structural.ts";
import { replayPort } from "./port.ts";
import type { BatchView, Replayer } from "./replayer.ts";
import { runTransfers, type TransferWay } from "./replayer.ts";
import { piecesOf } from "./transfer.ts";

const SMALLEST_DRAM = 0x200000n;
const LISTED = 8;

export class Reference implements Replayer {
  readonly port: ReplayPort;
  readonly #silicon: Silicon;
  readonly #bytes = new Uint8Array(0x1000);

  constructor(resident: number, seed: bigint, note: boolean, module?: CoreModule) {
    this.#silicon = silicon(resident, module);
    startMachine(this.#silicon, {
      dram: SMALLEST_DRAM,
      resident,
      cipher: "xex",
      tweaks: new Uint8Array(1024),
      cBit: 0,
      addressBits: chips.turin.physicalBits,
      snp: false,
      vmplFull: 0,
      cacheWarp: false,
    });
    if (!this.#silicon.exports.startFlat())
      throw new CheckFailed("reference: no room for its table of pages");
    this.port = replayPort(this.#silicon);
    this.port.setSeed(seed);
    this.port.setCheck(note ? Replay.NOTE : Replay.UNCHECKED);
  }

  run(batch: BatchView): void {
    runTransfers(this.port, batch, this.#way, () => {
      this.#silicon.exit();
      throw new CheckFailed("reference: refused an access");
    });
  }

  /** Pages touched so far. */
  get pages(): number {
    return this.#silicon.exports.flatPages();
  }

  /** The pages touched, in ascending order of gva. */
  touched(): BigUint64Array {
    const { exports, view } = this.#silicon;
    const pages = new BigUint64Array(this.pages);
    let listed = 0;
    let from = 0;
    do {
      from = exports.listFlatPages(from);
      const count = Number(view.getBigUint64(Memory.WINDOW, true));
      for (let i = 1; i <= count; i++) {
        pages[listed++] = view.getBigUint64(Memory.WINDOW + LISTED * i, true);
      }
    } while (from !== 0);
    return pages.sort();
  }

  foldPage(gva: bigint): void {
    if (!this.port.foldPage(gva)) this.#silicon.exit();
  }

  readonly #out: TransferWay["out"] = (gva, bytes, took) => {
    const { exports, bytes: memory } = this.#silicon;
    for (const piece of piecesOf(gva, bytes)) {
      if (!exports.read(piece.gva, piece.bytes, Memory.WINDOW)) this.#silicon.exit();
      this.#bytes.set(memory.subarray(Memory.WINDOW, Memory.WINDOW + piece.bytes));
      took(this.#bytes.subarray(0, piece.bytes));
    }
  };

  readonly #in: TransferWay["in"] = (gva, bytes, give) => {
    const { exports, bytes: memory } = this.#silicon;
    for (const piece of piecesOf(gva, bytes)) {
      const data = this.#bytes.subarray(0, piece.bytes);
      give(piece, data);
      memory.set(data, Memory.WINDOW);
      if (!exports.write(piece.gva, piece.bytes, Memory.WINDOW)) this.#silicon.exit();
    }
  };

  // An exit gives no value, and a page's contents outlive its change of state (ts/guest/kernel.ts).
  readonly #way: TransferWay = {
    out: this.#out,
    in: this.#in,
    halt: () => {},
    exit: () => {},
    pageState: () => {},
    dmaOut: this.#out,
    dmaIn: this.#in,
  };
}
