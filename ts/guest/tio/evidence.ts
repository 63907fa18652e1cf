// What a guest makes of the evidence its host gave it: the firmware's digests say that it is the device's, the device's
// signature that it is fresh, and the chain whose device it is. Digests alone are the firmware's word; DSP0274 10.11.
import { sha384 } from "@noble/hashes/sha2.js";
import * as Table from "../../abi/certificate-table.ts";
import * as Spdm from "../../abi/spdm.ts";
import * as Algorithms from "../../abi/spdm-algorithms.ts";
import * as Capabilities from "../../abi/spdm-capabilities.ts";
import * as Layout from "../../abi/spdm-measurements.ts";
import * as Negotiate from "../../abi/spdm-negotiate.ts";
import * as Version from "../../abi/spdm-version.ts";
import { BadInput } from "../../error.ts";
import { guidOf } from "../../launch/image/guid.ts";
import * as Guids from "../../linux/tio-evidence.ts";
import { type Certificate, chainFault, chainOf } from "../../spdm/certificate.ts";
import { type Curves, nobleCurves } from "../../spdm/crypto.ts";
import { equal, u16, u32 } from "../../spdm/octets.ts";
import { verify } from "../../spdm/signature.ts";
import { type Suite, suiteOf } from "../../spdm/suite.ts";
import { Transcript } from "../../spdm/transcript.ts";
import { blocksOf, type MeasurementBlock } from "../../tsm/measure.ts";
import type { TdiInfo } from "./messages.ts";

/** What the host gave. */
export interface Evidence {
  certificates?: Uint8Array;
  measurements?: Uint8Array;
  report?: Uint8Array;
}

const names: Record<string, keyof Evidence> = {
  [Guids.CERTIFICATES]: "certificates",
  [Guids.MEASUREMENTS]: "measurements",
  [Guids.REPORT]: "report",
};

/** Takes the host's table apart. Throws BadInput for an entry that leads out of it. */
export function evidenceOf(table: Uint8Array): Evidence {
  const found: Evidence = {};
  for (let at = 0; at + Table.SIZE <= table.length; at += Table.SIZE) {
    const guid = table.subarray(at, at + Table.OFFSET);
    if (guid.every((byte) => byte === 0)) break;
    const from = u32(table, at + Table.OFFSET);
    const end = from + u32(table, at + Table.LENGTH);
    if (end > table.length) throw new BadInput(`evidence: an object to ${end} of ${table.length}`);
    const name = names[guidOf(guid)];
    if (name) found[name] = table.slice(from, end);
  }
  return found;
}

/** A device that has proved itself. */
export interface Attested {
  /** Root first. */
  certificates: Certificate[];
  /** Whether its root is one of those given. */
  believed: boolean;
  measurements: MeasurementBlock[];
}

/** Throws BadInput unless the objects are those that the firmware has digests of. */
export function matchDigests(evidence: Evidence, info: TdiInfo): void {
  const pairs = [
    ["certificates", info.certsDigest],
    ["measurements", info.measDigest],
    ["report", info.reportDigest],
  ] as const;
  for (const [name, digest] of pairs) {
    const object = evidence[name];
    if (object && !equal(sha384(object), digest))
      throw new BadInput(`${name}: not those that the firmware has the digest of`);
  }
}

/** Whom to believe, and when it is. */
export interface Belief {
  /** DER. None: the chain is checked, its root is not. */
  roots?: Uint8Array[] | undefined;
  /** Milliseconds since 1970. None: whether certificates are valid now is not checked. */
  now?: number | undefined;
  /** What signatures are verified with; default noble's. */
  curves?: Curves | undefined;
}

/** The device's own word: chain, signature and nonce. */
export function verifyEvidence(
  { certificates, measurements }: Evidence,
  nonce: Uint8Array,
  { roots = [], now, curves = nobleCurves }: Belief = {},
): Attested {
  if (!certificates || !measurements)
    throw new BadInput("evidence: no certificates or no measurements, expected both");
  const { suite, a, request, response } = messagesOf(measurements, curves);
  const { hash, signer } = suite;
  const chain = chainOf(certificates, hash);
  const fault = chainFault(chain, { curves, hash, now, roots });
  if (fault) throw new BadInput(`certificates: ${fault}`);
  if (!equal(request.subarray(Spdm.SIZE, Spdm.SIZE + Spdm.NONCE_BYTES), nonce))
    throw new BadInput("measurements: signed over another nonce than ours");
  const unsigned = response.subarray(0, response.length - 2 * (signer?.bytes ?? 0));
  const signature = response.subarray(unsigned.length);
  const l1 = new Transcript(suite, a).signedMeasurements(request, unsigned);
  if (!verify(suite, "responder-measurements signing", l1, signature, chain.leafKey))
    throw new BadInput("measurements: the device's signature is wrong");
  const bytes =
    u16(response, Layout.MEASUREMENT_RECORD_LENGTH) +
    (response[Layout.MEASUREMENT_RECORD_LENGTH + 2] as number) * 0x10000;
  const record = response.slice(Layout.SIZE, Layout.SIZE + bytes);
  return {
    certificates: chain.certificates,
    believed: roots.length > 0,
    measurements: blocksOf(record, response),
  };
}

interface Messages {
  suite: Suite;
  a: Uint8Array;
  request: Uint8Array;
  response: Uint8Array;
}

/** VCA, GET_MEASUREMENTS and MEASUREMENTS, one after another. */
function messagesOf(octets: Uint8Array, curves: Curves): Messages {
  const short = () => new BadInput(`measurements: ${octets.length} bytes, no whole transcript`);
  let at = 0;
  const take = (bytes: (rest: Uint8Array) => number, least: number): Uint8Array => {
    const rest = octets.subarray(at);
    if (rest.length < least) throw short();
    const length = bytes(rest);
    if (rest.length < length || length < Spdm.SIZE) throw short();
    at += length;
    return rest.subarray(0, length);
  };
  const sized = (rest: Uint8Array) =>
    (rest[Spdm.VERSION] as number) >= Spdm.VERSION_1_2 ? Capabilities.SIZE : Capabilities.SIZE_1_1;
  take(() => Spdm.SIZE, Spdm.SIZE);
  const entries = (rest: Uint8Array) =>
    Version.SIZE + (rest[Version.ENTRY_COUNT] as number) * Version.ENTRY_BYTES;
  take(entries, Version.SIZE);
  take(sized, Spdm.SIZE);
  take(sized, Spdm.SIZE);
  take((rest) => u16(rest, Negotiate.LENGTH), Negotiate.SIZE);
  const algorithms = take((rest) => u16(rest, Algorithms.LENGTH), Algorithms.SIZE);
  const suite = algorithms.length < Algorithms.SIZE ? undefined : suiteOf(algorithms, curves);
  if (!suite?.signer) throw new BadInput("measurements: ALGORITHMS selects no signature of ours");
  const a = octets.slice(0, at);
  const context = suite.version >= Spdm.VERSION_1_3 ? Spdm.CONTEXT_BYTES : 0;
  const asked = Spdm.SIZE + Spdm.NONCE_BYTES + 1 + context;
  const request = take(() => asked, asked);
  const signature = 2 * suite.signer.bytes;
  const response = take((rest) => rest.length, Layout.SIZE + signature);
  return { suite, a, request, response };
}
