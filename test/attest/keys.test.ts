// The published key derivation, against vectors computed from its description by somebody else's code.
import {
  cekOf,
  chipIdOf,
  chipSecretsOf,
  hashSticksOf,
  pointOf,
  vcekOf,
  vcekSeedAt,
  vlekOf,
} from "../../dist/attest/evidence/secret.js";
import { kdf } from "../../dist/kdf.js";
import { assert, skip, suite } from "../kit.ts";
import { hasShared, shared } from "../shared.ts";

const test = suite("keys of a chip");
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const bytes = (text: string) => new Uint8Array(Buffer.from(text, "hex"));
const number = (key: Uint8Array) => `0x${hex(key).replace(/^0+/, "")}`;

interface Derived {
  final_seed: string;
  d: string;
}
interface Vectors {
  fuses: string;
  chip_id: string;
  cek: { d: string };
  vcek_root_seed: string;
  vcek: Record<string, Derived>;
}

const VECTORS = "key-derivation-vectors.json";

test("follow from its fuses as published: CHIP_ID, CEK, and a VCEK for each TCB", () => {
  if (!hasShared(VECTORS)) return skip("published key derivation", "no shared vectors");
  const { fuses, chip_id, cek, vcek_root_seed, vcek } = shared<Vectors>(VECTORS);
  assert.is(hex(pointOf(bytes(fuses))), chip_id);
  assert.is(number(cekOf(bytes(fuses))), cek.d);
  assert.is(Object.keys(vcek).length, 3);
  for (const [name, { final_seed, d }] of Object.entries(vcek)) {
    const [bl, tee, snp, ucode] = (name.match(/\d+/g) ?? []).map(BigInt);
    const tcb = bl! | (tee! << 8n) | (snp! << 48n) | (ucode! << 56n);
    assert.is(hex(vcekSeedAt(bytes(vcek_root_seed), tcb)), final_seed, name);
    assert.is(number(vcekOf(bytes(vcek_root_seed), tcb)), d, name);
  }
});

test("are another for another chip, product or TCB", () => {
  const { vcekSeed } = chipSecretsOf("one", "Milan");
  const keys = [
    vcekOf(vcekSeed, 0n),
    vcekOf(vcekSeed, 1n),
    vcekOf(chipSecretsOf("two", "Milan").vcekSeed, 0n),
    vcekOf(chipSecretsOf("one", "Genoa").vcekSeed, 0n),
  ].map(hex);
  assert.is(new Set(keys).size, keys.length);
  assert.equal(chipIdOf("one", "Milan"), pointOf(chipSecretsOf("one", "Milan").fuses));
  assert.equal(chipIdOf("one", "Turin").slice(8), new Uint8Array(56));
});

test("of a lower TCB follow from a provider's hash sticks of a higher one, and are the provider's own", () => {
  const [high, low] = [0x4805000000000304n, 0x4803000000000204n];
  const sticks = hashSticksOf("one", "Milan", "CN=a", high);
  assert.is(sticks.length, 384);
  const own = vlekOf(hashSticksOf("one", "Milan", "CN=a", low), low, low);
  assert.equal(vlekOf(sticks, high, low), own);
  assert.not.equal(vlekOf(sticks, high, high), own);
  assert.not.equal(vlekOf(hashSticksOf("one", "Milan", "CN=b", low), low, low), own);
});

test("come from a KDF that gives any length, and another output for another label, context or length", () => {
  const key = new Uint8Array(32).fill(7);
  assert.is(kdf(key, "a", 100).length, 100);
  // the length is part of what is hashed
  assert.not.equal(kdf(key, "a", 32), kdf(key, "a", 64).slice(0, 32));
  assert.not.equal(kdf(key, "a", 32), kdf(key, "b", 32));
  assert.not.equal(kdf(key, "a", 32), kdf(key, "a", 32, Uint8Array.of(1)));
});
