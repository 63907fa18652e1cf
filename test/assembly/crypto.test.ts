// The core's SHA-384 and AES-GCM against published vectors and OpenSSL.
import { createCipheriv, createHash } from "node:crypto";
import { coreCrypto } from "../../dist/core/crypto.js";
import { createPlatform } from "../../dist/index.js";
import { Chance, coreModule, hex, MIB, unhex, withCore } from "../core.ts";
import { assert, suite } from "../kit.ts";

const test = suite("hashing and sealing in the core");

const crypto = coreCrypto(coreModule);
const text = (value: string) => new TextEncoder().encode(value);
const NONE = new Uint8Array(0);

test("SHA-384 of FIPS 180-4's examples is what NIST prints", () => {
  const long =
    "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu";
  const vectors: [string, string][] = [
    [
      "abc",
      "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
    ],
    [
      long,
      "09330c33f71147e83d192fc782cd1b4753111b173b3b05d22fa08086e3b0f712fcc7c71a557e2db966c3e9fa91746039",
    ],
    [
      "",
      "38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da274edebfe76f65fbd51ad2f14898b95b",
    ],
  ];
  for (const [message, digest] of vectors) assert.is(hex(crypto.sha384(text(message))), digest);
});

test("SHA-384 is OpenSSL's at every length to 300 bytes and over several windows, in any parts", () => {
  const chance = new Chance(40n);
  const lengths = [...Array.from({ length: 300 }, (_, i) => i), 4096, 4208, 65536, 65537, 200_000];
  for (const length of lengths) {
    const message = chance.bytes(length);
    const expected = createHash("sha384").update(message).digest("hex");
    assert.is(hex(crypto.sha384(message)), expected, `seed 40, ${length}`);
    const [a, b] = [chance.below(length + 1), chance.below(length + 1)].sort((x, y) => x - y);
    const parts = [message.subarray(0, a), message.subarray(a, b), message.subarray(b)];
    assert.is(hex(crypto.sha384(...parts)), expected, `seed 40, ${length} at ${a} and ${b}`);
  }
});

// McGrew and Viega, "The Galois/Counter Mode of Operation", appendix B: cases 2, 4, 14 and 16.
const PLAIN =
  "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39";
const AAD = "feedfacedeadbeeffeedfacedeadbeefabaddad2";
const IV = "cafebabefacedbaddecaf888";
const KEY = "feffe9928665731c6d6a8f9467308308";
const ZEROS = "00".repeat(16);
const cases: [key: string, iv: string, aad: string, plain: string, sealed: string][] = [
  [
    ZEROS,
    "00".repeat(12),
    "",
    ZEROS,
    "0388dace60b6a392f328c2b971b2fe78ab6e47d42cec13bdf53a67b21257bddf",
  ],
  [
    KEY,
    IV,
    AAD,
    PLAIN,
    "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091" +
      "5bc94fbc3221a5db94fae95ae7121a47",
  ],
  [
    ZEROS + ZEROS,
    "00".repeat(12),
    "",
    ZEROS,
    "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919",
  ],
  [
    KEY + KEY,
    IV,
    AAD,
    PLAIN,
    "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662" +
      "76fc6ece0f4e1768cddf8853bb2d551b",
  ],
];

test("AES-GCM seals and opens its authors' test cases, under both sizes of key", () => {
  for (const [key, iv, aad, plain, sealed] of cases) {
    const [k, i, a, p, s] = [key, iv, aad, plain, sealed].map(unhex) as Uint8Array[] as [
      Uint8Array,
      Uint8Array,
      Uint8Array,
      Uint8Array,
      Uint8Array,
    ];
    assert.is(hex(crypto.seal(k, i, a, p)), sealed);
    assert.is(hex(crypto.open(k, i, a, s) ?? NONE), plain);
  }
});

