// Firmware images: what DOWNLOAD_FIRMWARE takes, and the rules by which one may follow another. The form is Cloister's own, for
// AMD's cannot run here; the rules are those of SNP firmware ABI (AMD 56860), 3 (versions) and 8.
import { p384 } from "@noble/curves/nist.js";
import { sha384 } from "@noble/hashes/sha2.js";
import * as Layout from "../abi/psp/firmware-image.ts";
import * as Status from "../abi/status.ts";
import { derive } from "../attest/evidence/secret.ts";
import type { Product } from "../attest/product.ts";
import { composeTcb, parseTcb } from "../attest/tcb.ts";
import { bitOf, isWellFormed, viewOf } from "../layout.ts";
import type { FirmwareVersion } from "./facts.ts";
import type { Psp } from "./firmware.ts";
import { readHost } from "./memory.ts";

const MAGIC = "CLOISTER PSP FW\0";
/** Cloister's own: emulator only, published with the package. */
const publisherKey = () => p384.utils.randomSecretKey(derive("cloister", "firmware publisher", 72));

export interface ImageOptions {
  product: Product;
  version: FirmwareVersion;
  /** The SNP component of the TCB that the platform will have. */
  svn: number;
  mitigationVector?: bigint;
  /** Whether SNP must be shut down before it is loaded. */
  shutdownRequired?: boolean;
}

const letters = (text: string) => new TextEncoder().encode(text);

/** A signed image, for DOWNLOAD_FIRMWARE and SNP_DOWNLOAD_FIRMWARE_EX. */
export function makeImage(options: ImageOptions): Uint8Array {
  const { version, svn } = options;
  const bytes = new Uint8Array(Layout.SIZE);
  bytes.set(letters(MAGIC), Layout.MAGIC);
  bytes.set([version.major, version.minor, version.build, svn], Layout.MAJOR);
  const flags = Number(options.shutdownRequired ?? false) << Layout.SHUTDOWN_REQUIRED_BIT;
  viewOf(bytes).setUint32(Layout.FLAGS, flags, true);
  viewOf(bytes).setBigUint64(Layout.MITIGATION_VECTOR, options.mitigationVector ?? 0n, true);
  bytes.set(letters(options.product), Layout.PRODUCT);
  const digest = sha384(bytes.subarray(0, Layout.SIGNATURE));
  bytes.set(p384.sign(digest, publisherKey(), { prehash: false }), Layout.SIGNATURE);
  return bytes;
}

function isSigned(bytes: Uint8Array): boolean {
  const digest = sha384(bytes.subarray(0, Layout.SIGNATURE));
  const point = p384.getPublicKey(publisherKey(), false);
  try {
    return p384.verify(bytes.subarray(Layout.SIGNATURE), digest, point, { prehash: false });
  } catch {
    return false;
  }
}

const isOlder = (a: FirmwareVersion, b: FirmwareVersion) =>
  a.major !== b.major
    ? a.major < b.major
    : a.minor !== b.minor
      ? a.minor < b.minor
      : a.build < b.build;

/** Runs an image from now on. Nothing older than what was committed is taken. */
export function loadImage(psp: Psp, paddr: bigint, length: number): number {
  const { platform } = psp;
  if (length !== Layout.SIZE) return Status.INVALID_LENGTH;
  if (paddr & 0xfffn) return Status.INVALID_ADDRESS;
  const bytes = readHost(psp, paddr, length);
  if (!bytes) return Status.INVALID_ADDRESS;
  const magic = new TextDecoder().decode(bytes.subarray(0, Layout.MAJOR));
  if (magic !== MAGIC || !isSigned(bytes)) return Status.BAD_SIGNATURE;
  const view = viewOf(bytes);
  const product = new TextDecoder().decode(bytes.subarray(Layout.PRODUCT, Layout.PRODUCT + 16));
  if (product.replace(/\0+$/, "") !== platform.product) return Status.INVALID_CONFIG;
  if (!isWellFormed(Layout, view)) return Status.INVALID_PARAM;
  const [major = 0, minor = 0, build = 0, snp = 0] = bytes.subarray(Layout.MAJOR, Layout.FLAGS);
  const version = { major, minor, build };
  const { committed, current } = platform;
  if (isOlder(version, committed.version)) return Status.BAD_VERSION;
  const tcb = composeTcb({ ...parseTcb(current.tcb, platform.product), snp }, platform.product);
  if (!platform.isAtMost(committed.tcb, tcb)) return Status.BAD_SVN;
  const flags = view.getUint32(Layout.FLAGS, true);
  if (bitOf(flags, Layout.SHUTDOWN_REQUIRED_BIT) && platform.isSnpInit)
    return Status.SHUTDOWN_REQUIRED;
  const mitigationVector = view.getBigUint64(Layout.MITIGATION_VECTOR, true);
  platform.current = { version, tcb, mitigationVector };
  return Status.SUCCESS;
}
