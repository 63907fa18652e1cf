// A guest's driver of an NVMe disk: one admin queue, one I/O queue, one command at a time. What the device answers is checked.
// NVM Express base specification 2.0.
import * as Nvme from "../../abi/nvme.ts";
import * as Command from "../../abi/nvme-command.ts";
import * as Completion from "../../abi/nvme-completion.ts";
import type { Step } from "../execution.ts";
import {
  type DmaMap,
  type Io,
  load32,
  type Mapped,
  type RingPage,
  store32,
  store64,
} from "./io.ts";

export interface NvmeOptions {
  /** The gva of BAR 0. */
  registers: bigint;
  /** Five pages: admin queues, I/O queues, and a list of PRPs. */
  pages: readonly RingPage[];
  map: DmaMap;
}

/** Why a command did not succeed: a status of ts/abi/nvme.ts, or what is wrong with the controller. */
export type NvmeStatus = number | "no answer" | "pool full";

const ENTRIES = 16;
const BLOCK = 512;
const EN = (1 << Nvme.EN_BIT) | (6 << Nvme.IOSQES_LSB) | (4 << Nvme.IOCQES_LSB);

interface Queue {
  id: number;
  submission: RingPage;
  completion: RingPage;
  tail: number;
  head: number;
  phase: 0 | 1;
}

export class NvmeDriver {
  readonly #options: NvmeOptions;
  readonly #entry = new Uint8Array(Command.SIZE);
  readonly #fields = new DataView(this.#entry.buffer);
  readonly #answer = new Uint8Array(Completion.SIZE);
  readonly #told = new DataView(this.#answer.buffer);
  readonly #admin: Queue;
  readonly #io: Queue;
  #command = 0;

  constructor(options: NvmeOptions) {
    this.#options = options;
    const queue = (id: number): Queue => ({
      id,
      submission: options.pages[2 * id] as RingPage,
      completion: options.pages[2 * id + 1] as RingPage,
      tail: 0,
      head: 0,
      phase: 1,
    });
    this.#admin = queue(0);
    this.#io = queue(1);
  }

  /** Resets the controller and makes the queues. False: it does not become ready. */
  *open(io: Io): Step<boolean> {
    const { registers, pages } = this.#options;
    yield* store32(io, registers + BigInt(Nvme.CC), 0);
    for (const { gva } of pages) yield* io.write(gva, new Uint8Array(0x1000));
    const size = ENTRIES - 1;
    const sizes = (size << Nvme.ASQS_LSB) | (size << Nvme.ACQS_LSB);
    yield* store32(io, registers + BigInt(Nvme.AQA), sizes);
    yield* store64(io, registers + BigInt(Nvme.ASQ), this.#admin.submission.address);
    yield* store64(io, registers + BigInt(Nvme.ACQ), this.#admin.completion.address);
    yield* store32(io, registers + BigInt(Nvme.CC), EN);
    const status = yield* load32(io, registers + BigInt(Nvme.CSTS));
    if (status !== 1 << Nvme.RDY_BIT) return false;
    const queue = 1 | (size << Command.QUEUE_SIZE_LSB);
    const contiguous = 1 << Command.CONTIGUOUS_BIT;
    const made = yield* this.#run(io, this.#admin, Nvme.CREATE_CQ, [
      { address: this.#io.completion.address },
      [queue, contiguous, 0],
    ]);
    if (made !== Nvme.SUCCESS) return false;
    const both = yield* this.#run(io, this.#admin, Nvme.CREATE_SQ, [
      { address: this.#io.submission.address },
      [queue, contiguous | (1 << Command.CQ_ID_LSB), 0],
    ]);
    return both === Nvme.SUCCESS;
  }

  /** How many blocks of 512 bytes the disk has. */
  *blocks(io: Io, buffer: bigint): Step<bigint | NvmeStatus> {
    const mapped = yield* this.#options.map.map(io, buffer, 0x1000, false);
    if (!mapped) return "pool full";
    const where = { address: (mapped[0] as Mapped).address };
    const cns = Nvme.CNS_NAMESPACE;
    const status = yield* this.#run(io, this.#admin, Nvme.IDENTIFY, [where, [cns, 0, 0]]);
    yield* this.#options.map.unmap(io, mapped, status === Nvme.SUCCESS);
    if (status !== Nvme.SUCCESS) return status;
    const word = new Uint8Array(8);
    yield* io.read(buffer + BigInt(Nvme.NSZE), word);
    return new DataView(word.buffer).getBigUint64(0, true);
  }

