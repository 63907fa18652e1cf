// The launch digest: SHA-384 over PAGE_INFO for each page, chained. SNP firmware ABI (AMD 56860), 8.17.2.
import * as PageInfo from "../abi/page-info.ts";
import { viewOf } from "../layout.ts";
import type { CryptoPort } from "../port.ts";

/** What of a page is measured beside the digest so far. */
export interface MeasuredPage {
  /** One of PageInfo's page types. */
  type: number;
  gpa: bigint;
  /** 4096 bytes; counted for NORMAL and VMSA, zeros for the others. */
  contents: Uint8Array;
  imi: boolean;
  /** Of VMPL1 to VMPL3. */
  permissions: readonly [number, number, number];
}

const DIGEST = 48;

/** The digest after one more 4 KiB page. */
export function extend(port: CryptoPort, digest: Uint8Array, page: MeasuredPage): Uint8Array {
  const info = new Uint8Array(PageInfo.SIZE);
  const view = viewOf(info);
  info.set(digest, PageInfo.DIGEST_CUR);
  const counts = page.type === PageInfo.NORMAL || page.type === PageInfo.VMSA;
  info.set(counts ? port.sha384(page.contents) : new Uint8Array(DIGEST), PageInfo.CONTENTS);
  view.setUint16(PageInfo.LENGTH, PageInfo.SIZE, true);
  info[PageInfo.PAGE_TYPE] = page.type;
  info[PageInfo.IMI_PAGE] = Number(page.imi);
  info.set(page.permissions, PageInfo.VMPL1_PERMS);
  view.setBigUint64(PageInfo.GPA, page.gpa, true);
  return port.sha384(info);
}
