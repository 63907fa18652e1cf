// A Turin whose firmware is driven command by command, a device at its mailbox, and a board that only notes what the firmware
// did to it.
import type { DeviceOptions } from "../../dist/device/device.js";
import { TdispDevice } from "../../dist/device/index.js";
import { seal, unseal } from "../../dist/guest-message.js";
import { TioBuffer } from "../../dist/hypervisor/tsm/buffers.js";
import { TioDevice } from "../../dist/hypervisor/tsm/device.js";
import { type TioSizes, tioInit, tioStatus } from "../../dist/hypervisor/tsm/status.js";
import type { bufferOf } from "../../dist/layout.js";
import type { GuestContext } from "../../dist/psp/guest.js";
import { seeded } from "../../dist/spdm/chance.js";
import * as Header from "../../ts/abi/message-header.ts";
import * as GuestRequest from "../../ts/abi/psp/tio-guest-request.ts";
import * as TdiBind from "../../ts/abi/psp/tio-tdi-bind.ts";
import * as TdiCreate from "../../ts/abi/psp/tio-tdi-create.ts";
import * as TdiUnbind from "../../ts/abi/psp/tio-tdi-unbind.ts";
import * as Status from "../../ts/abi/status.ts";
import type { PlatformOptions } from "../../ts/platform.ts";
import type { Fence, IdeKey, RootPortIde, SecureEntry, TioPort } from "../../ts/tio-port.ts";
import { TOY } from "../device/toy.ts";
import { assert } from "../kit.ts";
import { Rig, statusName } from "../psp/rig.ts";

export const ROOT_PORT = 3;
/** ASIDs of guests made elsewhere end here. */
const FOREIGN = 8;
/** The device's function that has both the mailbox and an interface. */
export const PF0 = 0xbee8;

/** A root port and an IOMMU that keep what they are told. */
export class Board implements TioPort {
  readonly keys: Map<string, IdeKey> = new Map();
  readonly going: Set<string> = new Set();
  readonly entries: Map<number, SecureEntry> = new Map();
  readonly fences: Map<string, Fence> = new Map();
  /** Where the MMIO window begins and ends. */
  window: [bigint, bigint] = [0x80_0000_0000n, 0x90_0000_0000n];

  rootPort(segment: number, id: number): RootPortIde | undefined {
    if (segment !== 0 || id !== ROOT_PORT) return undefined;
    const name = (k: Pick<IdeKey, "streamId" | "keySet" | "direction">, sub: number) =>
      `${k.streamId} ${k.keySet} ${k.direction} ${sub}`;
    return {
      programKey: (key) => {
        this.keys.set(name(key, key.subStream), { ...key, key: key.key.slice() });
        return true;
      },
      go: (streamId, keySet, direction) => {
        for (const sub of [0, 1, 2])
          if (!this.keys.has(name({ streamId, keySet, direction }, sub))) return false;
        this.going.delete(`${streamId} ${1 - keySet} ${direction}`);
        this.going.add(`${streamId} ${keySet} ${direction}`);
        return true;
      },
      stop: (streamId) => {
        for (const each of [this.keys, this.going])
          for (const one of [...each.keys()]) if (one.startsWith(`${streamId} `)) each.delete(one);
      },
      isSecure: (streamId) =>
        [...this.going].filter((g) => g.startsWith(`${streamId} `)).length > 1,
    };
  }

  sdteWrite(rid: number, entry: SecureEntry): void {
    this.entries.set(rid, entry);
  }

  sdteClear(rid: number): void {
    const entry = this.entries.get(rid);
    if (entry) this.fences.set(`${rid} ${entry.asid}`, { dma: "default", mmio: false });
    this.entries.delete(rid);
  }

  fence(rid: number, asid: number): Fence {
    return this.fences.get(`${rid} ${asid}`) ?? { dma: "none", mmio: false };
  }

  fenceClear(rid: number, asid: number): void {
    this.fences.delete(`${rid} ${asid}`);
  }

  isMmio(spa: bigint): boolean {
    return spa >= this.window[0] && spa < this.window[1];
  }
}

export interface TioRigOptions extends PlatformOptions {
  device?: Partial<DeviceOptions>;
}

const clock = { now: () => Date.UTC(2026, 0, 1) };

export class TioRig extends Rig {
  readonly board: Board;
  readonly device: TdispDevice;
  readonly sizes: TioSizes;
  readonly #free: bigint[] = [];
  /** What the host does with each message on its way; by default it carries it. */
  carry: (object: Uint8Array) => Uint8Array | undefined;

  constructor({ device, ...options }: TioRigOptions = {}) {
    const board = new Board();
    const made = { chip: "turin", generation: "sev-tio", initialise: false, ...TOY } as const;
    super({ ...made, ...options }, board);
    this.board = board;
    this.device = new TdispDevice({ prng: seeded("device"), clock, ...TOY, ...device });
    this.device.configure();
    this.carry = (object) => this.device.exchange(object);
    // INIT_RMP and TIO_EN.
    this.init(0b10001);
    const status = tioStatus(this.parts);
    assert.is(typeof status, "object");
    this.sizes = (status as { sizes: TioSizes }).sizes;
    assert.is(tioInit(this.parts), Status.SUCCESS);
  }

