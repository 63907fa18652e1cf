// The plaintext of a page: what the chips hold while lines are dirty, and what every other observer sees.
import { createPlatform, type Generation } from "../../dist/index.js";
import * as Slot from "../../ts/abi/slot.ts";
import { Chance, hex, LARGE, MIB, OPEN, PAGE, pattern, readAll, withCore } from "../core.ts";
import { assert, suite } from "../kit.ts";
import { Lab } from "../lab.ts";

const test = suite("plaintext and DRAM");

const GPA = 0x20_0000n;
const GVA = 0x7000_0000n;
const SHARED = 0x7800_0000n;

/** A guest that sees one page twice: private at GVA, shared at SHARED. */
function twice(generation: Generation) {
  const lab = new Lab({ generation, chip: "milan" });
  const spa = lab.back(GPA);
  lab.map(GVA, GPA | OPEN | lab.cBit);
  lab.map(SHARED, GPA | OPEN);
  lab.load();
  return { lab, spa };
}

/** The 16-byte blocks of some bytes. */
function blocks(bytes: Uint8Array): string[] {
  return Array.from({ length: bytes.length / 16 }, (_, i) =>
    hex(bytes.subarray(16 * i, 16 * i + 16)),
  );
}

const differing = (a: Uint8Array, b: Uint8Array) => {
  const other = blocks(b);
  return blocks(a).flatMap((block, i) => (block === other[i] ? [] : [i]));
};

test("plaintext is in no byte of DRAM, neither while its lines are dirty nor after", () => {
  for (const generation of ["sev", "sev-es", "sev-snp"] as const) {
    const { lab, spa } = twice(generation);
    const plain = pattern(4096, 1);
    assert.is(lab.write(GVA, plain), true);
    const secret = new Set(blocks(plain));
    const search = () => {
      const dram = lab.dram(0x100_0000n, 0x2_0000);
      assert.not.ok(
        blocks(dram).some((block) => secret.has(block)),
        generation,
      );
      return hex(lab.dram(spa, 4096));
    };
    const dirty = search();
    lab.core.host.wbinvd();
    assert.is(search(), dirty);
    assert.is(hex(lab.read(GVA, 4096) as Uint8Array), hex(plain));
  }
});

test("a probe shows what a write-back would give, and changes nothing", () => {
  const { lab, spa } = twice("sev");
  const chance = new Chance(30n);
  for (let round = 0; round < 20; round++) {
    const at = BigInt(chance.below(4000));
    lab.write(GVA + at, chance.bytes(1 + chance.below(90)));
    const before = [lab.core.events(), lab.core.framesInUse()];
    const shown = hex(lab.dram(spa, 4096));
    assert.equal([lab.core.events(), lab.core.framesInUse()], before);
    if (round % 3 === 0) lab.core.host.wbinvd();
    assert.is(hex(lab.dram(spa, 4096)), shown, "seed 30");
  }
});

test("without the C-bit the guest sees its ciphertext; with it set again, the plaintext", () => {
  const { lab, spa } = twice("sev");
  const plain = pattern(4096, 2);
  lab.write(GVA, plain);
  const cipher = lab.read(SHARED, 4096) as Uint8Array;
  assert.is(differing(cipher, plain).length, 256);
  assert.is(hex(cipher), hex(lab.dram(spa, 4096)));
  assert.is(hex(lab.read(GVA, 4096) as Uint8Array), hex(plain));
  const open = pattern(4096, 3);
  lab.write(SHARED, open);
  assert.is(hex(lab.dram(spa, 4096)), hex(open));
  const garbage = lab.read(GVA, 4096) as Uint8Array;
  assert.is(differing(garbage, open).length, 256);
  // Reading garbage is no change: the shared bytes are still there.
  assert.is(hex(lab.read(SHARED, 4096) as Uint8Array), hex(open));
});

