// What the firmware keeps of SEV-TIO: device and TDI contexts sealed in memory; in the processor itself the sessions, the commands
// under way, and a copy of each context for what must be undone even if a probe on the chips has spoilt the page.
import type { FirmwarePort } from "../../port.ts";
import type { Prng } from "../../prng.ts";
import type { Curves } from "../../spdm/crypto.ts";
import type { Exchange } from "../../spdm/exchange.ts";
import type { RootPortIde, TioPort } from "../../tio-port.ts";
import type { IdeKmRequester } from "../../tsm/ide.ts";
import type { RequesterSession } from "../../tsm/session.ts";
import type { SpdmRequester } from "../../tsm/spdm.ts";
import type { TdispRequester } from "../../tsm/tdisp.ts";
import { clearValidated } from "../page.ts";
import { SealedPages } from "../sealed-pages.ts";
import { type DeviceContext, deviceContents, disconnected } from "./device.ts";
import { ridOf, type TdiContext, TdiState, tdiContents, unbound } from "./tdi.ts";

/** Of IDE_STREAM_ID: a traffic class without a stream. */
export const NO_STREAM = 0xff;

/** An SPDM session with a device, and what speaks in it. */
export interface Session {
  requester: SpdmRequester;
  session: RequesterSession;
  ide: IdeKmRequester;
  tdisp: TdispRequester;
  /** IDE_KM's index of the device's port. */
  portIndex: number;
}

/** What a command does when its conversation is over: changes contexts and answers a status, or has an object for the host. */
export type Finish<Call> = (call: Call) => number | Uint8Array;

/** A command whose conversation with the device is not over, or whose object did not fit the host's buffer. */
export interface Pending {
  command: number;
  buffer: Uint8Array;
  exchange: Exchange<Finish<never>>;
  /** DATA_TYPE of the request that is out. */
  dataType: number;
  /** The guest and the interface (FUNCTION_ID) that it is about, where it is about any. */
  gctx: bigint;
  functionId: number | undefined;
  /** What is left to be given, when the host's buffer must grow. */
  object: Uint8Array | undefined;
}

/** What of a device never leaves the processor. */
export interface Live {
  device: DeviceContext;
  session: Session | undefined;
  pending: Pending | undefined;
}

/** What it is given of the board. */
export interface TioParts {
  tio?: TioPort | undefined;
  curves?: Curves | undefined;
}

export class Tio {
  /** TIO_INIT was done. */
  isInit = false;
  readonly board: TioPort | undefined;
  /** What sessions are made with; default noble's. */
  readonly curves: Curves | undefined;
  readonly #port: FirmwarePort;
  readonly #chance: () => Prng;
  #made: Prng | undefined;
  #contexts: { devices: SealedPages<DeviceContext>; tdis: SealedPages<TdiContext> } | undefined;
  /** By context page. */
  readonly #live = new Map<bigint, Live>();
  readonly #tdis = new Map<bigint, TdiContext>();
  readonly #validated = new Map<bigint, Set<bigint>>();

  /** `chance` makes the generator of this boot's sessions. */
  constructor(port: FirmwarePort, given: TioParts, chance: () => Prng) {
    this.#port = port;
    this.board = given.tio;
    this.curves = given.curves;
    this.#chance = chance;
  }

  /** Nothing is drawn from it before TIO_INIT. */
  get chance(): Prng {
    this.#made ??= this.#chance();
    return this.#made;
  }

