// The board's I/O: root ports, the devices behind them, and the way of every request between cores, devices, IOMMU and memory.

import { emulatedSlots } from "./device/certificates.ts";
import { TdispDevice } from "./device/device.ts";
import { type Dma, Endpoint, type Registers } from "./device/endpoint.ts";
import type { Tdi } from "./device/tdi.ts";
import { Misuse } from "./error.ts";
import type { DoeMailbox } from "./pcie/doe.ts";
import { type Bar, PcieFunction } from "./pcie/function.ts";
import { HostBridge, Iommu } from "./pcie/host-bridge.ts";
import type { IdeCipher } from "./pcie/ide-cipher.ts";
import { RootPort } from "./pcie/root-port.ts";
import { rootPortIde } from "./pcie/root-port-ide.ts";
import type { Core } from "./port.ts";
import { type Curves, nobleCurves, type Prng } from "./spdm/crypto.ts";
import type { Tap } from "./spdm/tap.ts";
import type { RootPortIde, TioPort } from "./tio-port.ts";

/** What an interface is: its registers over its own road to memory. */
export type Behaviour = (dma: Dma, vf: number | undefined) => Registers;

/** A device to plug in. */
export interface BoardDeviceOptions {
  behaviour: Behaviour;
  /** Virtual functions, each an interface of its own; default 0, at most 31. */
  vfs?: number;
  /** Bytes of BAR 0 of each function, a power of two; default 16 KiB. */
  bytes?: number;
  /** What the device signs and agrees with; another implementation may be passed. */
  curves?: Curves;
  /** Sees every message in the clear, as the device has it. */
  tap?: Tap;
}

/** A device in its slot. */
export interface BoardDevice {
  /** The number of the root port it is behind. */
  readonly number: number;
  readonly rootPort: RootPort;
  readonly device: TdispDevice;
  /** Function 0, with the mailbox and IDE. */
  readonly port: PcieFunction;
  readonly endpoint: Endpoint;
  /** By Requester ID. */
  readonly registers: ReadonlyMap<number, Registers>;
}

const MOST_SLOTS = 15;
const MOST_VFS = 31;
const BAR_BYTES = 0x4000;
/** Of the MMIO window, for what is behind each root port. */
const SLOT_BYTES = 0x400_0000n;
/** Certificates are judged at this time: the machine has none of its own. */
const CLOCK = { now: () => Date.UTC(2026, 0, 1) };

export class Board {
  readonly bridge: HostBridge;
  readonly iommu: Iommu;
  readonly devices: BoardDevice[];
  readonly #core: Core;
  readonly #mmio: { base: bigint; bytes: bigint };
  readonly #cipher: IdeCipher;
  readonly #chance: (purpose: string) => Prng;

  constructor(
    core: Core,
    mmio: { base: bigint; bytes: bigint },
    devices: readonly BoardDeviceOptions[],
    chance: (purpose: string) => Prng,
  ) {
    if (devices.length > MOST_SLOTS)
      throw new Misuse(`devices: ${devices.length}, expected at most ${MOST_SLOTS}`);
    this.#core = core;
    this.#mmio = mmio;
    this.#cipher = core.ide;
    this.#chance = chance;
    this.iommu = new Iommu(core.device);
    const ports = devices.map((_, index) => this.#rootPort(index + 1));
    this.bridge = new HostBridge(ports);
    this.devices = devices.map((each, index) => this.plug(index + 1, each, "first"));
    core.onMmio((access, bytes) =>
      this.bridge.access(access, bytes, (rid, asid) => core.firmware.secureVia(rid, asid)),
    );
  }

  #rootPort(number: number): RootPort {
    return new RootPort({
      id: number << 3,
      number,
      secondaryBus: number,
      mmioBase: this.#mmio.base + BigInt(number - 1) * SLOT_BYTES,
      upstream: this.iommu,
      cipher: this.#cipher,
    });
  }

  /** Puts a device in a slot, in place of the one that is there, and gives its BARs addresses as a BIOS does. `name` tells lives
   *  of one slot apart: another device has other keys. */
  plug(number: number, options: BoardDeviceOptions, name: string): BoardDevice {
    const rootPort = this.bridge.ports[number - 1];
    if (!rootPort) throw new Misuse(`slot ${number}: expected 1 to ${this.bridge.ports.length}`);
    rootPort.detach();
    const curves = options.curves ?? nobleCurves;
    const identity = this.#chance(`device ${number} ${name} certificates`);
    const device = new TdispDevice({
      prng: this.#chance(`device ${number} ${name}`),
      clock: CLOCK,
      curves,
      slots: () => emulatedSlots(curves, identity, 1),
      ...(options.tap ? { tap: options.tap } : {}),
      rootPort,
      ports: (mailbox) => [functionOf(number, options, mailbox)],
    });
    const registers = new Map<number, Registers>();
    const endpoint = new Endpoint({
      functions: device.functions,
      tdis: device.tdisp.tdis,
      link: rootPort.link,
      cipher: this.#cipher,
      registers: (rid) => registers.get(rid),
    });
    for (const tdi of device.tdisp.tdis.values()) {
      const made = options.behaviour(endpoint.dma(tdi), tdi.vf);
      registers.set(tdi.functionId, made);
      scrubbed(tdi, made);
    }
    if (rootPort.end) rootPort.link.join(rootPort.end, endpoint.port);
    const port = device.functions[0] as PcieFunction;
    rootPort.enumerate();
    if (options.vfs) rootPort.enableVfs(port, options.vfs);
    const slot = { number, rootPort, device, port, endpoint, registers };
    if (this.devices) this.devices[number - 1] = slot;
    return slot;
  }

  /** What the firmware has of it. */
  get tio(): TioPort {
    const { firmware } = this.#core;
    const { base, bytes } = this.#mmio;
    const halves = new Map<number, RootPortIde>();
    for (const [index, port] of this.bridge.ports.entries())
      halves.set(index + 1, rootPortIde(port.own as PcieFunction));
    return {
      rootPort: (segment, number) => (segment === 0 ? halves.get(number) : undefined),
      sdteWrite: (rid, entry) => firmware.setSecure(rid, entry),
      sdteClear: (rid) => firmware.clearSecure(rid),
      fence: (rid, asid) => firmware.fence(rid, asid),
      fenceClear: (rid, asid) => firmware.clearFence(rid, asid),
      isMmio: (spa) => spa >= base && spa < base + bytes,
    };
  }
}

function functionOf(
  number: number,
  { vfs = 0, bytes = BAR_BYTES }: BoardDeviceOptions,
  mailbox: DoeMailbox,
): PcieFunction {
  if (!Number.isInteger(vfs) || vfs < 0 || vfs > MOST_VFS)
    throw new Misuse(`vfs: ${vfs}, expected 0 to ${MOST_VFS}`);
  const bars: Bar[] = [{ index: 0, bytes }];
  return new PcieFunction({
    functionId: number << 8,
    bars,
    mailbox,
    streams: 4,
    linkStreams: 1,
    aggregation: true,
    ...(vfs > 0 ? { vfs: { total: vfs, offset: 1, stride: 1, bars } } : {}),
  });
}

/** Nothing of the host's is left when an interface is locked, nothing of the guest's when it is opened again. */
function scrubbed(tdi: Tdi, registers: Registers): void {
  tdi.onScrub = () => registers.reset();
}
