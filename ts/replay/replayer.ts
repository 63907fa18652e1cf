// Whatever runs a trace: a machine of one generation, or the flat reference. Both run the same records with the same values.
import * as Record from "../abi/record.ts";
import * as Replay from "../abi/replay.ts";
import { CheckFailed } from "../error.ts";
import type { ReplayPort } from "../port.ts";
import type { Piece } from "./transfer.ts";

/** A batch of records (ts/abi/record.ts) and the number of its first. */
export interface BatchView {
  records: Uint8Array;
  words: Uint32Array;
  length: number;
  ordinal: bigint;
}

/** How a device's bytes reach and leave the memory behind a replay. */
export interface TransferWay {
  out(gva: bigint, bytes: number, took: (piece: Uint8Array) => void): void;
  in(gva: bigint, bytes: number, give: (piece: Piece, into: Uint8Array) => void): void;
  halt(): void;
  /** The guest leaves with an exit code of its own. */
  exit(code: number): void;
  /** The guest changes the state of the page at gva. */
  pageState(gva: bigint, shared: boolean): void;
  /** As out and in, but the device acts on its own: no kick, no interrupt. */
  dmaOut(gva: bigint, bytes: number, took: (piece: Uint8Array) => void): void;
  dmaIn(gva: bigint, bytes: number, give: (piece: Piece, into: Uint8Array) => void): void;
}

export interface Replayer {
  readonly port: ReplayPort;
  /** Runs a batch. Throws CheckFailed when something differs from the reference. */
  run(batch: BatchView): void;
  /** Folds a page of final memory into the digest. */
  foldPage(gva: bigint): void;
}

const WORDS = Record.SIZE / 4;

/** A load or a transfer whose value is not the reference's. */
export class Differs extends Error {
  override name = "Differs";
  readonly at: number;
  constructor(at: number) {
    super(`record ${at} of the batch differs from the reference`);
    this.at = at;
  }
}

/** Runs a batch to its end: what the loop refuses is met by `meet` and run again, transfers go their way. */
export function runTransfers(
  port: ReplayPort,
  batch: BatchView,
  way: TransferWay,
  meet: () => void,
): void {
  port.fill(batch.records, batch.ordinal);
  for (let at = 0; at < batch.length; ) {
    const stopped = port.run(at, batch.length);
    at = stopped.at;
    switch (stopped.stop) {
      case Replay.DONE:
        return;
      case Replay.REFUSED:
        meet();
        break;
      case Replay.DIFFERS:
        throw new Differs(at);
      default:
        transfer(port, batch, at, way);
        if (!port.agree(at)) throw new Differs(at);
        at++;
    }
  }
}

function transfer(
  port: ReplayPort,
  { words, ordinal }: BatchView,
  at: number,
  way: TransferWay,
): void {
  const word = at * WORDS;
  const low = BigInt(words[word + Record.GVA / 4] as number);
  const high = BigInt(words[word + Record.GVA / 4 + 1] as number);
  const gva = (high << 32n) | low;
  const bytes = words[word + Record.BYTES / 4] as number;
  const op = (words[word + Record.OP / 4] as number) & 0xff;
  const took = (piece: Uint8Array) => port.fold(piece);
  const number = ordinal + BigInt(at);
  const give = (piece: Piece, into: Uint8Array) =>
    port.deviceBytes(number, BigInt(piece.offset), into);
  switch (op) {
    case Record.TRANSFER_OUT:
      return way.out(gva, bytes, took);
    case Record.TRANSFER_IN:
      return way.in(gva, bytes, give);
    case Record.HALT:
      return way.halt();
    case Record.EXIT:
      return way.exit(bytes);
    case Record.PAGE_SHARE:
    case Record.PAGE_PRIVATE:
      return way.pageState(gva, op === Record.PAGE_SHARE);
    case Record.DMA_OUT:
      return way.dmaOut(gva, bytes, took);
    case Record.DMA_IN:
      return way.dmaIn(gva, bytes, give);
    default:
      throw new CheckFailed(`record ${number}: operation ${op}, expected at most ${Record.DMA_IN}`);
  }
}
