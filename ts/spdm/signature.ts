// What an SPDM signature covers: before 1.2 the hash itself, from 1.2 on a prefix with its purpose. DSP0274 15.
import * as Spdm from "../abi/spdm.ts";
import { join } from "./octets.ts";
import type { Suite } from "./suite.ts";

export type Purpose =
  | "responder-challenge_auth signing"
  | "responder-measurements signing"
  | "responder-key_exchange_rsp signing";

const PREFIX_BYTES = 64;
const CONTEXT_BYTES = 36;

function signed(suite: Suite, purpose: Purpose, transcriptHash: Uint8Array): Uint8Array {
  if (suite.version < Spdm.VERSION_1_2) return transcriptHash;
  const prefix = `dmtf-spdm-v${suite.version >> 4}.${suite.version & 15}.*`;
  const text = prefix.repeat(PREFIX_BYTES / prefix.length);
  const padding = "\0".repeat(CONTEXT_BYTES - purpose.length);
  const combined = Uint8Array.from(text + padding + purpose, (char) => char.charCodeAt(0));
  return suite.hash.digest(join(combined, transcriptHash));
}

export function sign(
  suite: Suite,
  purpose: Purpose,
  transcriptHash: Uint8Array,
  secret: Uint8Array,
): Uint8Array {
  return suite.signer!.sign(signed(suite, purpose, transcriptHash), secret);
}

export function verify(
  suite: Suite,
  purpose: Purpose,
  transcriptHash: Uint8Array,
  signature: Uint8Array,
  publicKey: Uint8Array,
): boolean {
  return suite.signer!.verify(signature, signed(suite, purpose, transcriptHash), publicKey);
}