test("a host write over guest lines makes garbage of the 16-byte blocks it touches, and of no other", () => {
  const chance = new Chance(31n);
  for (const generation of ["sev", "sev-es"] as const) {
    for (let round = 0; round < 12; round++) {
      const { lab, spa } = twice(generation);
      const plain = chance.bytes(4096);
      lab.write(GVA, plain);
      const offset = chance.below(4000);
      const length = 1 + chance.below(Math.min(200, 4096 - offset));
      assert.ok(lab.core.host.write(spa + BigInt(offset), chance.bytes(length)));
      const first = offset >> 4;
      const last = (offset + length - 1) >> 4;
      const expected = Array.from({ length: last - first + 1 }, (_, i) => first + i);
      assert.equal(differing(lab.read(GVA, 4096) as Uint8Array, plain), expected, "seed 31");
      assert.is(differing(lab.read(GVA, 4096) as Uint8Array, plain).length, expected.length);
    }
  }
});

test("replayed ciphertext at its own address brings the old value back under SEV", () => {
  const { lab, spa } = twice("sev");
  const old = pattern(64, 4);
  lab.write(GVA + 128n, old);
  const captured = lab.dram(spa + 128n, 64);
  lab.write(GVA + 128n, pattern(64, 5));
  assert.ok(lab.core.host.write(spa + 128n, captured));
  assert.is(hex(lab.read(GVA + 128n, 64) as Uint8Array), hex(old));
  lab.write(GVA + 128n, pattern(64, 6));
  assert.ok(lab.core.dimm.write(spa + 128n, captured), "an interposer does it too");
  assert.is(hex(lab.read(GVA + 128n, 64) as Uint8Array), hex(old));
});

test("SNP refuses the host's write to a guest's page; an interposer's is not seen by any check", () => {
  const { lab, spa } = twice("sev-snp");
  const old = pattern(32, 4);
  lab.write(GVA, old);
  const captured = lab.dram(spa, 32);
  lab.write(GVA, pattern(32, 5));
  assert.not.ok(lab.core.host.write(spa, captured));
  assert.is(hex(lab.read(GVA, 32) as Uint8Array), hex(pattern(32, 5)));
  assert.ok(lab.core.dimm.write(spa, captured));
  assert.is(hex(lab.read(GVA, 32) as Uint8Array), hex(old));
});

// generation, the INVD flaw, whether dirty lines survive INVD
const invd: [Generation, boolean, boolean][] = [
  ["none", false, false],
  ["sme", false, false],
  ["sev", false, false],
  ["sev-es", false, false],
  ["sev-snp", false, true],
  ["sev-snp", true, false],
  ["none", true, false],
];

test("INVD loses dirty lines up to SEV-ES; with SNP it writes back, unless the part has the CacheWarp flaw", () => {
  for (const [generation, cacheWarp, survives] of invd) {
    const lab = new Lab({ generation, cacheWarp, chip: "milan" });
    lab.back(GPA);
    lab.map(GVA, GPA | OPEN | lab.cBit);
    lab.load();
    const old = pattern(4096, 6);
    lab.write(GVA, old);
    lab.core.host.wbinvd();
    const young = old.slice();
    young.set(pattern(10, 7), 100);
    lab.write(GVA + 100n, young.subarray(100, 110));
    assert.is(hex(lab.read(GVA, 4096) as Uint8Array), hex(young));
    lab.core.host.invd();
    const left = hex(lab.read(GVA, 4096) as Uint8Array);
    assert.is(left, hex(survives ? young : old), `${generation} ${cacheWarp}`);
  }
});

test("SPAs that differ above bit 31 are different memory, up to the last page of 64 GiB", () => {
  const { core } = createPlatform({ generation: "sme", resident: 64 * MIB, ...withCore });
  const spas = [0n, 1n << 32n, 1n << 33n, 63n << 30n, (64n << 30n) - PAGE];
  for (const [i, spa] of spas.entries()) assert.ok(core.host.write(spa, pattern(4096, i)));
  core.host.wbinvd();
  for (const [i, spa] of spas.entries())
    assert.is(hex(readAll((into) => core.host.read(spa, into), 4096)), hex(pattern(4096, i)));
});

