// The field guide's secrets page, sealed by the firmware and opened by the guest. DESIGN.md, section 5.
import { gcm } from "@noble/ciphers/aes.js";
import { expand } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { utf8ToBytes } from "@noble/hashes/utils.js";
import * as Layout from "./abi/sealed-secrets.ts";
import { concat } from "./attest/bytes.ts";

/** Where it must lie. */
export const SECRETS_GPA = 0xfed40000n;

const VERSION_1 = 1;

const cipher = (vmpck2: Uint8Array, page: Uint8Array) =>
  gcm(
    expand(sha256, vmpck2, utf8ToBytes("SEV-SNP Secrets Page"), 32),
    page.subarray(Layout.IV, Layout.RESERVED_014),
    page.subarray(Layout.VERSION, Layout.IV),
  );

/** A page with `secrets` in it (ts/abi/secrets-page.ts, whose end is reserved and stays away), under an IV of 12 bytes. */
export function sealSecrets(secrets: Uint8Array, vmpck2: Uint8Array, iv: Uint8Array): Uint8Array {
  const page = new Uint8Array(Layout.SIZE);
  page[Layout.VERSION] = VERSION_1;
  page.set(iv, Layout.IV);
  page.set(vmpck2, Layout.VMPCK2);
  const contents = secrets.subarray(0, Layout.SIZE - Layout.CONTENTS);
  const sealed = cipher(vmpck2, page).encrypt(contents);
  page.set(sealed.subarray(0, contents.length), Layout.CONTENTS);
  page.set(sealed.subarray(contents.length), Layout.TAG);
  return page;
}

/** The secrets page in a sealed one, 4 KiB; undefined when the firmware did not seal it so. */
export function openSecrets(page: Uint8Array): Uint8Array | undefined {
  if (page[Layout.VERSION] !== VERSION_1) return undefined;
  const vmpck2 = page.slice(Layout.VMPCK2, Layout.TAG);
  const sealed = concat(
    page.subarray(Layout.CONTENTS, Layout.SIZE),
    page.subarray(Layout.TAG, Layout.CONTENTS),
  );
  try {
    const contents = cipher(vmpck2, page).decrypt(sealed);
    return concat(contents, new Uint8Array(Layout.CONTENTS));
  } catch {
    return undefined;
  }
}
