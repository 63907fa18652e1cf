// One TEE device interface: its state, what was locked, and what may reach it. TDISP 1.0, 11.2.

import * as Tdisp from "../abi/tdisp.ts";
import * as Range from "../abi/tdisp-mmio-range.ts";
import type { PcieFunction } from "../pcie/function.ts";
import type { IdeStream } from "../pcie/ide.ts";
import { bit } from "../spdm/octets.ts";
import { deviceInterfaceReport, type MmioRange, rangesOf } from "./report.ts";

export type TdiState = 0 | 1 | 2 | 3;

/** In the order of their codes. */
export const stateNames: string[] = ["CONFIG_UNLOCKED", "CONFIG_LOCKED", "RUN", "ERROR"];

export type TdiEvent =
  | "CONFIGURATION_CHANGED"
  | "FUNCTION_LEVEL_RESET"
  | "CONVENTIONAL_RESET"
  | "STREAM_INSECURE"
  | "SESSION_ENDED"
  | "FIRMWARE_UPDATED"
  | "SECURITY_LOST";

const { CONFIG_UNLOCKED: U, ERROR: E } = Tdisp;

/** Where each event leads, from CONFIG_UNLOCKED, CONFIG_LOCKED, RUN and ERROR. */
// biome-ignore format: a table
export const eventTable: Record<TdiEvent, [TdiState, TdiState, TdiState, TdiState]> = {
  CONFIGURATION_CHANGED: [U, E, E, E],
  FUNCTION_LEVEL_RESET:  [U, E, E, E],
  CONVENTIONAL_RESET:    [U, U, U, U],
  STREAM_INSECURE:       [U, E, E, E],
  SESSION_ENDED:         [U, E, E, E],
  FIRMWARE_UPDATED:      [U, E, E, E],
  SECURITY_LOST:         [U, E, E, E],
};

const isReset = (event: TdiEvent): boolean =>
  event === "FUNCTION_LEVEL_RESET" || event === "CONVENTIONAL_RESET";

export interface Lock {
  flags: number;
  stream: IdeStream;
  reportingOffset: bigint;
  sessionId: number;
}

/** A memory request as it reaches the device. */
export interface Access {
  /** The T bit: it comes from inside a TEE, over the default stream while that is Secure. */
  tee: boolean;
  bar: number;
  /** From the BAR's start. */
  offset: number;
}

export class Tdi {
  readonly functionId: number;
  readonly port: PcieFunction;
  readonly vf: number | undefined;
  state: TdiState = Tdisp.CONFIG_UNLOCKED;
  lock: Lock | undefined;
  nonce: Uint8Array | undefined;
  ranges: MmioRange[] = [];
  readonly boundStreams: Set<number> = new Set();
  /** Called when what the interface holds must go: at LOCK, at STOP and at every reset. */
  onScrub: () => void = () => {};
  readonly #givenReport: Uint8Array | undefined;

  constructor(port: PcieFunction, vf?: number, report?: Uint8Array) {
    this.port = port;
    this.vf = vf;
    this.functionId = vf === undefined ? port.functionId : port.vfId(vf);
    this.#givenReport = report;
  }

  get isLocked(): boolean {
    return this.state === Tdisp.CONFIG_LOCKED || this.state === Tdisp.RUN;
  }

  /** True while T-bit requests from and to this interface are admitted. */
  get admitsTee(): boolean {
    return this.state === Tdisp.RUN;
  }

  enter(lock: Lock, nonce: Uint8Array): void {
    this.lock = lock;
    this.nonce = nonce;
    this.ranges = rangesOf(this.port, this.vf, bit(lock.flags, Tdisp.LOCK_MSIX_BIT));
    this.state = Tdisp.CONFIG_LOCKED;
    this.onScrub();
  }

  start(): void {
    this.#forgetNonce();
    this.state = Tdisp.RUN;
  }

  /** STOP_INTERFACE: secrets are scrubbed before the interface is open again. */
  stop(): void {
    this.#forgetNonce();
    this.lock = undefined;
    this.ranges = [];
    this.boundStreams.clear();
    this.state = Tdisp.CONFIG_UNLOCKED;
    this.onScrub();
  }

  event(event: TdiEvent): void {
    const next = eventTable[event][this.state]!;
    if (isReset(event)) this.onScrub();
    if (next === this.state) return;
    if (next === Tdisp.CONFIG_UNLOCKED) {
      this.stop();
      return;
    }
    this.#forgetNonce();
    this.state = next;
  }

  report(): Uint8Array {
    if (this.#givenReport) return this.#givenReport;
    const { port, vf, ranges } = this;
    const { flags: lockFlags, reportingOffset } = this.lock!;
    return deviceInterfaceReport({ port, vf, lockFlags, reportingOffset, ranges });
  }

  /** Whether a memory request reaches the registers behind it. */
  admits({ tee, bar, offset }: Access): boolean {
    if (!this.isLocked) return !tee && this.state !== Tdisp.ERROR;
    const page = Math.floor(offset / 0x1000);
    const inside = (each: MmioRange) =>
      each.bar === bar && page >= each.firstPage && page < each.firstPage + each.pages;
    const range = this.ranges.find(inside);
    const confidential = range && !bit(range.attributes, Range.IS_NON_TEE_MEM_BIT);
    return confidential ? tee && this.admitsTee : !tee;
  }

  #forgetNonce(): void {
    this.nonce?.fill(0);
    this.nonce = undefined;
  }
}
