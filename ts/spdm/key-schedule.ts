// From the DHE secret and two transcript hashes to every key of a session. DSP0274 12.
import { IV_BYTES } from "./crypto.ts";
import { join, le16 } from "./octets.ts";
import type { Suite } from "./suite.ts";

const ascii = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0));

/** HKDF-Expand of `secret` under BinConcat(length, "spdmM.m ", label, context). DSP0274 12.3. */
export function expand(
  suite: Suite,
  secret: Uint8Array,
  label: string,
  context: Uint8Array,
  bytes: number,
): Uint8Array {
  const version = `spdm${suite.version >> 4}.${suite.version & 15} `;
  return suite.hash.expand(secret, join(le16(bytes), ascii(version + label), context), bytes);
}

const NOTHING = new Uint8Array(0);

/** One direction's secret with the key and iv it gives, and the next sequence number. */
export interface Traffic {
  secret: Uint8Array;
  key: Uint8Array;
  iv: Uint8Array;
  sequence: bigint;
}

export interface Secrets {
  request: Traffic;
  response: Traffic;
}

export function traffic(suite: Suite, secret: Uint8Array): Traffic {
  const keyBytes = suite.aead?.keyBytes ?? 0;
  return {
    secret,
    key: expand(suite, secret, "key", NOTHING, keyBytes),
    iv: expand(suite, secret, "iv", NOTHING, IV_BYTES),
    sequence: 0n,
  };
}

export function handshakeSecret(suite: Suite, dheSecret: Uint8Array): Uint8Array {
  return suite.hash.hmac(new Uint8Array(suite.hash.bytes), dheSecret);
}

export function handshakeSecrets(suite: Suite, secret: Uint8Array, th1: Uint8Array): Secrets {
  const bytes = suite.hash.bytes;
  return {
    request: traffic(suite, expand(suite, secret, "req hs data", th1, bytes)),
    response: traffic(suite, expand(suite, secret, "rsp hs data", th1, bytes)),
  };
}

export function finishedKey(suite: Suite, direction: Traffic): Uint8Array {
  return expand(suite, direction.secret, "finished", NOTHING, suite.hash.bytes);
}

export function masterSecret(suite: Suite, handshake: Uint8Array): Uint8Array {
  const salt = expand(suite, handshake, "derived", NOTHING, suite.hash.bytes);
  return suite.hash.hmac(salt, new Uint8Array(suite.hash.bytes));
}

export function dataSecrets(suite: Suite, master: Uint8Array, th2: Uint8Array): Secrets {
  const bytes = suite.hash.bytes;
  return {
    request: traffic(suite, expand(suite, master, "req app data", th2, bytes)),
    response: traffic(suite, expand(suite, master, "rsp app data", th2, bytes)),
  };
}

export function exportMasterSecret(suite: Suite, master: Uint8Array, th2: Uint8Array): Uint8Array {
  return expand(suite, master, "exp master", th2, suite.hash.bytes);
}

/** The direction after a KEY_UPDATE; its sequence number starts again. */
export function updated(suite: Suite, direction: Traffic): Traffic {
  const next = expand(suite, direction.secret, "traffic upd", NOTHING, suite.hash.bytes);
  return traffic(suite, next);
}

/** Overwrites a direction's secrets, for a session that ended. */
export function wipe(direction: Traffic): void {
  direction.secret.fill(0);
  direction.key.fill(0);
  direction.iv.fill(0);
}
