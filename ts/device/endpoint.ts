// The device's end of a link: what its interfaces ask of memory, and what reaches their registers. PCIe 2.2; TDISP 1.0, 11.2.
import * as Tdisp from "../abi/tdisp.ts";
import * as Completion from "../abi/tlp-completion.ts";
import type { PcieFunction } from "../pcie/function.ts";
import type { IdeCipher } from "../pcie/ide-cipher.ts";
import type { Link } from "../pcie/link.ts";
import { type Answer, LinkPort, type Origin, type Transfer } from "../pcie/port.ts";
import { idOf, routeOf } from "../pcie/route.ts";
import type { MemoryRequest } from "../pcie/tlp.ts";
import type { Tdi } from "./tdi.ts";

/** What stands behind the BARs of one interface: its registers. */
export interface Registers {
  load(bar: number, offset: number, into: Uint8Array): void;
  store(bar: number, offset: number, from: Uint8Array): void;
  /** As at power-on: nothing of before is kept. */
  reset(): void;
}

/** An interface's own road to memory. */
export interface Dma {
  read(address: bigint, into: Uint8Array): Transfer;
  write(address: bigint, from: Uint8Array): Transfer;
}

export interface EndpointOptions {
  functions: readonly PcieFunction[];
  tdis: ReadonlyMap<number, Tdi>;
  link: Link;
  cipher: IdeCipher;
  /** By Requester ID; an interface without registers reads as zeros. */
  registers: (rid: number) => Registers | undefined;
}

export class Endpoint {
  readonly #options: EndpointOptions;
  readonly port: LinkPort;

  constructor(options: EndpointOptions) {
    this.#options = options;
    const { functions, link, cipher } = options;
    this.port = new LinkPort({
      id: functions[0]!.functionId,
      way: "up",
      link,
      streams: functions.flatMap((each) => each.streams),
      cipher,
      completer: {
        idFor: ({ address }) => this.#idAt(address),
        read: (request, origin) => this.#load(request, origin),
        write: (request, origin) => this.#store(request, origin),
      },
    });
  }

  /** Requests of one interface: with the T bit, over the stream it was locked with, while it is in RUN. */
  dma(tdi: Tdi): Dma {
    return {
      read: (address, into) => {
        const origin = originOf(tdi);
        return origin ? this.port.read(tdi.functionId, address, into, origin) : "refused";
      },
      write: (address, from) => {
        const origin = originOf(tdi);
        return origin ? this.port.write(tdi.functionId, address, from, origin) : "refused";
      },
    };
  }

  #idAt(address: bigint): number {
    const target = routeOf(this.#options.functions, address);
    return target ? idOf(target) : this.#options.functions[0]!.functionId;
  }

  #load(request: MemoryRequest, origin: Origin): Answer {
    const found = this.#find(request, origin);
    if (!found) return Completion.UNSUPPORTED_REQUEST;
    const into = new Uint8Array(request.bytes);
    found.registers?.load(found.bar, found.offset, into);
    return into;
  }

  #store(request: MemoryRequest, origin: Origin): void {
    const found = this.#find(request, origin);
    found?.registers?.store(found.bar, found.offset, request.data);
  }

  /** The registers meant, where the interface admits the request. */
  #find({ address, bytes }: MemoryRequest, origin: Origin) {
    const { functions, tdis, registers } = this.#options;
    const target = routeOf(functions, address);
    if (!target) return undefined;
    const id = idOf(target);
    const tdi = tdis.get(id);
    const { bar, offset } = target;
    if (!tdi || (origin.tee && tdi.lock?.stream !== origin.stream)) return undefined;
    const size = (target.vf === undefined ? target.port.bars : target.port.vfBars).find(
      (each) => each.index === bar,
    )?.bytes;
    if (size === undefined || offset + bytes > size) return undefined;
    if (!tdi.admits({ tee: origin.tee, bar, offset })) return undefined;
    return { registers: registers(id), bar, offset };
  }
}

/** How an interface's own requests go; undefined: it may make none. */
function originOf(tdi: Tdi): Origin | undefined {
  if (!tdi.port.isBusMaster || tdi.state === Tdisp.ERROR) return undefined;
  if (tdi.state !== Tdisp.RUN) return { tee: false, stream: undefined };
  return { tee: true, stream: tdi.lock?.stream };
}
