// The launch digest that a plan must lead to: what a guest's owner expects in a report. AMD 56860, 8.17; AMD 55766, 6.2.
import { sha256, sha384 } from "@noble/hashes/sha2.js";
import * as PageInfo from "../abi/page-info.ts";
import { Misuse } from "../error.ts";
import { type FirmwareImage, requirePages } from "./image/ovmf.ts";
import { type LaunchOptions, launchPlan, pagesOf, type Region, type RegionType } from "./plan.ts";

const types: Readonly<Record<RegionType, number>> = {
  normal: PageInfo.NORMAL,
  vmsa: PageInfo.VMSA,
  zero: PageInfo.ZERO,
  unmeasured: PageInfo.UNMEASURED,
  secrets: PageInfo.SECRETS,
  cpuid: PageInfo.CPUID,
};

/** Types whose contents are measured; of the others the firmware knows or distrusts them. */
const MEASURED: readonly RegionType[] = ["normal", "vmsa"];

export const DIGEST_BYTES = 48;

/** PAGE_INFO of one page after a digest, 112 bytes. */
export function pageInfo(digest: Uint8Array, page: Region): Uint8Array {
  const info = new Uint8Array(PageInfo.SIZE);
  const view = new DataView(info.buffer);
  info.set(digest, PageInfo.DIGEST_CUR);
  if (MEASURED.includes(page.type)) {
    if (page.contents === undefined) throw new Misuse(`${page.type} page without contents`);
    info.set(sha384(page.contents), PageInfo.CONTENTS);
  }
  view.setUint16(PageInfo.LENGTH, PageInfo.SIZE, true);
  view.setUint8(PageInfo.PAGE_TYPE, types[page.type]);
  // A VMSA belongs to one VMPL; lower ones have nothing of it.
  const lower = page.type === "vmsa" ? [] : (page.permissions ?? []);
  info.set(lower, PageInfo.VMPL1_PERMS);
  view.setBigUint64(PageInfo.GPA, page.gpa, true);
  return info;
}

/** SNP: each page's PAGE_INFO carries the digest before it. From zeros, or from a digest reached already. */
export function snpDigest(
  plan: readonly Region[],
  from: Uint8Array = new Uint8Array(DIGEST_BYTES),
): Uint8Array {
  if (from.length !== DIGEST_BYTES) {
    throw new Misuse(`launch digest: ${from.length} bytes, expected ${DIGEST_BYTES}`);
  }
  let digest = from;
  for (const page of pagesOf(plan)) digest = sha384(pageInfo(digest, page));
  return digest;
}

/** SEV and SEV-ES: SHA-256 of everything that was loaded, in order, 32 bytes. */
export function legacyDigest(plan: readonly Region[]): Uint8Array {
  const hash = sha256.create();
  for (const { contents } of plan) if (contents) hash.update(contents);
  return hash.digest();
}

/** The digest after the firmware image alone: sev-snp-measure's `snp:ovmf-hash`. */
export function ovmfHash(firmware: FirmwareImage): Uint8Array {
  requirePages(firmware.bytes, "firmware");
  const { bytes, gpa } = firmware;
  return snpDigest([{ type: "normal", gpa: BigInt(gpa), bytes: bytes.length, contents: bytes }]);
}

/**
 * The launch digest: 48 bytes for snp, 32 for sev and seves. `hash` stands for the firmware image's pages, whose bytes
 * then only give the table.
 */
export function launchDigest(options: LaunchOptions, hash?: Uint8Array): Uint8Array {
  const plan = launchPlan(options);
  if (options.mode !== "snp") {
    if (hash !== undefined) throw new Misuse("OVMF hash: only works with snp");
    return legacyDigest(plan);
  }
  return hash === undefined ? snpDigest(plan) : snpDigest(plan.slice(1), hash);
}
