// A root port: routing by BDF and address, the set-up Linux does before a TSM connects, and its half of a link. PCIe 2.4, 6.33.
import * as Config from "../abi/config-space.ts";
import * as Selective from "../abi/ide-selective.ts";
import * as SrIov from "../abi/sr-iov.ts";
import * as Completion from "../abi/tlp-completion.ts";
import { Misuse } from "../error.ts";
import { findExtended } from "./config.ts";
import { PcieFunction } from "./function.ts";
import type { IdeStream } from "./ide.ts";
import type { IdeCipher } from "./ide-cipher.ts";
import { Link } from "./link.ts";
import { LinkPort, type Origin, type Transfer } from "./port.ts";
import { idOf, routeOf, type Target } from "./route.ts";
import type { MemoryRequest } from "./tlp.ts";

const MMIO_BASE = 0x80_0000_0000n;

export interface StreamSetup {
  streamId: number;
  /** Which register block of the port. */
  block?: number;
  isDefault?: boolean;
  /** Default true, as AMD's driver has it at the endpoint. */
  teeLimited?: boolean;
  enable?: boolean;
}

/** A request of a device as it enters the machine. */
export interface DmaRequest {
  rid: number;
  tee: boolean;
  /** The stream it came over; undefined: none. */
  streamId: number | undefined;
  rootPortId: number;
}

/** What stands behind a root port: the IOMMU and memory. */
export interface Upstream {
  read(request: DmaRequest, gpa: bigint, into: Uint8Array): boolean;
  write(request: DmaRequest, gpa: bigint, from: Uint8Array): boolean;
}

export interface RootPortOptions {
  /** Its BDF, its number in LNKCAP, the bus behind it. */
  id: number;
  number: number;
  secondaryBus: number;
  /** Where the BARs behind it are put. */
  mmioBase: bigint;
  upstream: Upstream;
  cipher: IdeCipher;
}

export class RootPort {
  readonly #functions: Map<number, PcieFunction> = new Map();
  readonly #options: RootPortOptions | undefined;
  /** Its own configuration space and streams; undefined for one that only routes. */
  readonly own: PcieFunction | undefined;
  readonly link: Link = new Link();
  /** Its end of the link. */
  readonly end: LinkPort | undefined;

  constructor(options?: RootPortOptions) {
    this.#options = options;
    if (!options) return;
    const { id, number, secondaryBus, cipher } = options;
    const own = new PcieFunction({
      functionId: id,
      bars: [],
      rootPort: { number, secondaryBus },
      streams: 4,
      linkStreams: 1,
      aggregation: true,
    });
    this.own = own;
    this.end = new LinkPort({
      id,
      way: "down",
      link: this.link,
      streams: own.streams,
      cipher,
      completer: {
        idFor: () => id,
        read: (request, origin) => this.#dmaRead(request, origin),
        write: (request, origin) => this.#dmaWrite(request, origin),
      },
    });
  }

  attach(port: PcieFunction): void {
    if (this.#functions.has(port.functionId)) {
      throw new Misuse(`BDF ${port.functionId.toString(16)}: taken already`);
    }
    this.#functions.set(port.functionId, port);
  }

  /** The functions behind it are gone. */
  detach(): void {
    this.#functions.clear();
    this.link.cut();
  }

  /** Whether a BDF is its own or of a function behind it. */
  has(bdf: number): boolean {
    return bdf === this.own?.functionId || this.#functions.has(bdf);
  }

  /** Configuration requests go by BDF; nobody there reads as ones. */
  read(bdf: number, offset: number, bytes: 1 | 2 | 4): number {
    return this.#functionOf(bdf)?.config.read(offset, bytes) ?? 2 ** (8 * bytes) - 1;
  }

  write(bdf: number, offset: number, value: number, bytes: 1 | 2 | 4): void {
    this.#functionOf(bdf)?.config.write(offset, value, bytes);
  }

