// The machine the command line runs on: its time and its randomness, for those who ask for no seed.
import type { Clock, Prng } from "../spdm/crypto.ts";

export const hostClock: Clock = { now: () => Date.now() };

export const hostPrng: Prng = {
  bytes: (count) => globalThis.crypto.getRandomValues(new Uint8Array(count)),
};
