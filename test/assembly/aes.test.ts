// The block cipher and its two modes against published vectors, OpenSSL and a slow twin.
import { createCipheriv, createDecipheriv } from "node:crypto";
import { silicon, startMachine } from "../../dist/core/silicon.js";
import * as Memory from "../../ts/abi/memory.ts";
import * as Slot from "../../ts/abi/slot.ts";
import { Chance, coreModule, hex, MIB, pattern, unhex } from "../core.ts";
import { assert, suite } from "../kit.ts";
import * as oracle from "../oracle/aes.ts";
import { linearTweak, xex, xts } from "../oracle/xts.ts";

const test = suite("AES");

const NO_TWEAKS = new Uint8Array(1024);
const FROM = Memory.WINDOW + 0x1000;
const TO = Memory.WINDOW + 0x4000;
const KEY_AT = Memory.WINDOW;
const SLOT = 3;
const SLOT_AT = Memory.SLOTS + SLOT * Slot.SIZE;
const EVERY_LINE = 0xffff_ffff_ffff_ffffn;

/** The cipher by itself, in an instance without a machine's memory. */
function engine(tweaks: Uint8Array = NO_TWEAKS) {
  const made = silicon(64 * MIB, coreModule);
  startMachine(made, {
    dram: 0x200000n,
    resident: 64 * MIB,
    cipher: "xex",
    tweaks,
    cBit: 0,
    addressBits: 48,
    snp: false,
    vmplFull: 0,
    cacheWarp: false,
  });
  const { exports, bytes } = made;
  return {
    setKey(key: Uint8Array, tweakKey: Uint8Array) {
      bytes.set(key, KEY_AT);
      bytes.set(tweakKey, KEY_AT + 32);
      exports.installKey(SLOT, KEY_AT, KEY_AT + 32, key.length);
    },
    unit(unit: bigint, data: Uint8Array, encrypt: boolean, inPlace = false) {
      const to = inPlace ? FROM : TO;
      bytes.set(data, FROM);
      exports.xtsUnit(SLOT_AT, unit, FROM, to, data.length, encrypt);
      return bytes.slice(to, to + data.length);
    },
    page(page: number, data: Uint8Array, encrypt: boolean, inPlace = false) {
      const to = inPlace ? FROM : TO;
      bytes.set(data, FROM);
      if (encrypt) exports.encryptLines(page, SLOT, EVERY_LINE, FROM, to);
      else exports.decryptPage(page, SLOT, FROM, to);
      return bytes.slice(to, to + 4096);
    },
  };
}

// With no tweak constants the engine is the bare block cipher.
test("FIPS 197, appendices B and C.1: the published blocks, in every place of a page", () => {
  const vectors = [
    [
      "2b7e151628aed2a6abf7158809cf4f3c",
      "3243f6a8885a308d313198a2e0370734",
      "3925841d02dc09fbdc118597196a0b32",
    ],
    [
      "000102030405060708090a0b0c0d0e0f",
      "00112233445566778899aabbccddeeff",
      "69c4e0d86a7b0430d8cdb78070b4c55a",
    ],
  ].map((row) => row.map(unhex));
  const made = engine();
  for (const [key, plain, cipher] of vectors as [Uint8Array, Uint8Array, Uint8Array][]) {
    assert.is(hex(oracle.encrypt(key, plain)), hex(cipher));
    assert.is(hex(oracle.decrypt(key, cipher)), hex(plain));
    for (const place of [0, 1, 2, 3, 4, 100, 255]) {
      const data = pattern(4096, place);
      data.set(plain, 16 * place);
      made.setKey(key, key);
      const encrypted = made.page(0, data, true);
      assert.is(hex(encrypted.subarray(16 * place, 16 * place + 16)), hex(cipher));
      assert.is(hex(made.page(0, encrypted, false)), hex(data));
    }
  }
});

const ZEROS = "00".repeat(16);
const ONES = "11".repeat(16);
const TWOS = "22".repeat(16);
const DOWN = "fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0";
// IEEE 1619-2007, annex B, vectors 1 to 3: 32 bytes each.
const short: [string, string, bigint, string, string][] = [
  [ZEROS, ZEROS, 0n, "00", "917cf69ebd68b2ec9b9fe9a3eadda692cd43d2f59598ed858c02c2652fbf922e"],
  [
    ONES,
    TWOS,
    0x3333333333n,
    "44",
    "c454185e6a16936e39334038acef838bfb186fff7480adc4289382ecd6d394f0",
  ],
  [
    DOWN,
    TWOS,
    0x3333333333n,
    "44",
    "af85336b597afc1a900b2eb21ec949d292df4c047e0b21532186a5971a227a89",
  ],
];
// Vectors 4 to 6: units of 512 bytes, each the plaintext of the next; first and last block of each.
const long: [bigint, string, string][] = [
  [0n, "27a7479befa1d476489f308cd4cfa6e2", "0a282df920147beabe421ee5319d0568"],
  [1n, "264d3ca8512194fec312c8c9891f279f", "fd2a89ccb45e001a03a867b187f225dd"],
  [2n, "fa762a3680b76007928ed4a4f49a9456", "4bcf518138dc3a25c5e236171a2d01d6"],
];