test("AES-GCM is OpenSSL's at any length of text and additional data", () => {
  const chance = new Chance(41n);
  const lengths = [0, 1, 15, 16, 17, 63, 64, 65, 127, 128, 1184, 4095, 4096, 4097, 9000, 28672];
  for (const bits of [128, 256] as const) {
    for (const length of lengths) {
      const key = chance.bytes(bits / 8);
      const [iv, aad, plain] = [
        chance.bytes(12),
        chance.bytes(chance.below(200)),
        chance.bytes(length),
      ];
      const openssl = createCipheriv(`aes-${bits}-gcm`, key, iv).setAAD(aad);
      const expected = Buffer.concat([
        openssl.update(plain),
        openssl.final(),
        openssl.getAuthTag(),
      ]);
      const sealed = crypto.seal(key, iv, aad, plain);
      assert.is(hex(sealed), hex(expected), `seed 41, ${bits} bits, ${length} bytes`);
      assert.is(hex(crypto.open(key, iv, aad, sealed) ?? NONE), hex(plain));
    }
  }
});

test("a changed bit of tag, text, IV or additional data opens nothing", () => {
  const chance = new Chance(42n);
  const [key, iv, aad, plain] = [
    chance.bytes(32),
    chance.bytes(12),
    chance.bytes(20),
    chance.bytes(70),
  ];
  const sealed = crypto.seal(key, iv, aad, plain);
  const flipped = (bytes: Uint8Array, bit: number) =>
    bytes.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
  for (let bit = 0; bit < 8 * sealed.length; bit += 3)
    assert.is(crypto.open(key, iv, aad, flipped(sealed, bit)), undefined);
  for (let bit = 0; bit < 96; bit += 5) {
    assert.is(crypto.open(key, flipped(iv, bit), aad, sealed), undefined);
    assert.is(crypto.open(key, iv, flipped(aad, bit), sealed), undefined);
    assert.is(crypto.open(flipped(key, bit), iv, aad, sealed), undefined);
  }
  assert.is(crypto.open(key, iv, aad, sealed.subarray(0, 15)), undefined);
  assert.is(hex(crypto.open(key, iv, aad, sealed) ?? NONE), hex(plain));
});

test("sizes that AES-GCM does not have here are refused by name", () => {
  const seal = (...sizes: [number, number, number, number]) => {
    const [key, iv, aad, plain] = sizes.map((size) => new Uint8Array(size)) as [
      Uint8Array,
      Uint8Array,
      Uint8Array,
      Uint8Array,
    ];
    return () => crypto.seal(key, iv, aad, plain);
  };
  assert.throws(seal(24, 12, 0, 0), /key: 24 bytes, expected 16 or 32/);
  assert.throws(seal(32, 16, 0, 0), /IV: 16 bytes, expected 12/);
  assert.throws(seal(32, 12, 0, 28673), /28673 bytes, expected at most 28672/);
  assert.throws(seal(32, 12, 28673, 0), /28673 bytes/);
});

test("the firmware of a machine hashes and seals without disturbing its guests", () => {
  const { core } = createPlatform({ generation: "sev", resident: 64 * MIB, ...withCore });
  const chance = new Chance(43n);
  const [key, page] = [chance.bytes(16), chance.bytes(4096)];
  core.firmware.installKey(1, key, key);
  core.firmware.write(0x5000n, 1, page);
  const sealed = core.firmware.seal(key, chance.bytes(12), NONE, page);
  assert.is(sealed.length, 4112);
  assert.is(hex(core.firmware.sha384(page)), createHash("sha384").update(page).digest("hex"));
  const back = new Uint8Array(4096);
  core.firmware.read(0x5000n, 1, back);
  assert.is(hex(back), hex(page));
});

test("a guest's key has 16 bytes or 32, and the tweak's as many", () => {
  const { core } = createPlatform({ generation: "sev", resident: 64 * MIB, ...withCore });
  const install = (key: number, tweak: number) => () =>
    core.firmware.installKey(1, new Uint8Array(key), new Uint8Array(tweak));
  assert.throws(install(24, 24), /key: 24 bytes/);
  assert.throws(install(16, 32), /key: 16 bytes and 32/);
  install(32, 32)();
});
