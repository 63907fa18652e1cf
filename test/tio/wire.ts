// A root port, a link and a device with one interface in RUN, over plain memory: what goes over the wires, and nothing else.

import { TdispDevice } from "../../dist/device/device.js";
import { type Dma, Endpoint } from "../../dist/device/endpoint.js";
import { PcieFunction } from "../../dist/pcie/function.js";
import { aeadCipher } from "../../dist/pcie/ide-cipher.js";
import { type DmaRequest, RootPort } from "../../dist/pcie/root-port.js";
import { rootPortIde } from "../../dist/pcie/root-port-ide.js";
import { seeded } from "../../dist/spdm/chance.js";
import { aeads } from "../../dist/spdm/crypto.js";
import { drive, type Exchange } from "../../dist/spdm/exchange.js";
import {
  type Connected,
  connectDevice,
  lockInterface,
  startInterface,
} from "../../dist/tsm/connect.js";
import type { IdeStreamId, StreamKeys } from "../../dist/tsm/ide.js";
import { SpdmRequester } from "../../dist/tsm/spdm.js";
import * as IdeKm from "../../ts/abi/ide-km.ts";
import { TOY } from "../device/toy.ts";

export const RID = 0x0100;
export const BAR = 0x80_0000_0000n;
const CLOCK = { now: () => Date.UTC(2026, 0, 1) };
const cipher = aeadCipher(aeads[0]![1]);
const STREAM = { streamId: 3, portIndex: 0 };

/** The root port's keys: what the device receives with, it transmits with. */
export function programRoot(
  root: PcieFunction,
  { streamId, keySet = 0 }: IdeStreamId,
  keys: StreamKeys,
): boolean {
  const port = rootPortIde(root);
  const programmed = [...keys].map(([lane, key]) =>
    port.programKey({
      streamId,
      keySet,
      direction: (lane >> IdeKm.DIRECTION_TX_BIT) & 1 ? "rx" : "tx",
      subStream: (lane >> IdeKm.SUB_STREAM_LSB) as 0 | 1 | 2,
      key,
      invocation: 1n,
    }),
  );
  return (
    programmed.every(Boolean) && port.go(streamId, keySet, "rx") && port.go(streamId, keySet, "tx")
  );
}

export interface Wire {
  device: TdispDevice;
  root: RootPort;
  connected: Connected;
  dma: Dma;
  registers: Uint8Array;
  memory: Uint8Array;
  /** What came out of the link at the root port. */
  requests: DmaRequest[];
  run<T>(exchange: Exchange<T>): T;
}

/** `aggregation` as the CONTROL field has it; `link`: under Link IDE, with no interface in RUN. */
export function wire(options: { aggregation?: number; run?: boolean } = {}): Wire {
  const memory = new Uint8Array(0x10000);
  const registers = new Uint8Array(0x4000);
  const requests: DmaRequest[] = [];
  const inside = (at: bigint, bytes: number) => at + BigInt(bytes) <= BigInt(memory.length);
  const root = new RootPort({
    id: 8,
    number: 1,
    secondaryBus: 1,
    mmioBase: BAR,
    cipher,
    upstream: {
      read(request, gpa, into) {
        requests.push(request);
        if (!inside(gpa, into.length)) return false;
        into.set(memory.subarray(Number(gpa), Number(gpa) + into.length));
        return true;
      },
      write(request, gpa, from) {
        requests.push(request);
        if (!inside(gpa, from.length)) return false;
        memory.set(from, Number(gpa));
        return true;
      },
    },
  });
  const device = new TdispDevice({
    prng: seeded("wire device"),
    clock: CLOCK,
    ...TOY,
    rootPort: root,
    ports: (mailbox) => [
      new PcieFunction({
        functionId: RID,
        bars: [{ index: 0, bytes: registers.length }],
        mailbox,
        linkStreams: 1,
        aggregation: true,
        vfs: { total: 2, offset: 1, stride: 1, bars: [{ index: 0, bytes: 0x1000 }] },
      }),
    ],
  });
  const endpoint = new Endpoint({
    functions: device.functions,
    tdis: device.tdisp.tdis,
    link: root.link,
    cipher,
    registers: () => ({
      load: (_, offset, into) => into.set(registers.subarray(offset, offset + into.length)),
      store: (_, offset, from) => registers.set(from, offset),
      reset: () => void registers.fill(0),
    }),
  });
  root.link.join(root.end!, endpoint.port);
  root.enumerate();
  const [port] = device.functions as [PcieFunction];
  root.setupStream(port, { streamId: STREAM.streamId });
  root.setupStream(root.own!, { streamId: STREAM.streamId, isDefault: false, teeLimited: false });
  const aggregate = (options.aggregation ?? 0) * 0b010101_00;
  for (const each of [port, root.own!]) {
    const at = each.streamBase(0) + 4;
    each.config.write(at, each.config.read(at, 4) | aggregate, 4);
  }
  const requester = new SpdmRequester({ prng: seeded("wire requester"), clock: CLOCK, ...TOY });
  const run = <T>(exchange: Exchange<T>): T => drive(exchange, (object) => device.exchange(object));
  const connected = run(connectDevice(requester, STREAM));
  programRoot(root.own!, STREAM, connected.keys);
  root.enableStream(root.own!);
  root.enableStream(port);
  if (options.run !== false) {
    const { nonce } = run(lockInterface(connected, RID));
    run(startInterface(connected, RID, nonce));
  }
  const dma = endpoint.dma(device.tdisp.tdis.get(RID)!);
  return { device, root, connected, dma, registers, memory, requests, run };
}
