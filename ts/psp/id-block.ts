// ID block and ID authentication: what a guest's owner expects of a launch, and who says so. AMD 56860, 8.18 and chapter 10.
import { p384 } from "@noble/curves/nist.js";
import { sha384 } from "@noble/hashes/sha2.js";
import * as PublicKey from "../abi/ecdsa-public-key.ts";
import * as Signature from "../abi/ecdsa-signature.ts";
import * as IdAuth from "../abi/id-auth.ts";
import * as Layout from "../abi/id-block.ts";
import * as Status from "../abi/status.ts";
import { viewOf } from "../layout.ts";
import type { GuestContext, IdBlock } from "./guest.ts";

const DIGEST = 48;
const ID = 16;

/** The ID block, checked, or why it is refused: first its form, then what it expects, then who signed it. */
export function checkIdBlock(
  block: Uint8Array,
  auth: Uint8Array,
  guest: GuestContext,
  authorKeyEn: boolean,
): IdBlock | number {
  const view = viewOf(block);
  const algorithm = (at: number) => viewOf(auth).getUint32(at, true);
  if (view.getUint32(Layout.VERSION, true) !== Layout.VERSION_1) return Status.INVALID_PARAM;
  if (algorithm(IdAuth.ID_KEY_ALGO) !== IdAuth.ECDSA_P384_SHA384) return Status.INVALID_PARAM;
  if (authorKeyEn && algorithm(IdAuth.AUTH_KEY_ALGO) !== IdAuth.ECDSA_P384_SHA384)
    return Status.INVALID_PARAM;
  const expected = block.subarray(Layout.LD, Layout.LD + DIGEST);
  if (expected.some((byte, i) => byte !== guest.measurement[i])) return Status.BAD_MEASUREMENT;
  if (view.getBigUint64(Layout.POLICY, true) !== guest.policy) return Status.POLICY_FAILURE;
  const part = (at: number, bytes: number) => auth.subarray(at, at + bytes);
  const idKey = part(IdAuth.ID_KEY, PublicKey.SIZE);
  const authorKey = part(IdAuth.AUTHOR_KEY, PublicKey.SIZE);
  if (!isSigned(block, part(IdAuth.ID_BLOCK_SIG, Signature.SIZE), idKey))
    return Status.BAD_SIGNATURE;
  if (authorKeyEn && !isSigned(idKey, part(IdAuth.ID_KEY_SIG, Signature.SIZE), authorKey))
    return Status.BAD_SIGNATURE;
  return {
    block: block.slice(),
    familyId: block.slice(Layout.FAMILY_ID, Layout.FAMILY_ID + ID),
    imageId: block.slice(Layout.IMAGE_ID, Layout.IMAGE_ID + ID),
    guestSvn: view.getUint32(Layout.GUEST_SVN, true),
    idKeyDigest: sha384(idKey),
    authorKeyEn,
    authorKeyDigest: authorKeyEn ? sha384(authorKey) : new Uint8Array(DIGEST),
  };
}

/** Numbers are little-endian in fields of 72 bytes; P-384 uses 48 of them. */
const bigEndian = (field: Uint8Array) => field.slice(0, PublicKey.P384_BYTES).reverse();

function isSigned(message: Uint8Array, signature: Uint8Array, key: Uint8Array): boolean {
  if (viewOf(key).getUint32(PublicKey.CURVE, true) !== PublicKey.P384) return false;
  const point = new Uint8Array(1 + 2 * PublicKey.P384_BYTES);
  point[0] = 4;
  point.set(bigEndian(key.subarray(PublicKey.QX)), 1);
  point.set(bigEndian(key.subarray(PublicKey.QY)), 1 + PublicKey.P384_BYTES);
  const compact = new Uint8Array(2 * PublicKey.P384_BYTES);
  compact.set(bigEndian(signature.subarray(Signature.R)));
  compact.set(bigEndian(signature.subarray(Signature.S)), PublicKey.P384_BYTES);
  try {
    // ECDSA over a digest that we make: a signature with a high S is as good (AMD's tools write either).
    return p384.verify(compact, sha384(message), point, { prehash: false, lowS: false });
  } catch {
    return false;
  }
}
