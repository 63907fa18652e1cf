// Swapped pages: AES-256-GCM under the guest's offline key, whose associated data are the page's entry. AMD 56860, 8.
// Not the core's cipher, which takes less than a page of 2 MiB at once.
import { gcm } from "@noble/ciphers/aes.js";
import * as Entry from "../abi/psp/metadata-entry.ts";
import * as SwapType from "../abi/psp/swap-type.ts";
import { viewOf } from "../layout.ts";
import type { GuestContext } from "./guest.ts";
import { entryBytes, type Swapped } from "./metadata.ts";

const IV_BYTES = 12;
const TAG = 16;

function cipher({ oek }: GuestContext, swapped: Swapped) {
  const iv = new Uint8Array(IV_BYTES);
  viewOf(iv).setBigUint64(0, swapped.iv, true);
  const associated = entryBytes({ ...swapped, tag: new Uint8Array(TAG), valid: true });
  return gcm(oek, iv, associated.subarray(0, Entry.RESERVED_30));
}

/** Seals contents; answers the ciphertext and the complete entry. Takes the guest's next IV. */
export function seal(
  guest: GuestContext,
  contents: Uint8Array,
  about: Omit<Swapped, "iv" | "tag" | "valid">,
): { ciphertext: Uint8Array; entry: Swapped } {
  guest.oekIv += 1n;
  const entry = { ...about, iv: guest.oekIv, tag: new Uint8Array(TAG), valid: true };
  const sealed = cipher(guest, entry).encrypt(contents);
  const ciphertext = sealed.subarray(0, contents.length);
  return { ciphertext, entry: { ...entry, tag: sealed.slice(contents.length) } };
}

/** The contents behind a ciphertext, or undefined when they are not those that the entry is about. */
export function unseal(
  guest: GuestContext,
  ciphertext: Uint8Array,
  entry: Swapped,
): Uint8Array | undefined {
  const sealed = new Uint8Array(ciphertext.length + TAG);
  sealed.set(ciphertext);
  sealed.set(entry.tag, ciphertext.length);
  try {
    return cipher(guest, entry).decrypt(sealed);
  } catch {
    return undefined;
  }
}

/** Whether an entry is about a page of a type of ts/abi/psp/swap-type.ts. */
export const isOfType = (
  { vmsa, metadata }: Pick<Swapped, "vmsa" | "metadata">,
  type: number,
): boolean => metadata === (type === SwapType.METADATA) && vmsa === (type === SwapType.VMSA);
