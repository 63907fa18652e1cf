// What the firmware does to bind an interface, by the board's port and the TSM library: for tests of what lies beneath the firmware.
import type { Board, BoardDevice } from "../../dist/board.js";
import type { Vm } from "../../dist/hypervisor/vm.js";
import type { Platform } from "../../dist/platform.js";
import { seeded } from "../../dist/spdm/chance.js";
import { drive, type Exchange } from "../../dist/spdm/exchange.js";
import {
  type Connected,
  connectDevice,
  lockInterface,
  startInterface,
} from "../../dist/tsm/connect.js";
import { SpdmRequester } from "../../dist/tsm/spdm.js";
import { rmpLow } from "../core.ts";
import { TOY } from "../device/toy.ts";
import { FULL } from "../lab.ts";
import { programRoot } from "./wire.ts";

const CLOCK = { now: () => Date.UTC(2026, 0, 1) };
export const STREAM = { streamId: 1, portIndex: 0 };
const PAGE = 0x1000n;

export class Trusted {
  readonly slot: BoardDevice;
  readonly board: Board;
  readonly #platform: Platform;
  readonly connected: Connected;

  /** DEV_CONNECT: session and keys, the stream Secure at both ends. */
  constructor(platform: Platform, number = 1) {
    this.#platform = platform;
    this.board = platform.board!;
    this.slot = this.board.devices[number - 1]!;
    const { rootPort, port } = this.slot;
    rootPort.setupStream(port, STREAM);
    rootPort.setupStream(rootPort.own!, { ...STREAM, isDefault: false, teeLimited: false });
    const requester = new SpdmRequester({ prng: seeded(`tsm ${number}`), clock: CLOCK, ...TOY });
    this.connected = this.run(connectDevice(requester, STREAM));
    programRoot(rootPort.own!, STREAM, this.connected.keys);
    rootPort.enableStream(rootPort.own!);
    rootPort.enableStream(port);
  }

  run<T>(exchange: Exchange<T>): T {
    return drive(exchange, (object) => this.slot.device.exchange(object));
  }

  /** TDI_BIND to RUN, SDTE_WRITE and, for BAR 0 mapped at `gpa`, MMIO_VALIDATE. */
  bind(vm: Vm, rid: number, gpa?: bigint): void {
    const { nonce } = this.run(lockInterface(this.connected, rid));
    this.run(startInterface(this.connected, rid, nonce));
    this.#platform.core.host.attach(rid, vm.root);
    this.board.tio.sdteWrite(rid, {
      read: true,
      write: true,
      asid: vm.asid,
      vmpl: 0,
      vTom: undefined,
      streamIds: Uint8Array.of(STREAM.streamId, 255, 255, 255, 255, 255, 255, 255),
      rootPortId: this.slot.number,
    });
    if (gpa !== undefined) this.validate(vm, rid, gpa);
  }

  validate(vm: Vm, rid: number, gpa: bigint): void {
    const { firmware } = this.#platform.core;
    const bar = this.barOf(rid);
    for (let at = 0n; at < 0x4000n; at += PAGE) {
      const fields = { assigned: true, asid: vm.asid, gpa: gpa + at, validated: true };
      firmware.setRmp(bar + at, rmpLow(fields), FULL);
    }
  }

  barOf(rid: number): bigint {
    const { port } = this.slot;
    const vf = rid - port.functionId - 1;
    return (vf < 0 ? port.barAddress(0) : port.vfBarAddress(vf, 0))!;
  }
}
