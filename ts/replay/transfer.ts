// One system call of a trace that moves bytes between the guest's buffer and a device, or that waits. A transfer is one kick
// exit and one interrupt, as if nothing were cached; it bounces through shared pages under SEV, SEV-ES and SEV-SNP. Under SEV-TIO it
// is an interface in RUN that asks for it, TLP by TLP under IDE.
import * as Code from "../abi/exit.ts";
import { featuresOf, type Generation } from "../chip/chip.ts";
import type { Dma } from "../device/endpoint.ts";
import { BadInput, CheckFailed } from "../error.ts";
import type { Kernel } from "../guest/kernel.ts";
import { leaveFor } from "../guest/leave.ts";
import { Swiotlb } from "../guest/swiotlb.ts";
import type { Vm } from "../hypervisor/vm.ts";
import type { Platform } from "../platform.ts";
import { SCRATCH } from "./record.ts";

const PAGE = 0x1000;
const DEVICE = 1;

/** A piece of a transfer that lies in one page of the guest's buffer. */
export interface Piece {
  gva: bigint;
  /** Bytes of the transfer before it. */
  offset: number;
  bytes: number;
}

// A transfer whose buffers the trace does not name goes through this much memory at SCRATCH, over and over.
const SCRATCH_BYTES = 0x100000;

/** The pieces of a buffer, page by page. */
export function* piecesOf(gva: bigint, bytes: number): Generator<Piece> {
  const wrap = gva === BigInt(SCRATCH) ? SCRATCH_BYTES : bytes;
  for (let offset = 0; offset < bytes; ) {
    const at = gva + BigInt(offset % wrap);
    const piece = Math.min(PAGE - Number(at & 0xfffn), bytes - offset);
    yield { gva: at, offset, bytes: piece };
    offset += piece;
  }
}

/** How a guest notifies a device: by VMGEXIT once its registers are its own, before that by a port write. */
function kickOf(generation: Generation): number {
  return featuresOf(generation).es ? Code.VMEXIT_VMGEXIT : Code.VMEXIT_IOIO;
}

/** The guest's one device, and the way to it. */
export class Transfers {
  readonly #platform: Platform;
  readonly #vm: Vm;
  readonly #kernel: Kernel;
  readonly #pool: Swiotlb | undefined;
  readonly #kick: number;
  readonly #dma: Dma | undefined;
  /** "CODE BY": how often. */
  readonly reasons: Map<string, number> = new Map();

  /** `dma`: the guest's own device, which needs no pool. */
  constructor(platform: Platform, vm: Vm, kernel: Kernel, dma?: Dma) {
    const { generation, core } = platform;
    const { sev } = featuresOf(generation);
    this.#dma = dma;
    this.#platform = platform;
    this.#vm = vm;
    this.#kernel = kernel;
    this.#kick = kickOf(generation);
    if (sev && !dma) this.#pool = new Swiotlb(kernel, core.guest);
    if (!dma) core.host.attach(DEVICE, vm.root);
  }

  /** The device takes the buffer's bytes; each piece is given to `took` as the device received it. */
  out(gva: bigint, bytes: number, took: (piece: Uint8Array) => void): void {
    this.#leave(this.#kick);
    this.dmaOut(gva, bytes, took);
    this.#interrupt();
  }

  /** The device gives bytes to the buffer; `give` fills each piece. */
  in(gva: bigint, bytes: number, give: (piece: Piece, into: Uint8Array) => void): void {
    this.#leave(this.#kick);
    this.dmaIn(gva, bytes, give);
    this.#interrupt();
  }

  /** As `out`, when the device finds the buffer by itself (a ring it polls). */
  dmaOut(gva: bigint, bytes: number, took: (piece: Uint8Array) => void): void {
    for (const piece of piecesOf(gva, bytes)) took(this.#send(piece));
  }

  /** As `in`, unasked. */
  dmaIn(gva: bigint, bytes: number, give: (piece: Piece, into: Uint8Array) => void): void {
    for (const piece of piecesOf(gva, bytes)) {
      const data = new Uint8Array(piece.bytes);
      give(piece, data);
      this.#receive(piece, data);
    }
  }

  /** The guest leaves as its generation makes it leave for this code; it may not leave at all. */
  exit(code: number): void {
    const leaving = leaveFor(this.#platform.generation, code);
    const { by } = leaving;
    const reason = `0x${code.toString(16)} ${by}`;
    this.reasons.set(reason, (this.reasons.get(reason) ?? 0) + 1);
    if (by === "nothing" || by === "guest") return;
    this.#leave(leaving.code, leaving.info1);
  }

  /** The guest waits. */
  halt(): void {
    this.#leave(Code.VMEXIT_HLT);
  }

  #send({ gva, bytes }: Piece): Uint8Array {
    const data = new Uint8Array(bytes);
    this.#reach(gva);
    const slot = this.#pool?.slot();
    if (slot) this.#pool?.bounceOut(slot, gva, bytes);
    const gpa = slot ? slot.gpa : this.#kernel.gpaOf(gva);
    if (!this.#ask("read", gpa, data)) this.#refused("read", gpa);
    return data;
  }

  /** The buffer is there, and one that this device may reach: a TDI in RUN is refused shared pages by the RMP. */
  #reach(gva: bigint): void {
    this.#kernel.touch(gva);
    if (this.#pool || !this.#kernel.isShared(gva)) return;
    throw new BadInput(
      `gva 0x${gva.toString(16)}: DMA of sev-tio's trusted device to a page the guest shares, expected a private one; see LIMITATIONS`,
    );
  }

  #receive({ gva, bytes }: Piece, data: Uint8Array): void {
    this.#reach(gva);
    const slot = this.#pool?.slot();
    const gpa = slot ? slot.gpa : this.#kernel.gpaOf(gva);
    if (!this.#ask("write", gpa, data)) this.#refused("write", gpa);
    if (slot) this.#pool?.bounceIn(slot, gva, bytes);
  }

  /** The device's own request. A posted write that was stopped shows in the IOMMU's log alone. */
  #ask(what: "read" | "write", gpa: bigint, data: Uint8Array): boolean {
    const { core, board } = this.#platform;
    if (!this.#dma) return core.device[what](DEVICE, gpa, data);
    const stopped = board?.iommu.events.length;
    return this.#dma[what](gpa, data) === "done" && board?.iommu.events.length === stopped;
  }

  #leave(code: number, info1 = 0n): void {
    const { guest } = this.#platform.core;
    guest.load(this.#kernel.user);
    guest.vmexit(code, info1);
    this.#vm.serveReplayed(guest.exit());
  }

  #interrupt(): void {
    this.#leave(Code.VMEXIT_INTR);
  }

  #refused(what: string, gpa: bigint): never {
    const { code } = this.#platform.core.device.exit();
    throw new CheckFailed(
      `DMA ${what} at gpa 0x${gpa.toString(16)}: refused with IOMMU event 0x${code.toString(16)}`,
    );
  }
}
