// Random octets from a seed: SHA-256 over the seed and a counter. The same seed replays the same session.
import { type Prng, SHA256 } from "./crypto.ts";
import { join, le32 } from "./octets.ts";

export function seeded(seed: string): Prng {
  const start = SHA256.digest(new TextEncoder().encode(seed));
  let counter = 0;
  return {
    bytes(count) {
      const blocks: Uint8Array[] = [];
      for (let have = 0; have < count; have += SHA256.bytes) {
        blocks.push(SHA256.digest(join(start, le32(counter++))));
      }
      return join(...blocks).slice(0, count);
    },
  };
}
