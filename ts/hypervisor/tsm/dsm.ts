// A device under a TSM: what Linux's sev-dev-tsm.c does when one is connected and disconnected. PCIe's DSM answers at function 0.
import * as DataObject from "../../abi/doe-object.ts";
import * as Certificates from "../../abi/psp/tio-dev-certificates.ts";
import * as Measurements from "../../abi/psp/tio-dev-measurements.ts";
import * as RollKey from "../../abi/psp/tio-roll-key.ts";
import * as Status from "../../abi/status.ts";
import { Errno } from "../../linux/errno.ts";
import { drive, PeerFault, type Transport } from "../../spdm/exchange.ts";
import { discover, mailboxTransport } from "../../tsm/doe.ts";
import type { TioParts } from "./buffers.ts";
import { NO_ANSWER, TioDevice } from "./device.ts";
import type { Pci } from "./pci.ts";
import type { TioSizes } from "./status.ts";
import { IdeStreamPair, selectiveBlocks } from "./stream.ts";
import { HostTdi } from "./tdi.ts";

/** Sees each data object on its way, both ways. */
export type Wire = (direction: "request" | "response", object: Uint8Array | undefined) => void;

/** Streams that are in use, of the bridge and of each port. */
export class StreamPool {
  /** What Linux gives a host bridge unless told. */
  static readonly MOST = 256;
  readonly #ids = new Set<number>();
  readonly #blocks = new Map<number, Set<number>>();

  get available(): number {
    return StreamPool.MOST - this.#ids.size;
  }

  /** pci_ide_stream_alloc: undefined when an end has none left. */
  take(endpoint: Pci, rootPort: Pci): IdeStreamPair | undefined {
    const id = lowest(this.#ids, StreamPool.MOST);
    const [first, second] = [endpoint, rootPort].map((port) =>
      lowest(this.#used(port), selectiveBlocks(port).length),
    );
    if (id === undefined || first === undefined || second === undefined) return undefined;
    this.#ids.add(id);
    this.#used(endpoint).add(first);
    this.#used(rootPort).add(second);
    const partner = (port: Pci, index: number) => ({ port, index });
    return new IdeStreamPair(id, partner(endpoint, first), partner(rootPort, second));
  }

  give({ id, endpoint, rootPort }: IdeStreamPair): void {
    this.#ids.delete(id);
    for (const { port, index } of [endpoint, rootPort]) this.#used(port).delete(index);
  }

  #used({ bdf }: Pci): Set<number> {
    const used = this.#blocks.get(bdf) ?? new Set<number>();
    this.#blocks.set(bdf, used);
    return used;
  }
}

function lowest(used: ReadonlySet<number>, count: number): number | undefined {
  for (let i = 0; i < count; i++) if (!used.has(i)) return i;
  return undefined;
}

export interface DsmParts {
  parts: TioParts;
  sizes: TioSizes;
  streams: StreamPool;
  wire: Wire;
}

export class Dsm {
  readonly pf0: Pci;
  readonly stream: IdeStreamPair;
  readonly device: TioDevice;
  /** By FUNCTION_ID. */
  readonly tdis: Map<number, HostTdi> = new Map();
  readonly #made: DsmParts;

  /** Connects the device of a function 0. Throws Errno as Linux's driver answers. */
  static connect(made: DsmParts, pf0: Pci): Dsm {
    const carry = mailboxOf(pf0);
    const rootPort = pf0.rootPort;
    const stream = rootPort && made.streams.take(pf0, rootPort);
    if (!rootPort || !stream) throw new Errno("EFAULT", `${pf0.name}: no IDE stream is free`);
    const device = new TioDevice(made.parts, made.sizes, seen(made.wire, carry));
    const fail = (what: string, status: number): never => {
      stream.disable();
      stream.teardown();
      made.streams.give(stream);
      if (status === NO_ANSWER) throw new Errno("EIO", `${pf0.name}: ${what}: no answer`);
      throw new Errno("EINVAL", `${pf0.name}: ${what}: status 0x${status.toString(16)}`);
    };
    const created = device.create(pf0.bdf, rootPort.portNumber, 0);
    if (created !== Status.SUCCESS) fail("DEV_CREATE", created);
    stream.setup();
    const connected = device.connect(stream.id);
    if (connected !== Status.SUCCESS) {
      device.reclaim();
      fail("DEV_CONNECT", connected);
    }
    // AMD's driver goes on whether or not the stream is Secure.
    stream.enable();
    return new Dsm(made, pf0, stream, device);
  }

  private constructor(made: DsmParts, pf0: Pci, stream: IdeStreamPair, device: TioDevice) {
    this.#made = made;
    this.pf0 = pf0;
    this.stream = stream;
    this.device = device;
  }

  /** Every interface is let go, then the device; the stream's registers are zero after it. */
  disconnect(): void {
    for (const tdi of this.tdis.values()) {
      tdi.unbind();
      tdi.reclaim();
    }
    this.tdis.clear();
    this.device.disconnect();
    this.device.reclaim();
    this.stream.disable();
    this.stream.teardown();
    this.#made.streams.give(this.stream);
  }

  /** The interface of a function, made when it is wanted first. Throws Errno. */
  tdi(functionId: number): HostTdi {
    const known = this.tdis.get(functionId);
    if (known) return known;
    const made = HostTdi.create(this.#made.parts, this.#made.sizes, this.device, functionId);
    if (typeof made === "number") throw new Errno("EIO", `TDI_CREATE: status ${made}`);
    this.tdis.set(functionId, made);
    return made;
  }

  /** The chain of slot 0 as the device showed it; undefined when it showed another, or none. */
  certificates(): Uint8Array | undefined {
    const status = this.device.command("TIO_DEV_CERTIFICATES", Certificates);
    return status === Status.SUCCESS ? this.device.output() : undefined;
  }

  /** What the device measured, signed over 32 bytes. */
  measurements(MEAS_NONCE: Uint8Array): Uint8Array | undefined {
    const status = this.device.command("TIO_DEV_MEASUREMENTS", Measurements, { MEAS_NONCE });
    return status === Status.SUCCESS ? this.device.output() : undefined;
  }

  /** New keys for the stream. Answers the status. */
  rollKeys(): number {
    return this.device.command("TIO_ROLL_KEY", RollKey);
  }
}

/** The CMA mailbox, by discovery. */
function mailboxOf(pf0: Pci): Transport {
  const config = {
    read: (offset: number) => pf0.read(offset, 4),
    write: (offset: number, value: number) => pf0.write(offset, value, 4),
  };
  let types: number[] = [];
  let carry: Transport | undefined;
  try {
    carry = mailboxTransport(config, () => {});
    types = drive(discover(), carry);
  } catch (error) {
    if (!(error instanceof PeerFault)) throw error;
  }
  if (!carry || !types.includes(DataObject.CMA_SPDM))
    throw new Errno("ENXIO", `${pf0.name}: no CMA mailbox`);
  if (!types.includes(DataObject.SECURED_CMA_SPDM))
    throw new Errno("EFAULT", `${pf0.name}: the mailbox has no secured CMA`);
  return carry;
}

function seen(wire: Wire, carry: Transport): Transport {
  return (object) => {
    wire("request", object);
    const answer = carry(object);
    wire("response", answer);
    return answer;
  };
}