test("beyond the last page there is no memory, and no other page answers there", () => {
  const { core } = createPlatform({ generation: "sme", resident: 64 * MIB, ...withCore });
  core.host.write(0n, pattern(16, 1));
  for (const spa of [64n << 30n, 1n << 44n, 1n << 45n, 1n << 52n, 1n << 63n, (1n << 64n) - PAGE]) {
    const into = new Uint8Array(16);
    assert.not.ok(core.host.read(spa, into), `host read at ${spa}`);
    assert.not.ok(core.host.write(spa, into), `host write at ${spa}`);
    assert.not.ok(core.host.write(spa, into, true));
    assert.not.ok(core.dimm.read(spa, into));
    assert.not.ok(core.dimm.write(spa, into));
    assert.not.ok(core.firmware.read(spa, 0, into));
    assert.not.ok(core.firmware.write(spa, 0, into));
    assert.not.ok(core.firmware.setRmp(spa, 1n, 0n));
    assert.equal(core.firmware.rmp(spa), { low: 0n, high: 0n });
    assert.is(core.host.exit().spa, spa);
  }
  assert.is(hex(readAll((into) => core.host.read(0n, into), 16)), hex(pattern(16, 1)));
});

test("a working set larger than the frames that hold its plaintext stays right, in flat memory", () => {
  const { core } = createPlatform({ generation: "sme", resident: 64 * MIB, ...withCore });
  // Open and in DRAM a page takes two frames: these fit only once each, so opening them again evicts.
  const pages = 11000;
  const value = (page: number, round: number) => {
    const bytes = new Uint8Array(16);
    new DataView(bytes.buffer).setUint32(0, page * 7 + round, true);
    return bytes;
  };
  const at = (page: number) => BigInt(page) * PAGE + BigInt((page % 250) * 16);
  for (let page = 0; page < pages; page++)
    assert.ok(core.host.write(at(page), value(page, 0), true));
  core.host.wbinvd();
  let most = 0;
  for (let round = 1; round <= 2; round++) {
    for (let page = 0; page < pages; page += 1 + (page % 3)) {
      const seen = new Uint8Array(16);
      assert.ok(core.host.read(at(page), seen, true));
      if (seen[0] !== value(page, round - 1)[0]) assert.is(hex(seen), hex(value(page, round - 1)));
      assert.ok(core.host.write(at(page), value(page, round), true));
    }
    const frames = core.framesInUse();
    assert.ok(round === 1 || frames === most, `${frames} frames, before ${most}`);
    most = frames;
  }
});

test("when every frame is in use and none can be written back, the error names resident", () => {
  const { core } = createPlatform({ generation: "none", resident: 64 * MIB, ...withCore });
  assert.throws(() => {
    for (let page = 0n; page < 20000n; page++)
      if (!core.host.write(page * LARGE, pattern(8, 1))) core.host.exit();
  }, /resident/);
});

test("a key lives until the last frame open under it is closed, and its lines reach DRAM encrypted", () => {
  const { lab, spa } = twice("sev");
  const { firmware, host, guest } = lab.core;
  lab.write(GVA, pattern(4096, 8));
  const cipher = hex(lab.dram(spa, 4096));
  firmware.removeKey(lab.asid);
  assert.is(firmware.slotState(lab.asid), Slot.LEAVING);
  assert.is(hex(lab.dram(spa, 4096)), cipher);
  assert.not.ok(guest.mayRun());
  assert.not.ok(lab.read(GVA) instanceof Uint8Array, "no remembered walk lets it in");
  host.wbinvd();
  assert.is(firmware.slotState(lab.asid), Slot.EMPTY);
  assert.is(hex(lab.dram(spa, 4096)), cipher);
  firmware.removeKey(lab.asid);
  assert.is(firmware.slotState(lab.asid), Slot.EMPTY, "nothing open: the key goes at once");
});

test("the host's SME key and no key are different views of one page", () => {
  const { core } = createPlatform({ generation: "sme", resident: 64 * MIB, ...withCore });
  const plain = pattern(4096, 9);
  core.host.write(0x5000n, plain, true);
  const raw = readAll((into) => core.host.read(0x5000n, into), 4096);
  assert.is(differing(raw, plain).length, 256);
  core.host.write(0x5000n + 20n, raw.subarray(20, 21));
  assert.is(hex(readAll((into) => core.host.read(0x5000n, into, true), 4096)), hex(plain));
});
