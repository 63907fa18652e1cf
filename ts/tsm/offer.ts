// What the requester offers to agree on. DSP0274 10.5.

import * as Spdm from "../abi/spdm.ts";
import * as Negotiate from "../abi/spdm-negotiate.ts";
import { message } from "../spdm/answer.ts";
import { aeads, asyms, dhes, hashes } from "../spdm/crypto.ts";
import { join, putU16, putU32 } from "../spdm/octets.ts";

/** Bits offered; what is absent is everything Cloister has. */
export interface Offer {
  asym?: number;
  hash?: number;
  dhe?: number;
  aead?: number;
}

const all = (rows: [number, ...unknown[]][]): number =>
  rows.reduce((word, [position]) => word + 2 ** position, 0);

export function negotiation(version: number, offer: Offer = {}): Uint8Array {
  const tables = [
    [Spdm.TABLE_DHE, offer.dhe ?? all(dhes)],
    [Spdm.TABLE_AEAD, offer.aead ?? all(aeads)],
    [Spdm.TABLE_KEY_SCHEDULE, 1 << Spdm.KEY_SCHEDULE_SPDM_BIT],
  ].map(([type, word]) => Uint8Array.of(type!, Spdm.TABLE_FIXED_COUNT, word! & 0xff, word! >> 8));
  const head = new Uint8Array(Negotiate.SIZE);
  head.set(message(version, Spdm.NEGOTIATE_ALGORITHMS, tables.length, 0));
  putU16(head, Negotiate.LENGTH, Negotiate.SIZE + tables.length * Spdm.TABLE_BYTES);
  head[Negotiate.MEASUREMENT_SPECIFICATION] = 1 << Spdm.MEASUREMENT_SPEC_DMTF_BIT;
  const opaque = version >= Spdm.VERSION_1_2 ? 1 << Spdm.OPAQUE_FMT1_BIT : 0;
  head[Negotiate.OTHER_PARAMS_SUPPORT] = opaque;
  putU32(head, Negotiate.BASE_ASYM_ALGO, offer.asym ?? all(asyms));
  putU32(head, Negotiate.BASE_HASH_ALGO, offer.hash ?? all(hashes));
  return join(head, ...tables);
}
