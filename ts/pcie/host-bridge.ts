// The host bridge: configuration requests by BDF and memory requests by address, each to the root port that has it; and the IOMMU's
// log of what it stopped. PCIe 2.4; AMD 48882, 2.5.
import * as Exit from "../abi/exit.ts";
import * as Event from "../abi/iommu-event.ts";
import type { DevicePort, Via } from "../port.ts";
import type { DmaRequest, RootPort, Upstream } from "./root-port.ts";
import { idOf } from "./route.ts";

/** How a guest's request with the T bit may go to a function: over which stream of which root port; undefined: not at all. */
export type Admit = (rid: number, asid: number) => Via | undefined;

export class HostBridge {
  /** In the order of their numbers, which begin at 1. */
  readonly ports: readonly RootPort[];

  constructor(ports: readonly RootPort[]) {
    this.ports = ports;
  }

  /** Nobody there reads as ones. */
  read(bdf: number, offset: number, bytes: 1 | 2 | 4): number {
    return this.portOf(bdf)?.read(bdf, offset, bytes) ?? 2 ** (8 * bytes) - 1;
  }

  write(bdf: number, offset: number, value: number, bytes: 1 | 2 | 4): void {
    this.portOf(bdf)?.write(bdf, offset, value, bytes);
  }

  /** The root port that is a BDF, or has it behind it. */
  portOf(bdf: number): RootPort | undefined {
    return this.ports.find((port) => port.has(bdf));
  }

  /** A load or store of a core. A guest's, with the T bit, goes where `admit` lets it; what is not answered reads as ones. */
  access(
    { spa, asid, write }: { spa: bigint; asid: number | undefined; write: boolean },
    bytes: Uint8Array,
    admit: Admit,
  ): void {
    if (!write) bytes.fill(0xff);
    const port = this.ports.find((each) => each.route(spa));
    const target = port?.route(spa);
    if (!port || !target) return;
    const via = asid === undefined ? undefined : admit(idOf(target), asid);
    const number = this.ports.indexOf(port) + 1;
    if (asid !== undefined && via?.rootPortId !== number) return;
    if (write) port.store(spa, bytes, via?.streamId);
    else port.load(spa, bytes, via?.streamId);
  }
}

/** The IOMMU before memory, and its event log. */
export class Iommu implements Upstream {
  readonly #port: DevicePort;
  /** Entries as ts/abi/iommu-event.ts has them, the oldest first; when it is full, new ones are lost. */
  readonly events: Uint8Array[] = [];

  constructor(port: DevicePort) {
    this.#port = port;
  }

  read({ rid, ...request }: DmaRequest, gpa: bigint, into: Uint8Array): boolean {
    return this.#port.read(rid, gpa, into, viaOf(request)) || this.#log(rid, false);
  }

  write({ rid, ...request }: DmaRequest, gpa: bigint, from: Uint8Array): boolean {
    return this.#port.write(rid, gpa, from, viaOf(request)) || this.#log(rid, true);
  }

  #log(rid: number, isWrite: boolean): false {
    const { kind, code, gpa } = this.#port.exit();
    if (kind !== Exit.DEVICE_FAULT || this.events.length === Event.ENTRIES) return false;
    const entry = new DataView(new ArrayBuffer(Event.SIZE));
    entry.setUint16(Event.DEVICE_ID, rid, true);
    const flags = isWrite ? 1 << Event.RW_BIT : 0;
    entry.setUint16(Event.CODE_FLAGS, (Number(code) << Event.CODE_LSB) | flags, true);
    entry.setBigUint64(Event.ADDRESS, gpa, true);
    this.events.push(new Uint8Array(entry.buffer));
    return false;
  }
}

function viaOf({ tee, streamId, rootPortId }: Omit<DmaRequest, "rid">): Via | undefined {
  return tee && streamId !== undefined ? { streamId, rootPortId } : undefined;
}
