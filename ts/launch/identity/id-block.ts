// ID block and ID auth: what a guest's owner expects of a launch, and who says so. AMD 56860, 8.18 and chapter 10.
import { p384 } from "@noble/curves/nist.js";
import { sha384 } from "@noble/hashes/sha2.js";
import * as Key from "../../abi/ecdsa-public-key.ts";
import * as Signature from "../../abi/ecdsa-signature.ts";
import * as Auth from "../../abi/id-auth.ts";
import * as Block from "../../abi/id-block.ts";
import { reversed } from "../../attest/bytes.ts";
import { Misuse } from "../../error.ts";
import type { PrivateKey } from "./private-key.ts";

export interface IdBlockOptions {
  /** 48 bytes: the launch digest that the firmware must reach. */
  readonly digest: Uint8Array;
  /** 16 bytes each; default zero. */
  readonly familyId?: Uint8Array;
  readonly imageId?: Uint8Array;
  /** Default 1, the only version there is. */
  readonly version?: number;
  readonly guestSvn?: number;
  /** The guest policy that the launch must have; default 0x30000. */
  readonly policy?: bigint;
}

const DEFAULT_POLICY = 0x30000n;

function requireBytes(name: string, value: Uint8Array, bytes: number): Uint8Array {
  if (value.length === bytes) return value;
  throw new Misuse(`${name}: ${value.length} bytes, expected ${bytes}`);
}

function requireU32(name: string, value: number): number {
  if (Number.isInteger(value) && value >= 0 && value < 2 ** 32) return value;
  throw new Misuse(`${name}: ${value}, expected a 32-bit number`);
}

/** ID_BLOCK, 96 bytes. */
export function composeIdBlock(options: IdBlockOptions): Uint8Array {
  const none = new Uint8Array(16);
  const block = new Uint8Array(Block.SIZE);
  const view = new DataView(block.buffer);
  block.set(requireBytes("launch digest", options.digest, 48), Block.LD);
  block.set(requireBytes("family id", options.familyId ?? none, 16), Block.FAMILY_ID);
  block.set(requireBytes("image id", options.imageId ?? none, 16), Block.IMAGE_ID);
  const version = requireU32("version", options.version ?? Block.VERSION_1);
  view.setUint32(Block.VERSION, version, true);
  view.setUint32(Block.GUEST_SVN, requireU32("guest SVN", options.guestSvn ?? 0), true);
  view.setBigUint64(Block.POLICY, options.policy ?? DEFAULT_POLICY, true);
  return block;
}

/** The structure of a public key, 1028 bytes; `point` is X and Y, big-endian. */
export function composePublicKey(point: Uint8Array): Uint8Array {
  requireBytes("P-384 point", point, 2 * Key.P384_BYTES);
  const key = new Uint8Array(Key.SIZE);
  new DataView(key.buffer).setUint32(Key.CURVE, Key.P384, true);
  key.set(reversed(point.subarray(0, Key.P384_BYTES)), Key.QX);
  key.set(reversed(point.subarray(Key.P384_BYTES)), Key.QY);
  return key;
}

/** ID_KEY_DIGEST or AUTHOR_KEY_DIGEST of a report: SHA-384 of the key's structure. */
export const publicKeyDigest = (point: Uint8Array): Uint8Array => sha384(composePublicKey(point));

/** The structure of a signature, 512 bytes, over these bytes. RFC 6979: equal input, equal signature. */
export function signed(bytes: Uint8Array, key: PrivateKey): Uint8Array {
  const plain = p384.sign(bytes, key.secret, { lowS: false });
  const signature = new Uint8Array(Signature.SIZE);
  signature.set(reversed(plain.subarray(0, Key.P384_BYTES)), Signature.R);
  signature.set(reversed(plain.subarray(Key.P384_BYTES)), Signature.S);
  return signature;
}

/** What ID_AUTH is made of. Structures as the firmware has them. */
export interface IdAuthParts {
  readonly blockSignature: Uint8Array;
  readonly idKey: Uint8Array;
  /** Both or neither. */
  readonly author?: { readonly keySignature: Uint8Array; readonly authorKey: Uint8Array };
}

/** ID_AUTH, 4096 bytes. Without an author its fields stay zero, but for the algorithm. */
export function composeIdAuth(parts: IdAuthParts): Uint8Array {
  const auth = new Uint8Array(Auth.SIZE);
  const view = new DataView(auth.buffer);
  view.setUint32(Auth.ID_KEY_ALGO, Auth.ECDSA_P384_SHA384, true);
  view.setUint32(Auth.AUTH_KEY_ALGO, Auth.ECDSA_P384_SHA384, true);
  auth.set(requireBytes("ID block signature", parts.blockSignature, 512), Auth.ID_BLOCK_SIG);
  auth.set(requireBytes("ID key", parts.idKey, Key.SIZE), Auth.ID_KEY);
  const { author } = parts;
  if (author) {
    auth.set(requireBytes("ID key signature", author.keySignature, 512), Auth.ID_KEY_SIG);
    auth.set(requireBytes("author key", author.authorKey, Key.SIZE), Auth.AUTHOR_KEY);
  }
  return auth;
}

/** ID_AUTH of a block: signed by the ID key, whose own structure the author key signs. */
export function signIdBlock(block: Uint8Array, idKey: PrivateKey, author?: PrivateKey): Uint8Array {
  requireBytes("ID block", block, Block.SIZE);
  const key = composePublicKey(idKey.point);
  return composeIdAuth({
    blockSignature: signed(block, idKey),
    idKey: key,
    ...(author && {
      author: { keySignature: signed(key, author), authorKey: composePublicKey(author.point) },
    }),
  });
}

const numberOf = (bytes: Uint8Array) => reversed(bytes.subarray(0, Key.P384_BYTES));

/** Whether a signature structure is the public-key structure's over these bytes. */
export function isSigned(bytes: Uint8Array, signature: Uint8Array, key: Uint8Array): boolean {
  const plain = new Uint8Array(2 * Key.P384_BYTES);
  plain.set(numberOf(signature.subarray(Signature.R)));
  plain.set(numberOf(signature.subarray(Signature.S)), Key.P384_BYTES);
  const point = Uint8Array.of(
    4,
    ...numberOf(key.subarray(Key.QX)),
    ...numberOf(key.subarray(Key.QY)),
  );
  return p384.verify(plain, bytes, point, { lowS: false });
}
