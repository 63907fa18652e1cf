// An NVMe disk, as far as a driver needs one: admin and I/O queues, doorbells, PRPs, blocks wherever `Blocks` keeps them.
// NVM Express base specification 2.0.
import * as Nvme from "../abi/nvme.ts";
import * as Command from "../abi/nvme-command.ts";
import * as Completion from "../abi/nvme-completion.ts";
import { bit, field, u16, u32, u64, view } from "../spdm/octets.ts";
import type { Dma, Registers } from "./endpoint.ts";
import { RegisterFile } from "./register-file.ts";

/** What a disk keeps. Where reading or writing throws, the guest's command ends with a media error. */
export interface Blocks {
  readonly bytes: number;
  read(offset: number, into: Uint8Array): void;
  write(offset: number, from: Uint8Array): void;
}

/** Blocks in memory. */
export function memoryBlocks(octets: Uint8Array): Blocks {
  return {
    bytes: octets.length,
    read: (offset, into) => into.set(octets.subarray(offset, offset + into.length)),
    write: (offset, from) => octets.set(from, offset),
  };
}

export const BLOCK = 512;
const PAGE = 0x1000;
const PRP_BYTES = 8;
const QUEUES = 5;
const MOST_ENTRIES = 1024;
/** Pages of one transfer: MDTS 5. */
const MDTS = 5;
const MOST_PAGES = 2 ** MDTS;

interface Submission {
  base: bigint;
  entries: number;
  head: number;
  completion: number;
}

interface CompletionQueue {
  base: bigint;
  entries: number;
  tail: number;
  phase: 0 | 1;
}

function succeeds(act: () => void): boolean {
  try {
    act();
    return true;
  } catch {
    return false;
  }
}

/** A DMA request that was not answered: the controller gives up. */
class Fatal extends Error {}

export class Disk implements Registers {
  readonly #dma: Dma;
  readonly #blocks: Blocks;
  readonly #file = new RegisterFile(Nvme.SIZE);
  readonly #submissions = new Map<number, Submission>();
  readonly #completions = new Map<number, CompletionQueue>();

  constructor(dma: Dma, blocks: Blocks) {
    this.#dma = dma;
    this.#blocks = blocks;
    this.reset();
  }

  reset(): void {
    this.#file.reset();
    this.#disable();
    const { view: registers } = this.#file;
    const capabilities =
      (BigInt(MOST_ENTRIES - 1) << BigInt(Nvme.MQES_LSB)) |
      (1n << BigInt(Nvme.CQR_BIT)) |
      (1n << BigInt(Nvme.CSS_NVM_BIT));
    registers.setBigUint64(Nvme.CAP, capabilities, true);
    registers.setUint32(Nvme.VS, Nvme.VERSION_1_4, true);
  }

  load(_: number, offset: number, into: Uint8Array): void {
    this.#file.load(offset, into);
  }

  store(_: number, offset: number, from: Uint8Array): void {
    if (offset >= Nvme.DOORBELLS) return this.#ring(offset - Nvme.DOORBELLS, from);
    const isReadOnly = offset < Nvme.INTMS || (offset < Nvme.CSTS + 4 && offset > Nvme.CC);
    if (isReadOnly || offset % 4 !== 0 || (from.length !== 4 && from.length !== 8)) return;
    const touched = this.#file.store(offset, from);
    if (touched(Nvme.CC)) this.#control();
  }

  get #status(): number {
    return u32(this.#file.octets, Nvme.CSTS);
  }

