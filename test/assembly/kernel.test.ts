// Every kernel of the cipher, in every form the core ships in, gives the same bytes; what the circuits and patches promise.
import { createCipheriv } from "node:crypto";
import { readFileSync } from "node:fs";
import { FORWARD, INVERSE, substitute } from "../../assembly/aes/generate/circuit.mjs";
import { affine, INVERSES } from "../../assembly/aes/generate/field.mjs";
import { strictSwizzles, withSwizzles } from "../../dist/core/relax.js";
import { type Silicon, silicon, startMachine } from "../../dist/core/silicon.js";
import * as Memory from "../../ts/abi/memory.ts";
import * as Slot from "../../ts/abi/slot.ts";
import * as State from "../../ts/abi/state.ts";
import { Chance, coreModule, hex, MIB, unhex } from "../core.ts";
import { assert, skip, suite } from "../kit.ts";

const test = suite("the cipher's kernels");

const SLOT = 3;
const KEYS = Memory.WINDOW;
const FROM = Memory.WINDOW + 0x1000;
const TO = Memory.WINDOW + 0x3000;
const PAGE = 4096;

const strict = new Uint8Array(readFileSync("build/release.wasm"));
const relaxed = withSwizzles(strict, true);
const scalar = new Uint8Array(readFileSync("build/scalar.wasm"));

function engine(module: WebAssembly.Module | undefined, cipher: "xex" | "xts"): Silicon {
  const made = silicon(64 * MIB, module);
  startMachine(made, {
    dram: 0x200000n,
    resident: 64 * MIB,
    cipher,
    tweaks: new Chance(30n).bytes(1024),
    cBit: 0,
    addressBits: 48,
    snp: false,
    vmplFull: 0,
    cacheWarp: false,
  });
  return made;
}

/** The forms of the core that this engine takes, by name; under CLOISTER_CORE=debug the one with assertions. */
function forms(): [string, WebAssembly.Module | undefined][] {
  if (coreModule) return [["debug", coreModule]];
  const all: [string, Uint8Array<ArrayBuffer>][] = [
    ["strict", strict],
    ["relaxed", relaxed],
    ["scalar", scalar],
  ];
  return all.flatMap(([name, bytes]) => {
    if (WebAssembly.validate(bytes)) return [[name, new WebAssembly.Module(bytes)]];
    skip(`the ${name} core`, "this engine does not take it");
    return [];
  });
}

function setKey({ exports, bytes }: Silicon, key: Uint8Array, tweakKey: Uint8Array): void {
  bytes.set(key, KEYS);
  bytes.set(tweakKey, KEYS + 32);
  exports.installKey(SLOT, KEYS, KEYS + 32, key.length);
}

/** So many lines anywhere in a page: a kernel takes two at a time and half of a third, and what is left over goes another way. */
function few(count: number, chance: Chance): bigint {
  let lines = 0n;
  for (let i = 0; i < count; i++) lines |= 1n << BigInt(chance.below(64));
  return lines;
}

/** The lines are what they are elsewhere, and between them nothing has changed. */
function inPlace(page: Uint8Array, lines: bigint, data: Uint8Array, encrypted: string): void {
  for (let line = 0; line < 64; line++) {
    const is = hex(page.subarray(64 * line, 64 * line + 64));
    const was = hex(data.subarray(64 * line, 64 * line + 64));
    const ciphered = (lines >> BigInt(line)) & 1n;
    assert.is(is, ciphered ? encrypted.slice(128 * line, 128 * line + 128) : was, `line ${line}`);
  }
}

test("tables, vectors, strict and relaxed swizzles cipher any lines of a page alike", () => {
  const chance = new Chance(31n);
  for (const cipher of ["xex", "xts"] as const) {
    const engines = forms().flatMap(([name, module]) =>
      [State.TABLES, State.WIDE].map((kernel) => {
        const made = engine(module, cipher);
        made.exports.setKernel(kernel);
        return { name: `${name}, kernel ${kernel}`, made };
      }),
    );
    for (let round = 0; round < 24; round++) {
      const length = round % 2 ? 32 : 16;
      const [key, tweakKey, data] = [length, length, PAGE].map((n) => chance.bytes(n)) as [
        Uint8Array,
        Uint8Array,
        Uint8Array,
      ];
      const page = chance.below(2 ** 31);
      const lines =
        round < 2
          ? 2n ** 64n - 1n
          : round < 14
            ? few(round, chance)
            : chance.word() & chance.word();
      const seen = engines.map(({ name, made }) => {
        setKey(made, key, tweakKey);
        made.bytes.set(data, FROM);
        made.bytes.fill(0, TO, TO + PAGE);
        made.exports.encryptLines(page, SLOT, lines, FROM, TO);
        const encrypted = hex(made.bytes.subarray(TO, TO + PAGE));
        made.bytes.set(data, TO);
        made.exports.encryptLines(page, SLOT, lines, TO, TO);
        inPlace(made.bytes.subarray(TO, TO + PAGE), lines, data, encrypted);
        made.exports.encryptLines(page, SLOT, 2n ** 64n - 1n, FROM, TO);
        made.exports.decryptPage(page, SLOT, TO, TO);
        assert.is(hex(made.bytes.subarray(TO, TO + PAGE)), hex(data), `seed 31, ${name}`);
        return encrypted;
      });
      for (const [i, each] of seen.entries())
        assert.ok(each === seen[0], `seed 31, round ${round}: ${engines[i]?.name}`);
      for (let line = 0n; line < 64n; line++) {
        const at = 128 * Number(line);
        const blank = (seen[0] as string).slice(at, at + 128) === "00".repeat(64);
        assert.is(blank, ((lines >> line) & 1n) === 0n, `line ${line} of ${lines.toString(16)}`);
      }
    }
  }
});

