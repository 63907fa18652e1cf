// The third road: connect + lock + start, with and without public-key operations.
import { emulatedSlots } from "../dist/device/certificates.js";
import { TdispDevice } from "../dist/device/device.js";
import { seeded } from "../dist/spdm/chance.js";
import { type Curve, nobleCurves } from "../dist/spdm/crypto.js";
import { drive } from "../dist/spdm/exchange.js";
import { connectDevice, lockInterface, startInterface } from "../dist/tsm/connect.js";
import { SpdmRequester } from "../dist/tsm/spdm.js";
import type { Figure } from "./figure.ts";

const ROUNDS = 15;
const LIMIT_MS = 20;
const TDI = 0xbeef;
let spent = 0;
let operations = 0;

/** The same curve with a stopwatch on every operation. */
function timed(curve: Curve): Curve {
  const watch =
    <A extends unknown[], R>(act: (...args: A) => R) =>
    (...args: A): R => {
      const start = performance.now();
      const result = act(...args);
      spent += performance.now() - start;
      operations++;
      return result;
    };
  return {
    ...curve,
    publicKey: watch(curve.publicKey),
    sign: watch(curve.sign),
    verify: watch(curve.verify),
    agree: watch(curve.agree),
  };
}

const curves = { p256: timed(nobleCurves.p256), p384: timed(nobleCurves.p384) };
const clock = { now: () => Date.UTC(2026, 0, 1) };
const slots = emulatedSlots(curves, seeded("bench slots"), 1);

function round(n: number): { total: number; publicKey: number; operations: number } {
  const device = new TdispDevice({ prng: seeded(`device ${n}`), clock, curves, slots });
  device.configure();
  const requester = new SpdmRequester({ prng: seeded(`requester ${n}`), clock, curves });
  spent = 0;
  operations = 0;
  const start = performance.now();
  const send = (object: Uint8Array) => device.exchange(object);
  const connected = drive(connectDevice(requester, { streamId: 0, portIndex: 1 }), send);
  const { nonce } = drive(lockInterface(connected, TDI), send);
  drive(startInterface(connected, TDI, nonce), send);
  return { total: performance.now() - start, publicKey: spent, operations };
}

/** The fastest of the rounds: what another program on this machine took is no cost of ours. */
export async function deviceFigures(quick: boolean): Promise<Figure[]> {
  const rounds = quick ? 3 : ROUNDS;
  for (let n = 0; n < 5; n++) round(n);
  const measured = Array.from({ length: rounds }, (_, n) => round(100 + n));
  const rest = Math.min(...measured.map((each) => each.total - each.publicKey));
  const best = measured.reduce((a, b) => (b.total < a.total ? b : a));
  return [
    {
      name: "connect-lock-start-without-public-key",
      value: rest,
      unit: "ms",
      peer: "the limit",
      peerValue: LIMIT_MS,
      ratio: rest / LIMIT_MS,
      spread: 0,
    },
    {
      name: "connect-lock-start",
      value: best.total,
      unit: "ms",
      peer: `its ${best.operations} public-key operations, P-384`,
      peerValue: best.publicKey,
      ratio: best.total / best.publicKey,
      spread: 0,
    },
  ];
}