  #setStatus(status: number): void {
    this.#file.view.setUint32(Nvme.CSTS, status, true);
  }

  /** CC.EN makes the admin queues, and takes everything away. */
  #control(): void {
    const enabled = bit(u32(this.#file.octets, Nvme.CC), Nvme.EN_BIT);
    if (!enabled) return this.#disable();
    if (this.#status !== 0) return;
    const { octets } = this.#file;
    const sizes = u32(octets, Nvme.AQA);
    const entries = (lsb: number) => field(sizes, lsb, Nvme.AQ_WIDTH) + 1;
    const [base, completion] = [u64(octets, Nvme.ASQ), u64(octets, Nvme.ACQ)];
    const aligned = base % BigInt(PAGE) === 0n && completion % BigInt(PAGE) === 0n;
    if (!aligned || entries(Nvme.ASQS_LSB) < 2 || entries(Nvme.ACQS_LSB) < 2)
      return this.#setStatus(1 << Nvme.CFS_BIT);
    this.#submissions.set(0, { base, entries: entries(Nvme.ASQS_LSB), head: 0, completion: 0 });
    this.#completions.set(0, {
      base: completion,
      entries: entries(Nvme.ACQS_LSB),
      tail: 0,
      phase: 1,
    });
    this.#setStatus(1 << Nvme.RDY_BIT);
  }

  #disable(): void {
    this.#submissions.clear();
    this.#completions.clear();
    this.#setStatus(0);
  }

  /** A submission queue's new tail: everything up to it is done at once. A completion queue's head is not looked at: nobody here
   *  rings more than there is room to answer. */
  #ring(offset: number, from: Uint8Array): void {
    const isTail = offset % 8 === 0;
    const queue = this.#submissions.get(Math.floor(offset / 8));
    if (!isTail || from.length !== 4 || !queue || !bit(this.#status, Nvme.RDY_BIT)) return;
    const tail = u32(from, 0);
    if (tail >= queue.entries) return this.#setStatus(1 << Nvme.CFS_BIT);
    try {
      while (queue.head !== tail) this.#serve(Math.floor(offset / 8), queue);
    } catch (error) {
      if (!(error instanceof Fatal)) throw error;
      this.#disable();
      this.#setStatus(1 << Nvme.CFS_BIT);
    }
  }

  #serve(id: number, queue: Submission): void {
    const command = this.#read(queue.base + BigInt(queue.head * Command.SIZE), Command.SIZE);
    queue.head = (queue.head + 1) % queue.entries;
    const status = id === 0 ? this.#admin(command) : this.#io(command);
    const completion = this.#completions.get(queue.completion);
    if (!completion) throw new Fatal();
    const entry = new Uint8Array(Completion.SIZE);
    const fields = view(entry);
    fields.setUint16(Completion.SQ_HEAD, queue.head, true);
    fields.setUint16(Completion.SQ_ID, id, true);
    fields.setUint16(Completion.COMMAND_ID, u16(command, Command.COMMAND_ID), true);
    const word = (status << Completion.STATUS_LSB) | completion.phase;
    fields.setUint16(Completion.STATUS, word, true);
    this.#write(completion.base + BigInt(completion.tail * Completion.SIZE), entry);
    completion.tail = (completion.tail + 1) % completion.entries;
    if (completion.tail === 0) completion.phase ^= 1;
  }

  #admin(command: Uint8Array): number {
    const word = u32(command, Command.CDW10);
    const id = field(word, Command.QUEUE_ID_LSB, 16);
    switch (command[Command.OPCODE]) {
      case Nvme.IDENTIFY:
        return this.#identify(command);
      case Nvme.CREATE_CQ:
        return this.#createCompletion(command, id);
      case Nvme.CREATE_SQ:
        return this.#createSubmission(command, id);
      case Nvme.DELETE_SQ:
        return id !== 0 && this.#submissions.delete(id) ? Nvme.SUCCESS : Nvme.INVALID_QUEUE;
      case Nvme.DELETE_CQ:
        return id !== 0 && this.#completions.delete(id) ? Nvme.SUCCESS : Nvme.INVALID_QUEUE;
      default:
        return Nvme.INVALID_OPCODE;
    }
  }

  /** What a new queue must be; SUCCESS: it may. */
  #queueFault(command: Uint8Array, id: number, taken: boolean): number {
    const entries = field(u32(command, Command.CDW10), Command.QUEUE_SIZE_LSB, 16) + 1;
    const contiguous = bit(u32(command, Command.CDW11), Command.CONTIGUOUS_BIT);
    if (id === 0 || id >= QUEUES || taken) return Nvme.INVALID_QUEUE;
    if (entries < 2 || entries > MOST_ENTRIES) return Nvme.INVALID_QUEUE_SIZE;
    const aligned = u64(command, Command.PRP1) % BigInt(PAGE) === 0n;
    return contiguous && aligned ? Nvme.SUCCESS : Nvme.INVALID_FIELD;
  }

  #createCompletion(command: Uint8Array, id: number): number {
    const fault = this.#queueFault(command, id, this.#completions.has(id));
    if (fault !== Nvme.SUCCESS) return fault;
    const entries = field(u32(command, Command.CDW10), Command.QUEUE_SIZE_LSB, 16) + 1;
    this.#completions.set(id, { base: u64(command, Command.PRP1), entries, tail: 0, phase: 1 });
    return fault;
  }

  #createSubmission(command: Uint8Array, id: number): number {
    const completion = field(u32(command, Command.CDW11), Command.CQ_ID_LSB, 16);
    const fault = this.#queueFault(command, id, this.#submissions.has(id));
    if (fault !== Nvme.SUCCESS) return fault;
    if (completion === 0 || !this.#completions.has(completion))
      return Nvme.COMPLETION_QUEUE_INVALID;
    const entries = field(u32(command, Command.CDW10), Command.QUEUE_SIZE_LSB, 16) + 1;
    this.#submissions.set(id, { base: u64(command, Command.PRP1), entries, head: 0, completion });
    return fault;
  }

  #identify(command: Uint8Array): number {
    const cns = u32(command, Command.CDW10) & 0xff;
    const page = new Uint8Array(PAGE);
    const fields = view(page);
    if (cns === Nvme.CNS_CONTROLLER) {
      page.fill(0x20, 4, 64);
      page.set(new TextEncoder().encode("Cloister emulated disk"), Nvme.MODEL);
      page[Nvme.MDTS] = MDTS;
      page[Nvme.SQES] = 0x66;
      page[Nvme.CQES] = 0x44;
      fields.setUint32(Nvme.NN, 1, true);
    } else if (cns === Nvme.CNS_NAMESPACE) {
      if (u32(command, Command.NAMESPACE_ID) !== 1) return Nvme.INVALID_NAMESPACE;
      const blocks = BigInt(Math.floor(this.#blocks.bytes / BLOCK));
      fields.setBigUint64(Nvme.NSZE, blocks, true);
      fields.setBigUint64(Nvme.NCAP, blocks, true);
      fields.setUint32(Nvme.LBAF0, Math.log2(BLOCK) << Nvme.LBADS_LSB, true);
    } else return Nvme.INVALID_FIELD;
    const pages = this.#pages(command, PAGE);
    if (typeof pages === "number") return pages;
    return this.#scatter(pages, page);
  }

  #io(command: Uint8Array): number {
    const opcode = command[Command.OPCODE];
    if (u32(command, Command.NAMESPACE_ID) !== 1) return Nvme.INVALID_NAMESPACE;
    if (opcode === Nvme.FLUSH) return Nvme.SUCCESS;
    if (opcode !== Nvme.READ && opcode !== Nvme.WRITE) return Nvme.INVALID_OPCODE;
    const first = u64(command, Command.CDW10);
    const count = field(u32(command, Command.CDW12), 0, 16) + 1;
    const blocks = BigInt(Math.floor(this.#blocks.bytes / BLOCK));
    if (first + BigInt(count) > blocks) return Nvme.LBA_OUT_OF_RANGE;
    const data = new Uint8Array(count * BLOCK);
    const pages = this.#pages(command, data.length);
    if (typeof pages === "number") return pages;
    const offset = Number(first) * BLOCK;
    if (opcode === Nvme.READ) {
      const isRead = succeeds(() => this.#blocks.read(offset, data));
      return isRead ? this.#scatter(pages, data) : Nvme.UNRECOVERED_READ_ERROR;
    }
    let at = 0;
    for (const { address, bytes } of pages) {
      const done = this.#dma.read(address, data.subarray(at, at + bytes)) === "done";
      if (!done) return Nvme.DATA_TRANSFER_ERROR;
      at += bytes;
    }
    return succeeds(() => this.#blocks.write(offset, data)) ? Nvme.SUCCESS : Nvme.WRITE_FAULT;
  }

  #scatter(pages: readonly Piece[], data: Uint8Array): number {
    let at = 0;
    for (const { address, bytes } of pages) {
      const done = this.#dma.write(address, data.subarray(at, at + bytes)) === "done";
      if (!done) return Nvme.DATA_TRANSFER_ERROR;
      at += bytes;
    }
    return Nvme.SUCCESS;
  }

  /** Where a transfer's bytes are: PRP1, and the rest by PRP2 or the list it names. 4.1.1. */
  #pages(command: Uint8Array, bytes: number): Piece[] | number {
    const first = u64(command, Command.PRP1);
    const second = u64(command, Command.PRP2);
    if (first % 4n !== 0n) return Nvme.PRP_OFFSET_INVALID;
    const room = PAGE - Number(first % BigInt(PAGE));
    const pieces: Piece[] = [{ address: first, bytes: Math.min(room, bytes) }];
    const left = Math.max(bytes - room, 0);
    const count = Math.ceil(left / PAGE);
    if (count > MOST_PAGES) return Nvme.INVALID_FIELD;
    const list = count > 1 ? this.#list(second, count) : [second];
    for (let n = 0; n < count; n++) {
      const address = list[n] as bigint;
      if (address % BigInt(PAGE) !== 0n) return Nvme.PRP_OFFSET_INVALID;
      pieces.push({ address, bytes: Math.min(PAGE, left - n * PAGE) });
    }
    return pieces;
  }

  #list(at: bigint, count: number): bigint[] {
    const octets = this.#read(at & ~7n, count * PRP_BYTES);
    return Array.from({ length: count }, (_, n) => u64(octets, n * PRP_BYTES));
  }

  #read(address: bigint, bytes: number): Uint8Array {
    const into = new Uint8Array(bytes);
    if (this.#dma.read(address, into) !== "done") throw new Fatal();
    return into;
  }

  #write(address: bigint, from: Uint8Array): void {
    if (this.#dma.write(address, from) !== "done") throw new Fatal();
  }
}

interface Piece {
  address: bigint;
  bytes: number;
}
