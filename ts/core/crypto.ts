// The core's SHA-384 and AES-GCM as bytes in, bytes out: for the firmware over its machine's instance, for links over one of
// their own.
import * as Memory from "../abi/memory.ts";
import { Misuse } from "../error.ts";
import type { CryptoPort } from "../port.ts";
import type { CoreModule } from "../structural.ts";
import { type Silicon, silicon, startMachine } from "./silicon.ts";

const WINDOW = 0x10000;
const DIGEST = 48;
const IV = 12;
const TAG = 16;
const MOST = 0x7000;

// The window during a seal: key, IV and tag, then additional data, then the text.
const KEY_AT: number = Memory.WINDOW;
const IV_AT: number = Memory.WINDOW + 0x20;
const TAG_AT: number = Memory.WINDOW + 0x30;
const AAD_AT: number = Memory.WINDOW + 0x100;
const TEXT_AT: number = AAD_AT + MOST;

/** The port over an instance. */
export function cryptoPort({ exports, bytes }: Silicon): CryptoPort {
  const prepare = (key: Uint8Array, iv: Uint8Array, aad: Uint8Array, text: Uint8Array) => {
    if (key.length !== 16 && key.length !== 32)
      throw new Misuse(`AES-GCM key: ${key.length} bytes, expected 16 or 32`);
    if (iv.length !== IV) throw new Misuse(`AES-GCM IV: ${iv.length} bytes, expected ${IV}`);
    const most = Math.max(aad.length, text.length);
    if (most > MOST) throw new Misuse(`AES-GCM: ${most} bytes, expected at most ${MOST}`);
    bytes.set(key, KEY_AT);
    bytes.set(iv, IV_AT);
    bytes.set(aad, AAD_AT);
    bytes.set(text, TEXT_AT);
    exports.gcmKey(KEY_AT, key.length);
  };
  // What was copied in is a secret of the one who asked.
  const clear = (aad: Uint8Array, length: number) => {
    bytes.fill(0, KEY_AT, AAD_AT + aad.length);
    bytes.fill(0, TEXT_AT, TEXT_AT + length);
  };
  return {
    sha384(...parts) {
      exports.sha384Start();
      for (const part of parts) {
        for (let at = 0; at < part.length; at += WINDOW) {
          const piece = part.subarray(at, at + WINDOW);
          bytes.set(piece, Memory.WINDOW);
          exports.sha384Update(Memory.WINDOW, piece.length);
        }
      }
      exports.sha384Finish(Memory.WINDOW);
      return bytes.slice(Memory.WINDOW, Memory.WINDOW + DIGEST);
    },
    seal(key, iv, aad, plaintext) {
      prepare(key, iv, aad, plaintext);
      const { length } = plaintext;
      exports.gcmSeal(IV_AT, AAD_AT, aad.length, TEXT_AT, TEXT_AT, length, TAG_AT);
      const sealed = new Uint8Array(length + TAG);
      sealed.set(bytes.subarray(TEXT_AT, TEXT_AT + length));
      sealed.set(bytes.subarray(TAG_AT, TAG_AT + TAG), length);
      clear(aad, length);
      return sealed;
    },
    open(key, iv, aad, sealed) {
      const length = sealed.length - TAG;
      if (length < 0) return undefined;
      prepare(key, iv, aad, sealed.subarray(0, length));
      bytes.set(sealed.subarray(length), TAG_AT);
      const good = exports.gcmOpen(IV_AT, AAD_AT, aad.length, TEXT_AT, TEXT_AT, length, TAG_AT);
      const plaintext = good ? bytes.slice(TEXT_AT, TEXT_AT + length) : undefined;
      clear(aad, length);
      return plaintext;
    },
  };
}

const SMALLEST = 64 * 0x100000;

/** An instance that is no machine. Starting it fills the tables of the cipher. */
function bare(module?: CoreModule): Silicon {
  const made = silicon(SMALLEST, module);
  startMachine(made, {
    dram: 0x200000n,
    resident: SMALLEST,
    cipher: "xex",
    tweaks: new Uint8Array(0),
    cBit: 0,
    addressBits: 48,
    snp: false,
    vmplFull: 0,
    cacheWarp: false,
  });
  return made;
}

let shared: CryptoPort | undefined;

/** SHA-384 and AES-GCM for what has no machine: a link's two ends, a device. One instance serves all. */
export function coreCrypto(module?: CoreModule): CryptoPort {
  if (module) return cryptoPort(bare(module));
  shared ??= cryptoPort(bare());
  return shared;
}
