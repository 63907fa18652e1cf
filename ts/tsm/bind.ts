// A TSM over a board without the firmware's buffers: connects a device, binds its interfaces to guests, takes them away again. The
// firmware's commands do the same, message for message; here a program does it that holds the board's port itself.
import * as IdeKm from "../abi/ide-km.ts";
import * as Rmp from "../abi/rmp.ts";
import type { Board, BoardDevice } from "../board.ts";
import type { Vm } from "../hypervisor/vm.ts";
import type { FirmwarePort } from "../port.ts";
import { type RawRmp, rmpEntry } from "../rmp.ts";
import type { Curves, Prng } from "../spdm/crypto.ts";
import { drive, type Exchange, type Transport } from "../spdm/exchange.ts";
import type { RootPortIde } from "../tio-port.ts";
import { type Connected, connectDevice, lockInterface, startInterface } from "./connect.ts";
import type { StreamKeys } from "./ide.ts";
import { SpdmRequester } from "./spdm.ts";

const VALIDATED = 1n << BigInt(Rmp.VALIDATED_BIT);
const PAGE = 0x1000n;
const NO_STREAM = 0xff;
/** The host's choice: one stream, index 1, IDE_KM port 0. */
const STREAM = { streamId: 1, portIndex: 0 };
const CLOCK = { now: () => Date.UTC(2026, 0, 1) };

export interface TsmOptions {
  board: Board;
  slot: BoardDevice;
  firmware: FirmwarePort;
  prng: Prng;
  curves?: Curves;
  /** How the host carries a message; default as it should. */
  carry?: (object: Uint8Array, deliver: Transport) => Uint8Array | undefined;
}

export class Tsm {
  readonly #options: TsmOptions;
  readonly #connected: Connected;
  readonly #bound = new Map<number, Vm>();

  /** Everything up to a stream that is Secure at both ends, after which the device is who it said. */
  constructor(options: TsmOptions) {
    this.#options = options;
    const { rootPort, port } = options.slot;
    const own = rootPort.own as NonNullable<typeof rootPort.own>;
    rootPort.setupStream(port, STREAM);
    rootPort.setupStream(own, { ...STREAM, isDefault: false, teeLimited: false });
    const { prng, curves } = options;
    const requester = new SpdmRequester({ prng, clock: CLOCK, ...(curves ? { curves } : {}) });
    this.#connected = this.#run(connectDevice(requester, STREAM));
    this.#programRoot(this.#connected.keys);
    rootPort.enableStream(own);
    rootPort.enableStream(port);
  }

  /** LOCK, START, and the secure entry: requests of the interface are the guest's own from now on. */
  bind(vm: Vm, rid: number): void {
    const { nonce } = this.#run(lockInterface(this.#connected, rid));
    this.#run(startInterface(this.#connected, rid, nonce));
    this.#bound.set(rid, vm);
    const { tio } = this.#options.board;
    tio.fenceClear(rid, vm.asid);
    const streamIds = new Uint8Array(8).fill(NO_STREAM);
    streamIds[0] = STREAM.streamId;
    const entry = { read: true, write: true, asid: vm.asid, vmpl: 0, vTom: undefined, streamIds };
    tio.sdteWrite(rid, { ...entry, rootPortId: this.#options.slot.number });
  }

  /** MMIO_VALIDATE: pages of a BAR that the host assigned to the guest at a gpa. False: they are not what they must be. */
  validate(vm: Vm, bar: bigint, gpa: bigint, pages: number, validated = true): boolean {
    const { firmware } = this.#options;
    const entries = Array.from({ length: pages }, (_, n) => {
      const spa = bar + BigInt(n) * PAGE;
      return { spa, gpa: gpa + BigInt(n) * PAGE, ...firmware.rmp(spa) };
    });
    const isRight = (each: RawRmp & { gpa: bigint }) => {
      const { assigned, large, immutable, asid, gpa: at } = rmpEntry(each);
      return assigned && !large && !immutable && asid === vm.asid && at === each.gpa;
    };
    if (!entries.every(isRight)) return false;
    for (const { spa, low, high } of entries)
      firmware.setRmp(spa, validated ? low | VALIDATED : low & ~VALIDATED, high);
    return true;
  }

  /** STOP; the secure entry is invalid, the device fenced from the guest. */
  unbind(rid: number): void {
    this.#options.board.tio.sdteClear(rid);
    this.#bound.delete(rid);
    this.#run(this.#connected.tdisp.stop(rid));
  }

  /** DEVICE_INTERFACE_STATE, as the device tells it. */
  state(rid: number): number {
    return this.#run(this.#connected.tdisp.state(rid));
  }

  #run<T>(exchange: Exchange<T>): T {
    const deliver: Transport = (object) => this.#options.slot.device.exchange(object);
    const { carry } = this.#options;
    return drive(exchange, (object) => (carry ? carry(object, deliver) : deliver(object)));
  }

  /** What the device receives with, the root port transmits with. */
  #programRoot(keys: StreamKeys): void {
    const { board, slot } = this.#options;
    const half = board.tio.rootPort(0, slot.number) as RootPortIde;
    const { streamId } = STREAM;
    for (const [lane, key] of keys) {
      half.programKey({
        streamId,
        keySet: 0,
        direction: (lane >> IdeKm.DIRECTION_TX_BIT) & 1 ? "rx" : "tx",
        subStream: ((lane >> IdeKm.SUB_STREAM_LSB) & 3) as 0 | 1 | 2,
        key,
        invocation: 1n,
      });
    }
    half.go(streamId, 0, "rx");
    half.go(streamId, 0, "tx");
  }
}