  init(): void {
    this.#contexts = {
      devices: new SealedPages(this.#port, this.chance.bytes(32), deviceContents),
      tdis: new SealedPages(this.#port, this.chance.bytes(32), tdiContents),
    };
    this.isInit = true;
  }

  get #opened() {
    if (!this.#contexts) throw new Error("SEV-TIO: no contexts before TIO_INIT");
    return this.#contexts;
  }

  createDevice(page: bigint, device: DeviceContext): void {
    this.#opened.devices.create(page, device);
    this.#live.set(page, { device, session: undefined, pending: undefined });
  }

  /** A device's context, or why a page is none. */
  device(page: bigint): DeviceContext | number {
    return this.#opened.devices.open(page);
  }

  live(page: bigint): Live {
    return this.#live.get(page) as Live;
  }

  saveDevice(page: bigint, device: DeviceContext): void {
    this.#opened.devices.save(page, device);
    this.live(page).device = device;
  }

  destroyDevice(page: bigint): void {
    this.endSession(page);
    this.#opened.devices.destroy(page);
    this.#live.delete(page);
  }

  createTdi(page: bigint, tdi: TdiContext): void {
    this.#opened.tdis.create(page, tdi);
    this.#tdis.set(page, tdi);
  }

  tdi(page: bigint): TdiContext | number {
    return this.#opened.tdis.open(page);
  }

  saveTdi(page: bigint, tdi: TdiContext): void {
    this.#opened.tdis.save(page, tdi);
    this.#tdis.set(page, tdi);
  }

  destroyTdi(page: bigint): void {
    this.#opened.tdis.destroy(page);
    this.#tdis.delete(page);
    this.#validated.delete(page);
  }

  /** Every interface with its page. */
  tdis(): readonly [page: bigint, tdi: TdiContext][] {
    return [...this.#tdis];
  }

  /** Devices, with what the processor has of them. */
  devices(): readonly [page: bigint, live: Live][] {
    return [...this.#live];
  }

  /** The firmware's end of a session is gone, with its secrets. */
  endSession(page: bigint): void {
    const live = this.live(page);
    live.session?.session.close();
    live.session = undefined;
    live.pending = undefined;
  }

  /** Whether a guest has an interface, or is about to get one. */
  holds(gctx: bigint): boolean {
    if (gctx === 0n) return false;
    const waiting = [...this.#live.values()].some(({ pending }) => pending?.gctx === gctx);
    return waiting || [...this.#tdis.values()].some((tdi) => tdi.gctx === gctx);
  }

  /** Whether the guest of an ASID has an interface: its pages then stay where they are. */
  holdsAsid(asid: number): boolean {
    return asid !== 0 && [...this.#tdis.values()].some((tdi) => tdi.asid === asid);
  }

  rootPort({ segment, rootPortId }: DeviceContext): RootPortIde | undefined {
    return this.board?.rootPort(segment, rootPortId);
  }

  /** Takes a device's keys from its root port, and what its interfaces had of their guests. */
  cutOff(page: bigint): void {
    const { device } = this.live(page);
    for (const id of device.streamIds) if (id !== NO_STREAM) this.rootPort(device)?.stop(id);
    for (const [at, tdi] of this.#tdis) if (tdi.device === page) this.takeAway(at);
  }

  /** The IOMMU refuses the interface's private requests, and its guest no longer vouches for its registers. */
  takeAway(page: bigint): void {
    const tdi = this.#tdis.get(page) as TdiContext;
    if (tdi.state === TdiState.UNBOUND) return;
    this.board?.sdteClear(ridOf(tdi));
    for (const spa of this.validated(page)) clearValidated(this.#port, spa, tdi.asid);
    this.#validated.delete(page);
  }

  /** The pages of its registers that its guest has validated. */
  validated(page: bigint): Set<bigint> {
    const known = this.#validated.get(page) ?? new Set<bigint>();
    this.#validated.set(page, known);
    return known;
  }

  /** Everything a device and its interfaces had is over, without a word to it. */
  force(page: bigint): void {
    this.cutOff(page);
    this.endSession(page);
    for (const [tdiPage, tdi] of this.#tdis)
      if (tdi.device === page) this.saveTdi(tdiPage, unbound(tdi));
    this.saveDevice(page, disconnected(this.live(page).device));
  }

  /** SNP_SHUTDOWN: context pages are Firmware pages again. */
  shutDown(): void {
    for (const [page] of this.devices()) this.cutOff(page);
    for (const [page] of this.tdis()) this.destroyTdi(page);
    for (const [page] of this.devices()) this.destroyDevice(page);
    this.isInit = false;
  }
}
