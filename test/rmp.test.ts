// An RMP entry decoded: raw words of real machines, the name of every state, and the field guide's word. Spec digest rmp.md 2.1 and 3.
import { decodeWord, encodeWord, pageState, rmpEntry, wordOf } from "../dist/index.js";
import { assert, suite } from "./kit.ts";

const test = suite("RMP entries");

// rmp.md 2.1: low, high, and what they were on the machine they were seen on
const seen: [bigint, bigint, string, Partial<ReturnType<typeof rmpEntry>>][] = [
  [0n, 0n, "hypervisor", { assigned: false, subpages: 0 }],
  [4n, 0n, "hv-fixed", { assigned: false, immutable: true }],
  [0x8000_0000_0000_0005n, 0n, "firmware", { locked: true, asid: 0, gpa: 0n }],
  [0x8000_0000_0000_07fdn, 0n, "firmware", { locked: true, subpages: 255, large: false }],
  [
    0x6010_ffff_ffff_f001n,
    0x1fn,
    "guest-valid",
    { asid: 2, vmsa: true, gpa: 0xffff_ffff_f000n, locked: false, permissions: [0x1f, 0, 0, 0] },
  ],
  // The same VMSA while VMRUN is on it: the ASID field reads 0x3fe.
  [0xfff0_ffff_ffff_f001n, 0x1fn, "guest-valid", { asid: 0x3fe, vmsa: true, locked: true }],
];

test("entries seen on real machines read as what they were", () => {
  for (const [low, high, state, fields] of seen) {
    const entry = rmpEntry({ low, high });
    assert.is(pageState(entry), state);
    for (const [name, value] of Object.entries(fields))
      assert.equal(entry[name as keyof typeof entry], value, `${low.toString(16)} ${name}`);
  }
});

test("every entry has the state of the firmware ABI's table, an uncovered page Default", () => {
  assert.is(pageState(undefined), "default");
  const counts = new Map<string, number>();
  for (let bits = 0; bits < 64; bits++) {
    const [assigned, immutable, validated, vmsa, owned, mapped] = [1, 2, 4, 8, 16, 32].map(
      (bit) => (bits & bit) !== 0,
    );
    const low =
      BigInt(Number(assigned)) |
      (BigInt(Number(immutable)) << 2n) |
      (mapped ? 5n << 12n : 0n) |
      (owned ? 7n << 51n : 0n) |
      (BigInt(Number(vmsa)) << 61n) |
      (BigInt(Number(validated)) << 62n);
    const firmware = vmsa ? (mapped ? "metadata" : "context") : "firmware";
    const guest = immutable
      ? validated
        ? "pre-swap"
        : "pre-guest"
      : validated
        ? "guest-valid"
        : "guest-invalid";
    const asidZero = immutable ? firmware : "reclaim";
    const unassigned = immutable ? "hv-fixed" : "hypervisor";
    const expected = !assigned ? unassigned : owned ? guest : asidZero;
    const state = pageState(rmpEntry({ low, high: 0n }));
    assert.is(state, expected, low.toString(16));
    counts.set(state, (counts.get(state) ?? 0) + 1);
  }
  assert.is(counts.size, 10);
});

// An entry, whether it is mapped, and the guide's word for it
const words: [bigint, bigint, boolean, bigint][] = [
  [0n, 0n, false, 0n],
  [0n, 0n, true, 0x800n],
  [0x0008_0000_0000_0001n, 0x0fn, false, 0x407n],
  [0x4008_0000_0000_0001n, 0x0fn, false, 0x40fn],
  [0x4008_0000_0000_0001n, 0x03_000fn, false, 0x60bn],
  [0x4008_0000_0000_0001n, 0x0100_000fn, false, 0x709n],
  [0x6010_ffff_ffff_f001n, 0x1fn, false, 0x48fn],
  [0x8000_0000_0000_0005n, 0n, false, 0x400n],
];

test("the field guide's word is a view of the entry, and decodes to what it was made of", () => {
  for (const [low, high, mapped, bits] of words) {
    const word = wordOf(rmpEntry({ low, high }), mapped);
    assert.is(encodeWord(word), bits, low.toString(16));
    assert.equal(decodeWord(bits), word);
  }
  for (const bits of [0xc00n, 0x410n, 0x1400n, 1n << 63n]) assert.is(decodeWord(bits), undefined);
});

test("the word tells neither ASID nor GPA: two guests' pages have the same", () => {
  const one = wordOf(rmpEntry({ low: 0x4008_0000_0000_1001n, high: 0xfn }));
  const other = wordOf(rmpEntry({ low: 0x4010_0000_0000_5001n, high: 0xfn }));
  assert.is(encodeWord(one), encodeWord(other));
});