  get parts() {
    const free = this.#free;
    const pages = {
      small: () => free.pop() ?? this.page(),
      give: (spa: bigint) => void free.push(spa),
    };
    return { host: this.host, mailbox: this.driver, pages };
  }

  /** A device that DEV_CREATE knows. */
  created(): TioDevice {
    const made = new TioDevice(this.parts, this.sizes, (object) => this.carry(object));
    assert.is(statusName(made.create(PF0, ROOT_PORT, 0)), "SUCCESS");
    return made;
  }

  connected(): TioDevice {
    const made = this.created();
    assert.is(statusName(made.connect(0)), "SUCCESS");
    return made;
  }

  /** An interface of the device that TDI_CREATE knows, and the guest it is for. */
  tdi(device: TioDevice, functionId = PF0): Tdi {
    const context = new TioBuffer(this.parts, this.sizes.tdiContext, true);
    const INTERFACE_ID = new Uint8Array(12);
    new DataView(INTERFACE_ID.buffer).setUint32(0, functionId, true);
    const values = { TDI_CTX_SLA: context.sla, INTERFACE_ID };
    assert.is(statusName(device.command("TIO_TDI_CREATE", TdiCreate, values)), "SUCCESS");
    this.guests += 1;
    return { device, context, gctx: this.running(this.guests), asid: this.guests };
  }
  guests = 0;

  /** TDI_BIND, which locks or starts. */
  bind(tdi: Tdi, run = false, values: Values = {}): number {
    return tdi.device.command("TIO_TDI_BIND", TdiBind, {
      TDI_CTX_SLA: tdi.context.sla,
      GCTX_PADDR: tdi.gctx,
      GUEST_DEVICE_ID,
      TDISP_LOCK_FLAGS: LOCK_FLAGS,
      RUN: Number(run),
      ...values,
    });
  }

  unbind(tdi: Tdi, FLAGS = 0): number {
    const values = { TDI_CTX_SLA: tdi.context.sla, GCTX_PADDR: tdi.gctx, FLAGS };
    return tdi.device.command("TIO_TDI_UNBIND", TdiUnbind, values);
  }

  /** An interface locked for a running guest made elsewhere. */
  bound(gctx: bigint): Tdi {
    this.guests = FOREIGN;
    const tdi = { ...this.tdi(this.connected()), gctx };
    assert.is(statusName(this.bind(tdi)), "SUCCESS");
    return tdi;
  }

  /** An interface in a state: 0 unbound, 1 locked, 2 running. */
  tdiIn(state: number): Tdi {
    const tdi = this.tdi(this.connected());
    for (const run of [false, true].slice(0, state))
      assert.is(statusName(this.bind(tdi, run)), "SUCCESS");
    return tdi;
  }

  /** Sends a guest's message about an interface by TIO_GUEST_REQUEST; opens the answer, or says the command's status. */
  tell(tdi: Tdi, type: number, payload: Uint8Array, said: Said = {}): Uint8Array | number {
    const { gctx = tdi.gctx, vmpck = 0 } = said;
    const guest = this.psp.contexts.open(gctx) as GuestContext;
    const key = guest.vmpck[vmpck] as Uint8Array;
    const seqno = said.seqno ?? (guest.messageCount[vmpck] as bigint) + 1n;
    const message = seal(key, { seqno, type, version: said.version ?? 1, vmpck }, payload);
    said.alter?.(message);
    const request = new TioBuffer(this.parts, 0x1000, false);
    const response = new TioBuffer(this.parts, 0x1000, true);
    request.write(0, message);
    const status = tdi.device.command("TIO_GUEST_REQUEST", GuestRequest, {
      TDI_CTX_SLA: tdi.context.sla,
      GCTX_PADDR: gctx,
      REQ_PADDR: request.sla,
      RES_PADDR: response.sla,
    });
    const page = response.read(0, 0x1000);
    request.free();
    response.free();
    if (status !== Status.SUCCESS) return status;
    const size = new DataView(page.buffer).getUint16(Header.MSG_SIZE, true);
    const opened = unseal(key, page, { seqno: seqno + 1n, size });
    assert.ok(opened, "the answer opens");
    return opened as Uint8Array;
  }

  /** What the device says of its interface. */
  get tdisp(): string | undefined {
    return this.device.states().find(({ functionId }) => functionId === PF0)?.state;
  }
}

type Values = Parameters<typeof bufferOf>[1];

/** What of a message should differ from the guest's next. */
export interface Said {
  gctx?: bigint;
  vmpck?: 0 | 1 | 2 | 3;
  seqno?: bigint;
  version?: number;
  alter?: (message: Uint8Array) => void;
}

/** An interface as the hypervisor has it. */
export interface Tdi {
  device: TioDevice;
  context: TioBuffer;
  gctx: bigint;
  asid: number;
}

/** What its guest calls it. */
export const GUEST_DEVICE_ID = 0x18;
/** ALL_REQUEST_REDIRECT. */
export const LOCK_FLAGS = 0x10;