  #functionOf(bdf: number): PcieFunction | undefined {
    return bdf === this.own?.functionId ? this.own : this.#functions.get(bdf);
  }

  /** Memory requests go by address: the function, BAR and offset behind it. */
  route(address: bigint): Target | undefined {
    return routeOf(this.#functions.values(), address);
  }

  /** Gives every BAR an address of its own size's alignment and switches the functions on. */
  enumerate(): void {
    let next = this.#options?.mmioBase ?? MMIO_BASE;
    const place = (port: PcieFunction, at: number, size: bigint, all: bigint) => {
      next = (next + size - 1n) & -size;
      port.config.write(at, Number(next & 0xffffffffn), 4);
      port.config.write(at + 4, Number(next >> 32n), 4);
      next += all;
    };
    for (const port of this.#functions.values()) {
      for (const { index, bytes } of port.bars)
        place(port, Config.BAR0 + 4 * index, BigInt(bytes), BigInt(bytes));
      const at =
        this.#options &&
        findExtended((o, n) => port.config.read(o, n), SrIov.EXTENDED_CAPABILITY_ID);
      const total = BigInt(port.vfs?.total ?? 0);
      if (at !== undefined) {
        for (const { index, bytes } of port.vfBars)
          place(port, at + SrIov.VF_BAR0 + 4 * index, BigInt(bytes), BigInt(bytes) * total);
      }
      const on = (1 << Config.MEMORY_SPACE_BIT) | (1 << Config.BUS_MASTER_BIT);
      port.config.write(Config.COMMAND, on, 2);
    }
  }

  /** sriov_numvfs: virtual functions come to be, behind their BARs. */
  enableVfs(port: PcieFunction, count: number): void {
    const at = findExtended((o, n) => port.config.read(o, n), SrIov.EXTENDED_CAPABILITY_ID);
    if (at === undefined) throw new Misuse(`BDF ${port.functionId.toString(16)}: has no SR-IOV`);
    port.config.write(at + SrIov.NUM_VFS, count, 2);
    const on = (1 << SrIov.VF_ENABLE_BIT) | (1 << SrIov.VF_MEMORY_SPACE_BIT);
    port.config.write(at + SrIov.CONTROL, count > 0 ? on : 0, 2);
  }

  /** pci_ide_stream_setup: RID range, Stream ID and attributes; keys come from the TSM. */
  setupStream(port: PcieFunction, setup: StreamSetup): void {
    const base = port.streamBase(setup.block ?? 0);
    const rid1 = 0xffff * 2 ** Selective.RID_LIMIT_LSB;
    port.config.write(base + Selective.RID1, rid1, 4);
    port.config.write(base + Selective.RID2, 2 ** Selective.RID_VALID_BIT, 4);
    const control =
      setup.streamId * 2 ** Selective.STREAM_ID_LSB +
      (setup.teeLimited === false ? 0 : 2 ** Selective.TEE_LIMITED_BIT) +
      (setup.isDefault === false ? 0 : 2 ** Selective.DEFAULT_STREAM_BIT) +
      (setup.enable ? 2 ** Selective.ENABLE_BIT : 0);
    port.config.write(base + Selective.CONTROL, control, 4);
  }

  /** pci_ide_stream_enable: true when the stream is Secure at once, as Linux demands. */
  enableStream(port: PcieFunction, block = 0): boolean {
    const at = port.streamBase(block) + Selective.CONTROL;
    port.config.write(at, (port.config.read(at, 4) | (2 ** Selective.ENABLE_BIT)) >>> 0, 4);
    return port.streams[block]?.isSecure ?? false;
  }

  /** A load from a register behind the port. `streamId`: with the T bit, over that stream. What is not answered reads as ones. */
  load(address: bigint, into: Uint8Array, streamId?: number): Transfer {
    into.fill(0xff);
    return this.#cross(address, streamId, (end, id, origin) => end.read(id, address, into, origin));
  }

  store(address: bigint, from: Uint8Array, streamId?: number): Transfer {
    return this.#cross(address, streamId, (end, id, origin) =>
      end.write(id, address, from, origin),
    );
  }

  #cross(
    address: bigint,
    streamId: number | undefined,
    go: (end: LinkPort, id: number, origin: Origin) => Transfer,
  ): Transfer {
    const target = this.route(address);
    if (!target || !this.end || !this.own) return "refused";
    const tee = streamId !== undefined;
    const stream = tee ? this.#streamTo(streamId, idOf(target)) : undefined;
    if (tee && !stream) return "no stream";
    return go(this.end, this.own.functionId, { tee, stream });
  }

  #streamTo(streamId: number, rid: number): IdeStream | undefined {
    return this.own?.streams.find(
      (each) => !each.isLink && each.isSecure && each.id === streamId && each.covers(rid),
    );
  }

  #dmaRead(request: MemoryRequest, origin: Origin): Uint8Array | number {
    const into = new Uint8Array(request.bytes);
    const admitted = this.#admits(request, origin);
    const { upstream } = this.#options as RootPortOptions;
    if (!admitted) return Completion.UNSUPPORTED_REQUEST;
    const done = upstream.read(admitted, request.address, into);
    return done ? into : Completion.COMPLETER_ABORT;
  }

  #dmaWrite(request: MemoryRequest, origin: Origin): void {
    const admitted = this.#admits(request, origin);
    if (admitted) this.#options?.upstream.write(admitted, request.address, request.data);
  }

  /** Whose request it is; undefined: a Requester ID that does not belong on the stream it came over. */
  #admits({ requester }: MemoryRequest, { tee, stream }: Origin): DmaRequest | undefined {
    if (stream && !stream.covers(requester)) return undefined;
    const { number } = this.#options as RootPortOptions;
    return { rid: requester, tee, streamId: stream?.id, rootPortId: number };
  }
}
