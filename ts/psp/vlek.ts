// A provider's hash sticks as SNP_VLEK_LOAD brings them: AES-256-GCM under a key of the chip. Spec digest psp-mailbox-commands.md 5.
import { gcm } from "@noble/ciphers/aes.js";
import { sha256 } from "@noble/hashes/sha2.js";
import * as Layout from "../abi/vlek-hashstick.ts";
import { concat, isZero } from "../attest/bytes.ts";
import { chipSecretsOf, derive, hashSticksOf } from "../attest/evidence/secret.ts";
import type { Product } from "../attest/product.ts";
import { kdf } from "../kdf.ts";
import type { LoadedVlek } from "./facts.ts";

/** Whose sticks, and for which TCB_VERSION. */
export interface VlekRequest {
  /** The provider's seed: that of ts/attest/evidence, which certifies the key. */
  readonly seed: string;
  readonly cspId: string;
  readonly tcb: bigint;
}

function cipher(chipSeed: string, product: Product, page: Uint8Array) {
  const key = kdf(sha256(chipSecretsOf(chipSeed, product).fuses), "cloister-vlek-wrap", 32);
  const iv = page.subarray(Layout.IV, Layout.RESERVED_00C);
  return gcm(key, iv, page.subarray(Layout.TCB_VERSION, Layout.RESERVED_198));
}

/** The 432 bytes that the key service gives a provider for the chip with this seed. */
export function wrapVlek(chipSeed: string, product: Product, vlek: VlekRequest): Uint8Array {
  const { seed, cspId, tcb } = vlek;
  const page = new Uint8Array(Layout.SIZE);
  page.set(derive(chipSeed, `VLEK IV ${seed} ${cspId} ${tcb}`, 12), Layout.IV);
  new DataView(page.buffer).setBigUint64(Layout.TCB_VERSION, tcb, true);
  const sticks = hashSticksOf(seed, product, cspId, tcb);
  const sealed = cipher(chipSeed, product, page).encrypt(sticks);
  page.set(sealed.subarray(0, sticks.length), Layout.WRAPPED);
  page.set(sealed.subarray(sticks.length), Layout.TAG);
  return page;
}

/** The sticks in a page, or undefined when they were not wrapped for this chip as they stand. */
export function unwrapVlek(
  chipSeed: string,
  product: Product,
  page: Uint8Array,
): LoadedVlek | undefined {
  const part = (from: number, to: number) => page.slice(from, to);
  const reserved = concat(
    part(Layout.RESERVED_00C, Layout.WRAPPED),
    part(Layout.RESERVED_198, Layout.TAG),
  );
  if (page.length < Layout.SIZE || !isZero(reserved)) return undefined;
  const sealed = concat(part(Layout.WRAPPED, Layout.TCB_VERSION), part(Layout.TAG, Layout.SIZE));
  const tcb = new DataView(part(Layout.TCB_VERSION, Layout.RESERVED_198).buffer);
  try {
    const sticks = cipher(chipSeed, product, page).decrypt(sealed);
    return { sticks, tcb: tcb.getBigUint64(0, true) };
  } catch {
    return undefined;
  }
}
