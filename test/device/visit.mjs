// Responder and requester in one program, for runtimes other than Node: prints "RUN" or what went wrong.
import { seeded, TdispDevice } from "../../dist/device/index.js";
import {
  connectDevice,
  drive,
  lockInterface,
  SpdmRequester,
  startInterface,
} from "../../dist/tsm/index.js";

export function visit() {
  const clock = { now: () => Date.UTC(2026, 0, 1) };
  const device = new TdispDevice({ prng: seeded("device"), clock });
  device.configure();
  const requester = new SpdmRequester({ prng: seeded("requester"), clock });
  const send = (object) => device.exchange(object);
  const connected = drive(connectDevice(requester, { streamId: 0, portIndex: 1 }), send);
  const { nonce } = drive(lockInterface(connected, 0xbeef), send);
  drive(startInterface(connected, 0xbeef, nonce), send);
  return device.states()[0].state;
}

if (typeof document === "undefined") console.log(visit());
