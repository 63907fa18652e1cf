// What links compute with: the core's cipher, a slow one by an AEAD, and OpenSSL's agree, on every length that a unit can have.
import { createCipheriv } from "node:crypto";
import { createPlatform } from "../../dist/index.js";
import { aeadCipher, type IdeUnit } from "../../dist/pcie/ide-cipher.js";
import { aeads } from "../../dist/spdm/crypto.js";
import { Chance, hex, MIB, withCore } from "../core.ts";
import { assert, suite } from "../kit.ts";

const test = suite("the links' cipher");

const core = createPlatform({ generation: "sev-tio", resident: 64 * MIB, ...withCore }).core.ide;
const slow = aeadCipher(aeads[0]![1]);
const chance = new Chance(20261126n);
const unit = (text: number, aad = 20): IdeUnit => ({
  iv: chance.bytes(12),
  aad: chance.bytes(aad),
  text: chance.bytes(text),
});

test("units of 0 to 2048 bytes under many keys are sealed as OpenSSL seals them", () => {
  for (let round = 0; round < 80; round++) {
    const key = chance.bytes(32);
    const lengths = Array.from({ length: 1 + chance.below(40) }, () =>
      chance.pick([0, 1, 4, 15, 16, 17, 64, 252, 256, 256, 256, 255, 1024, 2048]),
    );
    const units = lengths.map((length) => unit(length, chance.pick([16, 20, 40, 160])));
    const sealed = core.seal(key, units);
    assert.is(sealed.length, units.length);
    units.forEach(({ iv, aad, text }, n) => {
      const gcm = createCipheriv("aes-256-gcm", key, iv, { authTagLength: 12 });
      gcm.setAAD(aad);
      const expected = Buffer.concat([gcm.update(text), gcm.final(), gcm.getAuthTag()]);
      assert.is(hex(sealed[n]!), expected.toString("hex"));
    });
  }
});

test("both open what either sealed, and stop at the first unit that was changed", () => {
  const key = chance.bytes(32);
  const units = [256, 4, 0, 2048, 16].map((length) => unit(length));
  const sealed = slow.seal(key, units);
  const came = units.map((each, n) => ({
    ...each,
    text: sealed[n]!.subarray(0, each.text.length),
    mac: sealed[n]!.subarray(each.text.length),
  }));
  for (const cipher of [core, slow]) {
    const opened = cipher.open(key, came);
    assert.equal(
      opened.map(hex),
      units.map(({ text }) => hex(text)),
    );
    for (let wrong = 0; wrong < units.length; wrong++) {
      for (const part of ["text", "aad", "iv", "mac"] as const) {
        const changed = came.map((each) => ({ ...each }));
        if (changed[wrong]![part]!.length === 0) continue;
        const octets = changed[wrong]![part]!.slice();
        octets[chance.below(octets.length)]! ^= 1 << chance.below(8);
        changed[wrong]![part] = octets;
        assert.is(cipher.open(key, changed).length, wrong, `${part} of unit ${wrong}`);
      }
    }
  }
});