test("IEEE 1619, annex B: the published AES-128 units of whole blocks", () => {
  const made = engine();
  for (const [key, tweakKey, unit, byte, cipher] of short) {
    const plain = unhex(byte.repeat(32));
    made.setKey(unhex(key), unhex(tweakKey));
    assert.is(hex(made.unit(unit, plain, true)), cipher);
    assert.is(hex(made.unit(unit, unhex(cipher), false)), hex(plain));
    assert.is(hex(xts(unhex(key), unhex(tweakKey), unit, plain, "encrypt")), cipher);
  }
  made.setKey(unhex("27182818284590452353602874713526"), unhex("31415926535897932384626433832795"));
  let data = Uint8Array.from({ length: 512 }, (_, i) => i & 0xff);
  for (const [unit, first, last] of long) {
    const cipher = made.unit(unit, data, true);
    assert.is(hex(cipher.subarray(0, 16)), first);
    assert.is(hex(cipher.subarray(496)), last);
    assert.is(hex(made.unit(unit, cipher, false, true)), hex(data));
    data = cipher as typeof data;
  }
});

function openssl(
  key: Uint8Array,
  tweakKey: Uint8Array,
  unit: bigint,
  data: Uint8Array,
  encrypt = true,
) {
  const iv = Buffer.alloc(16);
  iv.writeBigUInt64LE(unit);
  const make = encrypt ? createCipheriv : createDecipheriv;
  const cipher = make("aes-128-xts", Buffer.concat([key, tweakKey]), iv);
  return Buffer.concat([cipher.update(data), cipher.final()]);
}

test("a unit of XTS is what OpenSSL makes of it, at every length of whole blocks and any unit number", () => {
  const chance = new Chance(20n);
  const made = engine();
  const units = [0n, 1n, 2n ** 32n, 2n ** 52n - 1n, EVERY_LINE, chance.word()];
  for (const unit of units) {
    const key = chance.bytes(16);
    const tweakKey = chance.bytes(16);
    made.setKey(key, tweakKey);
    for (const length of [16, 32, 48, 64, 80, 512, 4080, 4096]) {
      const data = chance.bytes(length);
      const expected = hex(openssl(key, tweakKey, unit, data));
      assert.is(hex(made.unit(unit, data, true)), expected, `seed 20, unit ${unit}, ${length}`);
      assert.is(hex(made.unit(unit, data, true, true)), expected, "in place");
      assert.is(hex(openssl(key, tweakKey, unit, made.unit(unit, data, false))), hex(data));
      if (length <= 80) assert.is(hex(xts(key, tweakKey, unit, data, "encrypt")), expected);
    }
  }
});

test("a page under XEX is what the slow twin makes of it, in place and not", () => {
  const chance = new Chance(21n);
  const constants = chance.bytes(1024);
  const made = engine(constants);
  for (const page of [0, 1, 0x12345, 0xffffffff, chance.below(2 ** 31)]) {
    const key = chance.bytes(16);
    made.setKey(key, key);
    const data = chance.bytes(4096);
    const cipher = made.page(page, data, true);
    for (const place of [0, 1, 2, 3, 7, 64, 128, 255, chance.below(256)]) {
      const at = 16 * place;
      const tweak = linearTweak(constants, BigInt(page) * 4096n + BigInt(at));
      const expected = xex(key, tweak, data.subarray(at, at + 16), "encrypt");
      assert.is(hex(cipher.subarray(at, at + 16)), hex(expected), `seed 21, page ${page}`);
      assert.is(hex(xex(key, tweak, expected, "decrypt")), hex(data.subarray(at, at + 16)));
    }
    assert.is(hex(made.page(page, data, true, true)), hex(cipher));
    assert.is(hex(made.page(page, cipher, false, true)), hex(data));
    assert.is(hex(made.page(page, cipher, false)), hex(data));
  }
});
