// The memory engine's cipher as the ports show it: tweaks, moved blocks, seeds. Spec digest aes-engine.md 2.
import { existsSync, readFileSync } from "node:fs";
import { chips } from "../../dist/chip/index.js";
import { tweaksOf } from "../../dist/chip/tweak.js";
import { createPlatform, prng } from "../../dist/index.js";
import { hex, MIB, pattern, readAll, unhex, withCore } from "../core.ts";
import { assert, skip, suite } from "../kit.ts";
import { linearTweak, xex } from "../oracle/xts.ts";

const test = suite("the memory engine");

const VECTORS = "../shared/vectors/aes-xex-zen1-vectors.json";

test("Naples encrypts with the published tweak constants of Zen 1", () => {
  if (!existsSync(VECTORS)) return skip("Zen 1 XEX vectors", `${VECTORS} is not here`);
  const { key, vectors } = JSON.parse(readFileSync(VECTORS, "utf8"));
  const { core } = createPlatform({
    chip: "naples",
    generation: "sev",
    resident: 64 * MIB,
    ...withCore,
  });
  core.firmware.installKey(1, unhex(key), unhex(key));
  for (const { pa, pt, xex: expected } of vectors) {
    const spa = BigInt(pa);
    assert.ok(core.firmware.write(spa, 1, unhex(pt)));
    assert.is(hex(readAll((into) => core.dimm.read(spa, into), 16)), expected, pa);
    core.host.wbinvd();
    assert.is(
      hex(readAll((into) => core.host.read(spa, into), 16)),
      expected,
      `${pa} written back`,
    );
    assert.is(hex(readAll((into) => core.firmware.read(spa, 1, into), 16)), pt);
  }
});

const xor = (...parts: Uint8Array[]) =>
  parts.reduce((sum, part) => sum.map((byte, i) => byte ^ (part[i] as number)));

test("a moved ciphertext block decrypts to garbage, and on Naples to the garbage XEX promises", () => {
  const { core } = createPlatform({
    chip: "naples",
    generation: "sev",
    seed: 5n,
    resident: 64 * MIB,
    ...withCore,
  });
  const constants = tweaksOf(chips.naples, prng(5n, "tweak"));
  const key = pattern(16, 9);
  core.firmware.installKey(1, key, key);
  const plain = pattern(16, 3);
  const p = 0x40_0040n;
  const q = 0x7_0000_1230n & ~0xfn;
  const [atP, atQ] = [linearTweak(constants, p), linearTweak(constants, q)];
  core.firmware.write(p, 1, plain);
  const cipher = readAll((into) => core.dimm.read(p, into), 16);
  core.dimm.write(q, cipher);
  const moved = readAll((into) => core.firmware.read(q, 1, into), 16);
  assert.is.not(hex(moved), hex(plain));
  // D(c ^ T(q)) ^ T(q), where c = E(m ^ T(p)) ^ T(p).
  assert.is(hex(moved), hex(xex(key, atQ, cipher, "decrypt")));
  // Corrected for the tweaks' difference, what comes out is m ^ T(p ^ q): the tweak is linear.
  core.dimm.write(q, xor(cipher, atP, atQ));
  const forged = readAll((into) => core.firmware.read(q, 1, into), 16);
  assert.is(hex(forged), hex(xor(plain, linearTweak(constants, p ^ q))));
});

test("the same plaintext at two addresses, or under two keys, differs in DRAM", () => {
  for (const cipher of ["xex", "xts"] as const) {
    const { core } = createPlatform({
      generation: "sev-es",
      cipher,
      resident: 64 * MIB,
      ...withCore,
    });
    core.firmware.installKey(1, pattern(16, 1), pattern(16, 2));
    core.firmware.installKey(2, pattern(16, 4), pattern(16, 5));
    const plain = new Uint8Array(32);
    const places: [bigint, number][] = [
      [0n, 1],
      [0x1000n, 1],
      [0x1_0000_0000n, 1],
      [0xf_c000_0000n, 1],
      [0x3000n, 2],
    ];
    const blocks = places.flatMap(([spa, key]) => {
      core.firmware.write(spa, key, plain);
      const seen = readAll((into) => core.dimm.read(spa, into), 32);
      return [hex(seen.subarray(0, 16)), hex(seen.subarray(16))];
    });
    assert.is(new Set(blocks).size, blocks.length, cipher);
  }
});

function rank(constants: Uint8Array): number {
  const rows = Array.from({ length: 64 }, (_, i) =>
    BigInt(`0x${hex(constants.subarray(16 * i, 16 * i + 16))}`),
  );
  let count = 0;
  for (let column = 127n; column >= 0n; column--) {
    const at = rows.findIndex((row) => (row >> column) & 1n);
    if (at < 0) continue;
    const [pivot] = rows.splice(at, 1) as [bigint];
    for (const [i, row] of rows.entries()) if ((row >> column) & 1n) rows[i] = row ^ pivot;
    count++;
  }
  return count;
}

test("the tweak constants of each part are independent, and another seed gives others", () => {
  for (const chip of Object.values(chips)) {
    const one = tweaksOf(chip, prng(1n, "tweak"));
    const two = tweaksOf(chip, prng(2n, "tweak"));
    const positions = chip.physicalBits - chip.reducedBits - 4;
    assert.is(rank(one), positions, chip.name);
    assert.is(hex(one.subarray(0, 64)), "00".repeat(64));
    assert.is(hex(one), hex(tweaksOf(chip, prng(1n, "tweak"))));
    for (let i = 4; i < chip.physicalBits - chip.reducedBits; i++) {
      const constant = (of: Uint8Array) => hex(of.subarray(16 * i, 16 * i + 16));
      const published = chip.tweaks?.[i];
      assert.is(constant(one) === constant(two), published !== undefined, `${chip.name} bit ${i}`);
      if (published) assert.is(constant(one), published.repeat(4));
    }
  }
});

test("one seed gives the same bytes of DRAM twice, another seed others", () => {
  const dram = (seed: bigint) => {
    const platform = createPlatform({
      generation: "sev",
      chip: "milan",
      seed,
      resident: 64 * MIB,
      ...withCore,
    });
    const vm = platform.createVm({ memory: 0x1000000n, pageSize: "4k" });
    const { core } = platform;
    core.firmware.write(0x80_0000n, vm.asid, pattern(8192, 7));
    core.host.write(0x90_0000n, pattern(4096, 8), true);
    core.host.write(0xa0_0000n, pattern(4096, 9));
    return hex(readAll((into) => core.dimm.read(0n, into), 0xb0_0000));
  };
  const [one, again, two] = [dram(7n), dram(7n), dram(8n)];
  assert.ok(one === again);
  assert.not.ok(one === two);
});
