// The algorithms one connection agreed on, as ALGORITHMS states them. DSP0274 10.5.

import * as Spdm from "../abi/spdm.ts";
import * as Algorithms from "../abi/spdm-algorithms.ts";
import {
  type Aead,
  aeads,
  asyms,
  type Curve,
  type Curves,
  dhes,
  type Hash,
  hashes,
} from "./crypto.ts";
import { bit, u16, u32 } from "./octets.ts";

export interface Suite {
  /** The negotiated SPDM version, e.g. 0x12. */
  version: number;
  hash: Hash;
  measurementHash: Hash | undefined;
  /** Which of a slot's chains signs. */
  asym: keyof Curves | undefined;
  signer: Curve | undefined;
  dhe: Curve | undefined;
  aead: Aead | undefined;
  /** OpaqueDataFmt1 was selected. */
  opaqueFmt1: boolean;
}

const one = <T>(rows: [number, T][], word: number): T | undefined =>
  rows.find(([position]) => bit(word, position))?.[1];

/** The suite an ALGORITHMS message selects; undefined when it selects a hash Cloister does not have. */
export function suiteOf(response: Uint8Array, curves: Curves): Suite | undefined {
  const version = response[Spdm.VERSION]!;
  const hash = one(
    hashes.map(([position, , made]) => [position, made]),
    u32(response, Algorithms.BASE_HASH_SEL),
  );
  if (!hash) return undefined;
  const measurement = u32(response, Algorithms.MEASUREMENT_HASH_ALGO);
  const asym = one(asyms, u32(response, Algorithms.BASE_ASYM_SEL));
  const table = tables(response);
  const dhe = one(dhes, table.get(Spdm.TABLE_DHE) ?? 0);
  return {
    version,
    hash,
    measurementHash: one(
      hashes.map(([, position, made]) => [position, made]),
      measurement,
    ),
    asym,
    signer: asym && curves[asym],
    dhe: dhe && curves[dhe],
    aead: one(aeads, table.get(Spdm.TABLE_AEAD) ?? 0),
    opaqueFmt1: bit(response[Algorithms.OTHER_PARAMS_SEL]!, Spdm.OPAQUE_FMT1_BIT),
  };
}

/** The algorithm structure tables of an ALGORITHMS message, type to selection. */
export function tables(response: Uint8Array): Map<number, number> {
  const found = new Map<number, number>();
  const lists = response[Algorithms.EXT_ASYM_SEL_COUNT]! + response[Algorithms.EXT_HASH_SEL_COUNT]!;
  let at = Algorithms.SIZE + lists * Spdm.TABLE_BYTES;
  for (let n = response[Spdm.PARAM1]!; n > 0 && at + Spdm.TABLE_BYTES <= response.length; n--) {
    found.set(response[at]!, u16(response, at + 2));
    at += Spdm.TABLE_BYTES;
  }
  return found;
}
