// The keys of every SPDM session of this process, seen where they seal: a scan of memory looks for them.
import { aeads } from "../../dist/spdm/crypto.js";

/** Sees the keys from here on; what it answers is those seen since it was last asked. */
export function sessionKeys(): () => Uint8Array[] {
  const seen = new Map<string, Uint8Array>();
  for (const entry of aeads) {
    const { seal, ...aead } = entry[1];
    entry[1] = {
      ...aead,
      seal(key, ...rest) {
        seen.set(Buffer.from(key).toString("hex"), key.slice());
        return seal(key, ...rest);
      },
    };
  }
  return () => {
    const keys = [...seen.values()];
    seen.clear();
    return keys;
  };
}
