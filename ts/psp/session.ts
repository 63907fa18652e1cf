// Sessions of SEV guests: what a guest's owner, or another platform, and this one agree on by ECDH, and the transport keys
// wrapped under it. SEV API (AMD 55766), 2.2; labels and KDF: AMD sev-tool crypto.cpp.
import { ctr } from "@noble/ciphers/aes.js";
import { p384 } from "@noble/curves/nist.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import * as Session from "../abi/psp/session.ts";
import * as CertificateLayout from "../abi/psp/sev-certificate.ts";
import * as Status from "../abi/status.ts";
import { kdf } from "../kdf.ts";
import { viewOf } from "../layout.ts";
import type { Psp } from "./firmware.ts";
import { readHost } from "./memory.ts";
import { isCertificate, pointOf } from "./sev-certificate.ts";
import type { TransportKeys } from "./sev-guest.ts";

const KEY = 16;
const NONCE = 16;

interface WrappingKeys {
  kek: Uint8Array;
  kik: Uint8Array;
}

/** Both ends derive the same: `secretKey` is one's own, `certificate` the other's. */
function wrappingKeys(secretKey: Uint8Array, point: Uint8Array, nonce: Uint8Array): WrappingKeys {
  // The X coordinate, big-endian.
  const shared = p384.getSharedSecret(secretKey, point, false).subarray(1, 1 + 48);
  const master = kdf(shared, "sev-master-secret", KEY, nonce);
  return { kek: kdf(master, "sev-kek", KEY), kik: kdf(master, "sev-kik", KEY) };
}

const policyBytes = (policy: number) => {
  const bytes = new Uint8Array(4);
  viewOf(bytes).setUint32(0, policy, true);
  return bytes;
};

const equal = (a: Uint8Array, b: Uint8Array) =>
  a.length === b.length && a.every((byte, i) => byte === b[i]);

/** Session data for the holder of `point`: transport keys wrapped, 128 bytes. `chance` gives nonce and IV. */
export function makeSession(
  own: Uint8Array,
  point: Uint8Array,
  keys: TransportKeys,
  policy: number,
  chance: { bytes(length: number): Uint8Array },
): Uint8Array {
  const bytes = new Uint8Array(Session.SIZE);
  const [nonce, iv] = [chance.bytes(NONCE), chance.bytes(16)];
  const { kek, kik } = wrappingKeys(own, point, nonce);
  const plain = new Uint8Array(2 * KEY);
  plain.set(keys.tek);
  plain.set(keys.tik, KEY);
  const wrapped = ctr(kek, iv).encrypt(plain);
  bytes.set(nonce, Session.NONCE);
  bytes.set(wrapped, Session.WRAP_TK);
  bytes.set(iv, Session.WRAP_IV);
  bytes.set(hmac(sha256, kik, wrapped), Session.WRAP_MAC);
  bytes.set(hmac(sha256, keys.tik, policyBytes(policy)), Session.POLICY_MAC);
  return bytes;
}

/** The transport keys in session data, or why they are refused. */
export function readSession(
  own: Uint8Array,
  point: Uint8Array,
  session: Uint8Array,
  policy: number,
): TransportKeys | number {
  const part = (at: number, length: number) => session.slice(at, at + length);
  const { kek, kik } = wrappingKeys(own, point, part(Session.NONCE, NONCE));
  const wrapped = part(Session.WRAP_TK, 2 * KEY);
  if (!equal(hmac(sha256, kik, wrapped), part(Session.WRAP_MAC, 32))) return Status.BAD_MEASUREMENT;
  const plain = ctr(kek, part(Session.WRAP_IV, 16)).decrypt(wrapped);
  const keys = { tek: plain.slice(0, KEY), tik: plain.slice(KEY) };
  const mac = hmac(sha256, keys.tik, policyBytes(policy));
  return equal(mac, part(Session.POLICY_MAC, 32)) ? keys : Status.POLICY_FAILURE;
}

/** Where LAUNCH_START and RECEIVE_START have their certificate and session data. */
interface SessionFields {
  certificate: bigint;
  certificateLength: number;
  session: bigint;
  sessionLength: number;
}

/** Opens the session that a command buffer points to, with this platform's PDH. */
export function openSession(
  psp: Psp,
  fields: SessionFields,
  policy: number,
): TransportKeys | number {
  const { certificateLength, sessionLength } = fields;
  if (certificateLength !== CertificateLayout.SIZE) return Status.INVALID_LENGTH;
  if (sessionLength !== Session.SIZE) return Status.INVALID_LENGTH;
  const certificate = readHost(psp, fields.certificate, certificateLength);
  const session = readHost(psp, fields.session, sessionLength);
  if (!certificate || !session) return Status.INVALID_ADDRESS;
  const point = isCertificate(certificate, CertificateLayout.PDH) && pointOf(certificate);
  if (!point) return Status.INVALID_CERTIFICATE;
  const { known } = psp.sev;
  // Without a PDH nobody can have made a session with it.
  return known ? readSession(known.pdh, point, session, policy) : Status.BAD_MEASUREMENT;
}
