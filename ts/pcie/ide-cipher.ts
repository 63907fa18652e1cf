// What a link computes with: AES-256-GCM over units, a MAC of 96 bits for each. PCIe 6.33.5.
import * as Prefix from "../abi/ide-prefix.ts";
import { type Aead, TAG_BYTES } from "../spdm/crypto.ts";
import { equal } from "../spdm/octets.ts";

/** What one MAC speaks for. */
export interface IdeUnit {
  iv: Uint8Array;
  /** Authenticated, not encrypted. */
  aad: Uint8Array;
  /** At most 2048 bytes: eight TLPs of the largest payload. */
  text: Uint8Array;
  /** Of a unit that came. */
  mac?: Uint8Array;
}

/** A key is told apart by its array, which holds the same 32 bytes as long as it is used. */
export interface IdeCipher {
  /** Each unit's ciphertext, then its MAC. */
  seal(key: Uint8Array, units: readonly IdeUnit[]): Uint8Array[];
  /** Each unit's plaintext, up to the first whose MAC is not right. */
  open(key: Uint8Array, units: readonly IdeUnit[]): Uint8Array[];
}

/** By an AEAD that opens nothing but whole tags: GCM's cipher is its own inverse, so sealing opens. */
export function aeadCipher(aead: Pick<Aead, "seal">): IdeCipher {
  const sealed = (key: Uint8Array, { iv, aad, text }: IdeUnit, what = text) =>
    aead.seal(key, iv, aad, what);
  return {
    seal: (key, units) =>
      units.map((unit) => sealed(key, unit).slice(0, unit.text.length + Prefix.MAC_BYTES)),
    open(key, units) {
      const opened: Uint8Array[] = [];
      for (const unit of units) {
        const text = sealed(key, unit).slice(0, unit.text.length);
        const tag = sealed(key, unit, text).subarray(text.length, text.length + TAG_BYTES);
        if (!unit.mac || !equal(tag.subarray(0, Prefix.MAC_BYTES), unit.mac)) break;
        opened.push(text);
      }
      return opened;
    },
  };
}
