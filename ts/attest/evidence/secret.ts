// A chip's secrets and the keys that follow from them, by the published derivation. Firmware and factory share it.
// Spec digest attestation.md, 6 (One Glitch to Rule Them All, CCS'21); labels also in AMD's sev-tool.
import { p384 } from "@noble/curves/nist.js";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256, sha384 } from "@noble/hashes/sha2.js";
import { kdf } from "../../kdf.ts";
import { bigintOf, concat, reversed, unhex } from "../bytes.ts";
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

/** What is fused into a chip: 32 bytes, and the 48 of the chain of VCEKs. */
export interface ChipSecrets {
  readonly fuses: Uint8Array;
  readonly vcekSeed: Uint8Array;
}

export function chipSecretsOf(seed: string, product: Product): ChipSecrets {
  return {
    fuses: secp256k1.utils.randomSecretKey(derive(seed, `CHIP_ID ${product}`, 48)),
    vcekSeed: derive(seed, `VCEK ${product}`, 48),
  };
}

/** The field guide's platform secret, 48 bytes. DESIGN.md, section 5. */
export const platformSecretOf = (seed: string, product: Product): Uint8Array =>
  derive(seed, `PLATFORM_SECRET ${product}`, 48);

/** CHIP_ID, 64 bytes: a point of secp256k1, as on real chips up to Zen 3; Turin has 8 bytes and zeros. */
export function chipIdOf(seed: string, product: Product): Uint8Array {
  if (product !== "Turin") return pointOf(chipSecretsOf(seed, product).fuses);
  return concat(derive(seed, "CHIP_ID Turin", 8), new Uint8Array(56));
}

/** X and Y of a secret's point of secp256k1. */
export const pointOf = (fuses: Uint8Array): Uint8Array =>
  secp256k1.getPublicKey(fuses, false).slice(1);

const ORDER_LESS_ONE = p384.Point.Fn.ORDER - 1n;

/** A private key of P-384 from a KDF's 56 bytes, read as a little-endian number. */
function scalarOf(key: Uint8Array, label: string): Uint8Array {
  const number = (bigintOf(reversed(kdf(key, label, 56))) % ORDER_LESS_ONE) + 1n;
  return unhex(number.toString(16).padStart(96, "0")) as Uint8Array;
}

/** The chip endorsement key of SEV and SEV-ES. */
export const cekOf = (fuses: Uint8Array): Uint8Array =>
  scalarOf(sha256(fuses), "sev-chip-endorsement-key");

const byteOf = (tcb: bigint, i: number) => Number((tcb >> BigInt(8 * i)) & 0xffn);

/** SHA-384 over and over: whoever has a level's seed can make those of lower levels, never of higher ones. */
function lowered(seed: Uint8Array, times: number): Uint8Array {
  let value = seed;
  for (let i = 0; i < times; i++) value = sha384(value);
  return value;
}

/** The seed at the end of the chain over TCB_VERSION's eight bytes, lowest first. */
export function vcekSeedAt(vcekSeed: Uint8Array, tcb: bigint): Uint8Array {
  let seed = lowered(vcekSeed, 255 - byteOf(tcb, 0));
  for (let i = 1; i < 8; i++) {
    seed = lowered(sha384(concat(new Uint8Array(8), seed)), 255 - byteOf(tcb, i));
  }
  return seed;
}

/** The VCEK of a TCB_VERSION: 48 bytes. Turin's own chain is unpublished; it has the same form over its own byte order. */
export const vcekOf = (vcekSeed: Uint8Array, tcb: bigint): Uint8Array =>
  scalarOf(sha384(vcekSeedAt(vcekSeed, tcb)), "sev-versioned-chip-endorsement-key");

const STICK = 48;

/** A provider's hash sticks for one TCB: eight of 48 bytes, one for each byte of it. Their form is ours. AMD 57230. */
export function hashSticksOf(
  seed: string,
  product: Product,
  cspId: string,
  tcb: bigint,
): Uint8Array {
  const whole = derive(seed, `VLEK ${product} ${cspId}`, 8 * STICK);
  return shorten(whole, (1n << 64n) - 1n, tcb);
}

/** Hash sticks cut down from one TCB to another, which must be at most the first in every byte. */
function shorten(sticks: Uint8Array, from: bigint, to: bigint): Uint8Array {
  const cut = (_: unknown, i: number) =>
    lowered(sticks.subarray(STICK * i, STICK * (i + 1)), byteOf(from, i) - byteOf(to, i));
  return concat(...Array.from({ length: 8 }, cut));
}

/** The VLEK of a TCB_VERSION, from hash sticks for `from`, which is at least that in every byte. */
export const vlekOf = (sticks: Uint8Array, from: bigint, tcb: bigint): Uint8Array =>
  scalarOf(sha384(shorten(sticks, from, tcb)), "sev-versioned-loaded-endorsement-key");
