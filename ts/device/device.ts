// The TDISP device: two functions, a mailbox, and behind it SPDM, IDE_KM and TDISP wired together. PCIe 6.30, 6.33, 11.
import * as Selective from "../abi/ide-selective.ts";
import * as Vendor from "../abi/spdm-vendor-defined.ts";
import * as Tdisp from "../abi/tdisp.ts";
import { Misuse } from "../error.ts";
import { DoeMailbox } from "../pcie/doe.ts";
import { type Bar, PcieFunction } from "../pcie/function.ts";
import type { IdeStream } from "../pcie/ide.ts";
import { RootPort } from "../pcie/root-port.ts";
import { nobleCurves } from "../spdm/crypto.ts";
import { bit, join } from "../spdm/octets.ts";
import { emulatedSlots } from "./certificates.ts";
import { CxlResponder } from "./cxl.ts";
import { DoeResponder } from "./doe.ts";
import { Faults } from "./fault.ts";
import { IdeKmResponder } from "./ide.ts";
import { type Protocol, protocolKey, type SpdmOptions, SpdmResponder } from "./spdm.ts";
import { stateNames, Tdi, type TdiEvent } from "./tdi.ts";
import { TdispResponder } from "./tdisp.ts";

export interface DeviceOptions extends Omit<SpdmOptions, "slots" | "faults" | "protocols"> {
  slots?: SpdmOptions["slots"];
  /** How many slots to fill with emulated chains when none are given; 1 to 8. */
  slotCount?: number;
  faults?: string[];
  /** The Requester ID of the function that is the first TDI; DMTF's requester asks for 0xBEEF. */
  functionId?: number;
  vfs?: number;
  /** The functions, by IDE_KM port index, instead of the usual two; one of them has the mailbox. Each is an interface. */
  ports?: (mailbox: DoeMailbox) => PcieFunction[];
  /** The port that the device is behind; default one of its own, which routes and no more. */
  rootPort?: RootPort;
  p2p?: boolean;
  /** A device interface report to tell instead of the one made from the BARs. */
  tdiReport?: Uint8Array;
  /** Milliseconds from GO to the answer in the mailbox. */
  latency?: number;
}

export interface TdiStatus {
  functionId: number;
  state: string;
  /** True while requests with the T bit are admitted. */
  tee: boolean;
}

const BARS: Bar[] = [
  { index: 0, bytes: 0x10000 },
  { index: 2, bytes: 0x100000 },
  { index: 4, bytes: 0x1000, nonTee: true },
];
const VF_BARS: Bar[] = [{ index: 0, bytes: 0x4000 }];
const MSI_X = { vectors: 64, bir: 0, table: 0x8000, pba: 0x9000 };
const FUNCTION_BITS = 7;

export class TdispDevice {
  /** By IDE_KM port index; port 0 has the mailbox, port 1 is the first TDI. */
  readonly functions: PcieFunction[];
  readonly spdm: SpdmResponder;
  readonly ide: IdeKmResponder;
  readonly tdisp: TdispResponder;
  readonly cxl: CxlResponder = new CxlResponder();
  readonly mailbox: DoeMailbox;
  readonly rootPort: RootPort;
  readonly #doe: DoeResponder;

  constructor(options: DeviceOptions) {
    const faults = new Faults(options.faults);
    const curves = options.curves ?? nobleCurves;
    const count = options.slotCount ?? 1;
    if (count < 1 || count > 8) throw new Misuse(`slots: ${count}, expected 1 to 8`);
    const slots = options.slots ?? emulatedSlots(curves, options.prng, count);
    const { latency = 0, clock, prng } = options;
    this.mailbox = new DoeMailbox({ exchange: (object) => this.exchange(object), clock, latency });
    this.rootPort = options.rootPort ?? new RootPort();
    this.functions = options.ports?.(this.mailbox) ?? usualPorts(options, this.mailbox);
    for (const port of this.functions) this.rootPort.attach(port);
    const tdis = this.#tdis(options);
    this.ide = new IdeKmResponder(this.functions);
    this.tdisp = new TdispResponder({ tdis, prng, faults, p2p: options.p2p ?? true });
    this.spdm = new SpdmResponder({
      ...options,
      slots,
      faults,
      protocols: this.#protocols(),
      onSessionEnd: (id) => this.#sessionEnded(id),
    });
    this.#doe = new DoeResponder(this.spdm, faults);
    for (const port of this.functions) this.#watch(port);
  }

  /** One whole data object, as the mailbox or a socket brings it; undefined gets no answer. */
  exchange(object: Uint8Array): Uint8Array | undefined {
    return this.#doe.exchange(object);
  }

  /** What a host does before it speaks: BARs mapped, and on each port stream `streamId` as the default. */
  configure(streamId = 0, enable = true): void {
    this.rootPort.enumerate();
    for (const port of this.functions) this.rootPort.setupStream(port, { streamId, enable });
  }