test("one line by itself is what the page has there", () => {
  const chance = new Chance(32n);
  for (const [name, module] of forms()) {
    const made = engine(module, "xex");
    const { exports, bytes } = made;
    setKey(made, chance.bytes(16), chance.bytes(16));
    bytes.set(chance.bytes(PAGE), FROM);
    exports.encryptLines(77, SLOT, 2n ** 64n - 1n, FROM, TO);
    const page = hex(bytes.subarray(TO, TO + PAGE));
    for (const line of [0, 1, 31, 62, 63]) {
      bytes.fill(0, TO, TO + PAGE);
      exports.encryptLine(77, SLOT, line, FROM, TO);
      const at = TO + 64 * line;
      assert.is(hex(bytes.subarray(at, at + 64)), page.slice(128 * line, 128 * line + 128), name);
      exports.decryptLine(77, SLOT, line, TO, TO);
      const from = FROM + 64 * line;
      assert.is(hex(bytes.subarray(at, at + 64)), hex(bytes.subarray(from, from + 64)), name);
    }
  }
});

const SLOT_AT = Memory.SLOTS + SLOT * Slot.SIZE;

function unit({ exports, bytes }: Silicon, number: bigint, data: Uint8Array, encrypt: boolean) {
  bytes.set(data, FROM);
  exports.xtsUnit(SLOT_AT, number, FROM, TO, data.length, encrypt);
  return hex(bytes.subarray(TO, TO + data.length));
}

// With a tweak of E(0) = T the first block of a unit is E(P ^ T) ^ T; FIPS 197's own vector goes through XEX of no tweak below.
test("FIPS 197, appendix C.3, and IEEE 1619's AES-256 unit: keys of 32 bytes", () => {
  const sequence = Uint8Array.from({ length: 512 }, (_, i) => i & 0xff);
  for (const [name, module] of forms()) {
    const bare = engine(module, "xex");
    bare.bytes.fill(0, Memory.WINDOW, Memory.WINDOW + 1024);
    bare.exports.setTweaks();
    setKey(bare, sequence.subarray(0, 32), sequence.subarray(0, 32));
    for (const place of [0, 1, 3, 4, 7, 100, 255]) {
      bare.bytes.set(unhex("00112233445566778899aabbccddeeff"), FROM + 16 * place);
      bare.exports.encryptLines(9, SLOT, 2n ** 64n - 1n, FROM, TO);
      const at = TO + 16 * place;
      assert.is(hex(bare.bytes.subarray(at, at + 16)), "8ea2b7ca516745bfeafc49904b496089", name);
    }
    // Annex B, vector 10.
    const key = unhex("2718281828459045235360287471352662497757247093699959574966967627");
    const tweakKey = unhex("3141592653589793238462643383279502884197169399375105820974944592");
    const made = engine(module, "xts");
    setKey(made, key, tweakKey);
    const cipher = unit(made, 0xffn, sequence, true);
    assert.is(
      cipher.slice(0, 64),
      "1c3b3a102f770386e4836c99e370cf9bea00803f5e482357a4ae12d414a3e63b",
    );
    assert.is(unit(made, 0xffn, unhex(cipher), false), hex(sequence), name);
  }
});

test("a unit under keys of 32 bytes is what OpenSSL makes of it, at every length of whole blocks", () => {
  const chance = new Chance(33n);
  for (const [name, module] of forms()) {
    const made = engine(module, "xts");
    for (const length of [16, 48, 64, 112, 128, 192, 208, 4080, 4096]) {
      const [key, tweakKey, data] = [32, 32, length].map((n) => chance.bytes(n)) as [
        Uint8Array,
        Uint8Array,
        Uint8Array,
      ];
      const number = chance.word();
      const iv = Buffer.alloc(16);
      iv.writeBigUInt64LE(number);
      setKey(made, key, tweakKey);
      const openssl = createCipheriv("aes-256-xts", Buffer.concat([key, tweakKey]), iv);
      const expected = hex(openssl.update(data));
      assert.is(unit(made, number, data, true), expected, `seed 33, ${name}, ${length}`);
      assert.is(unit(made, number, unhex(expected), false), hex(data));
    }
  }
});

test("the circuits are the S-box and its inverse, but for the constant 63", () => {
  for (let x = 0; x < 256; x++) {
    const s = affine(INVERSES[x] as number);
    assert.is(substitute(FORWARD, x), s);
    assert.is(substitute(INVERSE, s), x);
  }
});

test("the two forms of the core differ in their swizzles only, and lead back to each other", () => {
  assert.ok(strictSwizzles(strict) > 50);
  assert.is(strictSwizzles(relaxed), 0);
  assert.is(hex(withSwizzles(relaxed, false)), hex(strict));
  const differing = strict.filter((byte, i) => byte !== relaxed[i]).length;
  assert.is(differing, 2 * strictSwizzles(strict));
});