  /** Reads whole blocks into a buffer of at most 128 KiB. */
  read(io: Io, block: bigint, gva: bigint, bytes: number): Step<NvmeStatus> {
    return this.#transfer(io, Nvme.READ, block, gva, bytes);
  }

  /** Writes whole blocks. */
  write(io: Io, block: bigint, gva: bigint, bytes: number): Step<NvmeStatus> {
    return this.#transfer(io, Nvme.WRITE, block, gva, bytes);
  }

  *#transfer(io: Io, opcode: number, block: bigint, gva: bigint, bytes: number): Step<NvmeStatus> {
    const { map } = this.#options;
    const mapped = yield* map.map(io, gva, bytes, opcode === Nvme.WRITE);
    if (!mapped) return "pool full";
    const [first, ...rest] = mapped as [Mapped, ...Mapped[]];
    const second = yield* this.#second(io, rest);
    const low = Number(block & 0xffffffffn);
    const high = Number(block >> 32n);
    const words: Words = [low, high, bytes / BLOCK - 1];
    const where = { address: first.address, second };
    const status = yield* this.#run(io, this.#io, opcode, [where, words]);
    yield* map.unmap(io, mapped, opcode === Nvme.READ && status === Nvme.SUCCESS);
    return status;
  }

  /** PRP2: nothing, the second page, or the list of all pages but the first. */
  *#second(io: Io, rest: readonly Mapped[]): Step<bigint> {
    if (rest.length < 2) return rest[0]?.address ?? 0n;
    const list = new DataView(new ArrayBuffer(8 * rest.length));
    rest.forEach(({ address }, n) => {
      list.setBigUint64(8 * n, address, true);
    });
    const page = this.#options.pages[4] as RingPage;
    yield* io.write(page.gva, new Uint8Array(list.buffer));
    return page.address;
  }

  *#run(
    io: Io,
    queue: Queue,
    opcode: number,
    [where, words]: [{ address: bigint; second?: bigint }, Words],
  ): Step<NvmeStatus> {
    this.#command = (this.#command + 1) & 0xffff;
    this.#entry.fill(0);
    const fields = this.#fields;
    fields.setUint8(Command.OPCODE, opcode);
    fields.setUint16(Command.COMMAND_ID, this.#command, true);
    fields.setUint32(Command.NAMESPACE_ID, 1, true);
    fields.setBigUint64(Command.PRP1, where.address, true);
    fields.setBigUint64(Command.PRP2, where.second ?? 0n, true);
    words.forEach((word, n) => {
      fields.setUint32(Command.CDW10 + 4 * n, word, true);
    });
    yield* io.write(queue.submission.gva + BigInt(queue.tail * Command.SIZE), this.#entry);
    queue.tail = (queue.tail + 1) % ENTRIES;
    yield* this.#ring(io, 2 * queue.id, queue.tail);
    return yield* this.#complete(io, queue);
  }

  /** The next entry, if it is new and answers what was asked: a device cannot choose which command it has done. */
  *#complete(io: Io, queue: Queue): Step<NvmeStatus> {
    yield* io.read(queue.completion.gva + BigInt(queue.head * Completion.SIZE), this.#answer);
    const status = this.#told.getUint16(Completion.STATUS, true);
    const isNew = ((status >> Completion.PHASE_BIT) & 1) === queue.phase;
    const isAsked = this.#told.getUint16(Completion.COMMAND_ID, true) === this.#command;
    if (!isNew || !isAsked) return "no answer";
    queue.head = (queue.head + 1) % ENTRIES;
    if (queue.head === 0) queue.phase ^= 1;
    yield* this.#ring(io, 2 * queue.id + 1, queue.head);
    return status >> Completion.STATUS_LSB;
  }

  #ring(io: Io, doorbell: number, value: number): Step {
    const at = this.#options.registers + BigInt(Nvme.DOORBELLS + 4 * doorbell);
    return store32(io, at, value);
  }
}

type Words = [number, number, number];