  /** Cold, warm or hot reset: all is as at power-on. */
  reset(): void {
    for (const tdi of this.tdisp.tdis.values()) tdi.event("CONVENTIONAL_RESET");
    this.spdm.reset();
    this.cxl.reset();
    for (const port of this.functions) port.reset();
  }

  /** Something happened to the device itself. */
  event(event: TdiEvent): void {
    for (const tdi of this.tdisp.tdis.values()) {
      const allowed = event === "FIRMWARE_UPDATED" && !noUpdate(tdi);
      if (!allowed) tdi.event(event);
    }
  }

  states(): TdiStatus[] {
    return [...this.tdisp.tdis.values()].map(({ functionId, state, admitsTee }) => ({
      functionId,
      state: stateNames[state]!,
      tee: admitsTee,
    }));
  }

  #tdis(options: DeviceOptions): Tdi[] {
    const virtualOf = (port: PcieFunction) =>
      Array.from({ length: port.vfs?.total ?? 0 }, (_, vf) => new Tdi(port, vf));
    if (options.ports) return this.functions.flatMap((port) => [new Tdi(port), ...virtualOf(port)]);
    const [first, second] = this.functions as [PcieFunction, PcieFunction];
    return [new Tdi(second, undefined, options.tdiReport), new Tdi(first), ...virtualOf(second)];
  }

  #protocols(): Map<string, Protocol> {
    const pci: Protocol = (payload, sessionId) => {
      const protocol = payload[0];
      const request = payload.subarray(1);
      const answer =
        protocol === Vendor.PROTOCOL_IDE_KM
          ? this.ide.receive(request, sessionId)
          : protocol === Vendor.PROTOCOL_TDISP
            ? this.tdisp.receive(request, sessionId)
            : undefined;
      return answer && join(Uint8Array.of(protocol!), answer);
    };
    return new Map([
      [protocolKey(Vendor.STANDARD_PCI_SIG, Vendor.VENDOR_PCI_SIG), pci],
      [
        protocolKey(Vendor.STANDARD_PCI_SIG, Vendor.VENDOR_CXL),
        (payload) => this.cxl.receive(payload),
      ],
    ]);
  }

  #sessionEnded(sessionId: number): void {
    this.ide.sessionEnded(sessionId);
    this.cxl.reset();
    for (const tdi of this.tdisp.tdis.values()) {
      if (tdi.lock?.sessionId === sessionId) tdi.event("SESSION_ENDED");
    }
  }

  /** What happens on a port reaches the interfaces that rely on it. */
  #watch(port: PcieFunction): void {
    const mine = () => [...this.tdisp.tdis.values()].filter((tdi) => tdi.port === port);
    const insecure = (stream: IdeStream) => {
      for (const tdi of mine()) if (tdi.lock?.stream === stream) tdi.event("STREAM_INSECURE");
    };
    port.onFlr = () => {
      for (const tdi of mine()) tdi.event("FUNCTION_LEVEL_RESET");
      port.reset();
    };
    for (const stream of port.streams) stream.onInsecure = () => insecure(stream);
    port.config.watch((offset, before) => {
      for (const tdi of mine().filter((each) => each.isLocked)) {
        const msiX = bit(tdi.lock!.flags, Tdisp.LOCK_MSIX_BIT);
        const inside = ([start, end]: [number, number]) =>
          offset + before.length > start && offset < end;
        if (port.lockedRanges(msiX).some(inside)) tdi.event("CONFIGURATION_CHANGED");
        if (isStreamOf(tdi, port, offset)) tdi.event("STREAM_INSECURE");
      }
    });
  }
}

/** The mailbox's function, and the one that is the first interface. */
function usualPorts(options: DeviceOptions, mailbox: DoeMailbox): PcieFunction[] {
  const tdi = options.functionId ?? 0xbeef;
  if (!Number.isInteger(tdi) || tdi < 1 || tdi > 0xffff || (tdi & FUNCTION_BITS) === 0) {
    throw new Misuse(`function ${tdi}: expected a Requester ID whose function is not 0`);
  }
  const total = options.vfs ?? 2;
  const vfs = { total, offset: 1, stride: 1, bars: VF_BARS };
  const first = new PcieFunction({
    functionId: tdi & ~FUNCTION_BITS,
    bars: [{ index: 0, bytes: 0x4000 }],
    mailbox,
  });
  const second = new PcieFunction({
    functionId: tdi,
    bars: BARS,
    msiX: MSI_X,
    ...(total > 0 ? { vfs } : {}),
  });
  return [first, second];
}

const noUpdate = (tdi: Tdi): boolean =>
  tdi.lock !== undefined && bit(tdi.lock.flags, Tdisp.NO_FW_UPDATE_BIT);

/** True of a write to the register block of the stream the interface was locked with. */
function isStreamOf(tdi: Tdi, port: PcieFunction, offset: number): boolean {
  const n = port.streams.findIndex((_, i) => {
    const base = port.streamBase(i);
    return offset >= base && offset < base + Selective.SIZE && offset !== base + Selective.STATUS;
  });
  return n >= 0 && port.streams[n] === tdi.lock!.stream;
}
