// An instance of the core that enciphers pages in its window, for the cipher's figures in any runtime.
import * as Memory from "../dist/abi/memory.js";
import { type Silicon, silicon, startMachine } from "../dist/core/silicon.js";

export const PAGE = 0x1000;
export const FROM: number = Memory.WINDOW;
export const TO: number = Memory.WINDOW + PAGE;
export const EVERY_LINE = 0xffff_ffff_ffff_ffffn;
export const KEY: Uint8Array = new Uint8Array(32).map((_, i) => i * 7 + 1);
export const PLAIN: Uint8Array = new Uint8Array(PAGE).map((_, i) => i * 167 + (i >> 4) * 59 + 13);

/** An instance whose slot 1 holds the key, and the plaintext in its window. */
export function engine(cipher: "xex" | "xts"): Silicon {
  const made = silicon(64 << 20);
  startMachine(made, {
    dram: 1n << 30n,
    resident: 64 << 20,
    cipher,
    tweaks: new Uint8Array(1024).map((_, i) => (i * 7 + 1) & 0xff),
    cBit: 51,
    addressBits: 46,
    snp: false,
    vmplFull: 15,
    rmpFeatures: 0,
    cacheWarp: false,
  });
  made.bytes.set(KEY, Memory.WINDOW);
  made.exports.installKey(1, Memory.WINDOW, Memory.WINDOW + 16, 16);
  made.bytes.set(PLAIN, FROM);
  return made;
}
