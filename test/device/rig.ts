// A device and a requester in one process, with time that only a test moves.
import { type DeviceOptions, TdispDevice } from "../../dist/device/device.js";
import { seeded } from "../../dist/spdm/chance.js";
import { drive, type Exchange, type Transport } from "../../dist/spdm/exchange.js";
import { type Connected, connectDevice } from "../../dist/tsm/connect.js";
import { type RequesterOptions, SpdmRequester } from "../../dist/tsm/spdm.js";

export const TDI = 0xbeef;
export const STREAM = { streamId: 0, portIndex: 1 };
/** Inside every certificate's validity. */
const START = Date.UTC(2026, 0, 1);

export interface Rig {
  device: TdispDevice;
  requester: SpdmRequester;
  clock: { time: number; now(): number };
  transport: Transport;
  run<T>(exchange: Exchange<T>): T;
  connect(): Connected;
}

export function rig(
  device: Partial<DeviceOptions> = {},
  requester: Partial<RequesterOptions> = {},
  seed = "rig",
): Rig {
  const clock = { time: START, now: () => clock.time };
  const made = new TdispDevice({ prng: seeded(`${seed} device`), clock, ...device });
  made.configure();
  const asks = new SpdmRequester({ prng: seeded(`${seed} requester`), clock, ...requester });
  const transport: Transport = (object) => made.exchange(object);
  const run = <T>(exchange: Exchange<T>): T => drive(exchange, transport);
  return {
    device: made,
    requester: asks,
    clock,
    transport,
    run,
    connect: () => run(connectDevice(asks, STREAM)),
  };
}
