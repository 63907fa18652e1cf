// Hash sticks as SNP_VLEK_LOAD brings them: AES-256-GCM under a key of the chip. Spec digest psp-mailbox-commands.md 5.
import { gcm } from "@noble/ciphers/aes.js";
import * as Layout from "../abi/vlek-hashstick.ts";
import { concat, isZero } from "../attest/bytes.ts";
import { chipSecretsOf, wrapKeyOf } from "../attest/evidence/secret.ts";
import type { Product } from "../attest/product.ts";
import type { LoadedVlek } from "./facts.ts";

/** The sticks in a page, or undefined when they were not wrapped for this chip as they stand. */
export function openHashstick(
  seed: string,
  product: Product,
  page: Uint8Array,
): LoadedVlek | undefined {
  const part = (from: number, to: number) => page.slice(from, to);
  const reserved = [
    part(Layout.RESERVED_00C, Layout.WRAPPED),
    part(Layout.RESERVED_198, Layout.TAG),
  ];
  if (page.length < Layout.SIZE || !reserved.every(isZero)) return undefined;
  const tcb = part(Layout.TCB_VERSION, Layout.RESERVED_198);
  const key = wrapKeyOf(chipSecretsOf(seed, product));
  const sealed = concat(part(Layout.WRAPPED, Layout.TCB_VERSION), part(Layout.TAG, Layout.SIZE));
  try {
    const sticks = gcm(key, part(Layout.IV, Layout.RESERVED_00C), tcb).decrypt(sealed);
    return { sticks, tcb: new DataView(tcb.buffer).getBigUint64(0, true) };
  } catch {
    return undefined;
  }
}
