// The two books by which the firmware makes a guest's keys. DESIGN.md 5.
import type { Prng } from "../prng.ts";
import type { PlatformFacts } from "./facts.ts";

export interface GuestKeys {
  vek: Uint8Array;
  tweakKey: Uint8Array;
  oek: Uint8Array;
  vmpck: Uint8Array[];
}

export interface Dialect {
  /** Keys of a guest that is being launched. `guestId` counts the platform's guests from 1. */
  guestKeys(facts: PlatformFacts, chance: Prng, guestId: number): GuestKeys;
}

/** Everything from the DRBG. */
const abi: Dialect = {
  guestKeys(_facts, chance) {
    const [vek, tweakKey, oek] = [chance.bytes(16), chance.bytes(16), chance.bytes(32)];
    return { vek, tweakKey, oek, vmpck: [0, 1, 2, 3].map(() => chance.bytes(32)) };
  },
};

export const dialects: Record<PlatformFacts["dialect"], Dialect> = { abi, "field-guide": abi };
