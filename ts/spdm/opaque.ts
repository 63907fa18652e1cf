// Opaque data in KEY_EXCHANGE: which secured-message versions a side speaks. DSP0277 1.2, 10.
import * as Spdm from "../abi/spdm.ts";
import { join, le16, le32, u16, u32 } from "./octets.ts";
import type { Suite } from "./suite.ts";

const SM_DATA_VERSION = 1;
const VERSION_SELECTION = 0;
const SUPPORTED_VERSIONS = 1;
const MAX_BYTES = 1024;
const LAST_REGISTRY_ID = 0x0b;
// Before OpaqueDataFmt1 (1.2) the general header was this id, a version and a count.
const SPEC_ID = 0x444d5446;
const OPAQUE_VERSION = 1;

/** Secured-message versions, oldest first, as major.minor.update.alpha nibbles. */
export const securedMessageVersions: number[] = [0x1000, 0x1100, 0x1200];

const sameMinor = (a: number, b: number): boolean => a >> 8 === b >> 8;

function element(suite: Suite, data: Uint8Array): Uint8Array {
  const head = suite.opaqueFmt1
    ? Uint8Array.of(1, 0, 0, 0)
    : join(le32(SPEC_ID), Uint8Array.of(OPAQUE_VERSION, 1, 0, 0));
  const body = join(head, Uint8Array.of(0, 0), le16(data.length), data);
  return join(body, new Uint8Array(-body.length & 3));
}

export function supportedVersions(suite: Suite): Uint8Array {
  const list = securedMessageVersions.map(le16);
  const count = securedMessageVersions.length;
  return element(suite, join(Uint8Array.of(SM_DATA_VERSION, SUPPORTED_VERSIONS, count), ...list));
}

export function versionSelection(suite: Suite, version: number): Uint8Array {
  return element(suite, join(Uint8Array.of(SM_DATA_VERSION, VERSION_SELECTION), le16(version)));
}

/** The highest version common to us and a KEY_EXCHANGE's opaque data; undefined if malformed or none. */
export function selectVersion(suite: Suite, opaque: Uint8Array): number | undefined {
  const data = find(suite, opaque, SUPPORTED_VERSIONS);
  if (!data || data.length < 3 || data.length < 3 + 2 * data[2]!) return undefined;
  const theirs = Array.from({ length: data[2]! }, (_, i) => u16(data, 3 + 2 * i));
  return securedMessageVersions.findLast((ours) => theirs.some((each) => sameMinor(each, ours)));
}

/** The version a KEY_EXCHANGE_RSP selected, if it is one of ours. */
export function selectedVersion(suite: Suite, opaque: Uint8Array): number | undefined {
  const data = find(suite, opaque, VERSION_SELECTION);
  if (data?.length !== 4) return undefined;
  const version = u16(data, 2);
  return securedMessageVersions.find((ours) => sameMinor(ours, version));
}

/** The first DMTF element's data with this id. Malformed opaque data has none. */
function find(suite: Suite, opaque: Uint8Array, dataId: number): Uint8Array | undefined {
  if (opaque.length > MAX_BYTES || opaque.length % 4 !== 0 || opaque.length < 8) return undefined;
  const general = !suite.opaqueFmt1;
  if (general && suite.version >= Spdm.VERSION_1_2) return undefined;
  if (general && (u32(opaque, 0) !== SPEC_ID || opaque[4] !== OPAQUE_VERSION)) return undefined;
  const total = opaque[general ? 5 : 0]!;
  if (total < 1) return undefined;
  let found: Uint8Array | undefined;
  let at = general ? 8 : 4;
  for (let n = 0; n < total; n++) {
    if (at + 4 > opaque.length || opaque[at]! > LAST_REGISTRY_ID) return undefined;
    const vendorBytes = opaque[at + 1]!;
    if (at + 4 + vendorBytes > opaque.length) return undefined;
    const start = at + 4 + vendorBytes;
    const end = start + u16(opaque, at + 2 + vendorBytes);
    if (end > opaque.length) return undefined;
    const data = opaque.subarray(start, end);
    const ours = opaque[at] === 0 && vendorBytes === 0 && data.length >= 2;
    if (ours && data[0] === SM_DATA_VERSION && data[1] === dataId) found ??= data;
    at = (end + 3) & ~3;
  }
  return at === opaque.length ? found : undefined;
}
