// What follows from a seed alone: a chip's name, its TCB and its keys. Needs no certificate library, so the firmware has it too.
import { p384 } from "@noble/curves/nist.js";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { hkdf } from "@noble/hashes/hkdf.js";
import { sha384 } from "@noble/hashes/sha2.js";
import { concat } from "../bytes.ts";
import type { Product } from "../product.ts";
import type { Tcb } from "../tcb.ts";

export const defaultTcb: Readonly<Record<Product, Tcb>> = {
  Milan: { bootloader: 4, tee: 0, snp: 24, microcode: 219 },
  Genoa: { bootloader: 10, tee: 0, snp: 23, microcode: 88 },
  Turin: { fmc: 1, bootloader: 1, tee: 1, snp: 4, microcode: 75 },
};

const letters = (text: string) => new TextEncoder().encode(text);

/** Bytes that depend on the seed and a label only. RFC 5869. */
export function derive(seed: string, label: string, bytes: number): Uint8Array {
  return hkdf(sha384, letters(seed), letters("cloister evidence"), letters(label), bytes);
}

/** A P-384 key by FIPS 186-5, A.2.1: 72 bytes leave no bias. */
export function keyFrom(seed: string, label: string): { secretKey: Uint8Array; point: Uint8Array } {
  const secretKey = p384.utils.randomSecretKey(derive(seed, label, 72));
  return { secretKey, point: p384.getPublicKey(secretKey, false).slice(1) };
}

/** 64 bytes are a point of secp256k1, as on real chips up to Zen 3; Turin has 8 and zeros. */
export function chipIdOf(seed: string, product: Product): Uint8Array {
  const label = `CHIP_ID ${product}`;
  if (product === "Turin") return concat(derive(seed, label, 8), new Uint8Array(56));
  const fuses = secp256k1.utils.randomSecretKey(derive(seed, label, 48));
  return secp256k1.getPublicKey(fuses, false).slice(1);
}
