// IGVM files made by hand from igvm_defs' structures: what is loaded of them, in which order, and what is refused.
import { hex } from "../../ts/attest/bytes.ts";
import { snpDigest } from "../../ts/launch/digest.ts";
import { crc32 } from "../../ts/launch/image/crc32.ts";
import { type IgvmOptions, parseIgvm } from "../../ts/launch/image/igvm.ts";
import { ImageRefused } from "../../ts/launch/image/refusal.ts";
import { prng } from "../../ts/prng.ts";
import { assert, suite } from "../kit.ts";
import {
  A,
  area,
  B,
  fileOf,
  good,
  insert,
  page,
  platform,
  SNP,
  structure,
  TDX,
} from "./igvm-file.ts";
import { words } from "./image.ts";

const test = suite("an IGVM file");

test("is loaded in its order: this platform's pages, parameters unmeasured, save areas last", () => {
  const { policy: word, plan } = parseIgvm(fileOf(good));
  assert.is(word, 0x30000n);
  assert.equal(
    plan.map(({ type, gpa, bytes }) => [type, gpa, bytes]),
    [
      ["normal", 0x1000n, 4096],
      ["normal", 0x2000n, 4096],
      ["unmeasured", 0x3000n, 4096],
      ["secrets", 0x5000n, 4096],
      ["cpuid", 0x6000n, 4096],
      ["unmeasured", 0x8000n, 8192],
      ["vmsa", 0xfffffffff000n, 4096],
    ],
  );
  assert.equal(plan[0]?.contents, A);
  assert.equal(plan[1]?.contents, new Uint8Array(4096));
  assert.equal(plan[6]?.contents, B);
});

test("measures a page without data as zeros, or as SNP's zero page for loaders that do so", () => {
  const digest = (options: IgvmOptions) => hex(snpDigest(parseIgvm(fileOf(good), options).plan));
  assert.is(digest({}), digest({ zeroPages: "normal" }));
  assert.is.not(digest({}), digest({ zeroPages: "zero" }));
});

test("carries 2 MiB in one structure, measured as 512 pages", () => {
  const large = parseIgvm(fileOf(() => [platform(SNP, 2), page(0x200000, 0, 1)])).plan;
  const small = parseIgvm(
    fileOf(() => [
      platform(SNP, 2),
      ...Array.from({ length: 512 }, (_, i) => page(0x200000 + i * 4096, 0)),
    ]),
  ).plan;
  assert.equal(large.length, 1);
  assert.equal(snpDigest(large), snpDigest(small));
});

test("is checked by the CRC-32 that zip and Ethernet have", () => {
  assert.is(crc32(new TextEncoder().encode("123456789")), 0xcbf43926);
});

const snp = platform(SNP, 2);
const wrong: [string, Uint8Array, string, RegExp][] = [
  ["nothing", new Uint8Array(0), "IGVM_HEADER", /0 bytes/],
  ["magic", fileOf(good, { 0: 1 }), "IGVM_HEADER", /magic 0x1/],
  ["version 2", fileOf(good, { 4: 2 }), "IGVM_HEADER", /format version 2/],
  ["size", fileOf(good).subarray(1, -1), "IGVM_HEADER", /magic/],
  ["cut", fileOf(good).subarray(0, -1), "IGVM_HEADER", /bytes, expected/],
  ["header", fileOf(good, { 8: 25 }), "IGVM_HEADER", /variable header from 25/],
  ["checksum", fileOf(good, { 20: 5 }), "IGVM_CHECKSUM", /expected 0x5/],
  ["TDX only", fileOf(() => [platform(TDX, 3)]), "IGVM_PLATFORM", /not for SEV-SNP/],
  ["unknown", fileOf(() => [snp, structure(0x999, words(1))]), "IGVM_STRUCTURE", /type 0x999/],
  [
    "length",
    fileOf(() => [snp, structure(0x302, words(1))]),
    "IGVM_STRUCTURE",
    /4 bytes, expected 24/,
  ],
  ["end", fileOf(() => [snp, words(0x302, 999)]), "IGVM_STRUCTURE", /ends behind/],
  ["gpa", fileOf((a) => [snp, page(0x1800, a)]), "IGVM_PAGE", /gpa 0x1800/],
  ["2 MiB gpa", fileOf((a) => [snp, page(0x1000, a, 1)]), "IGVM_PAGE", /multiple of 2097152/],
  ["type", fileOf((a) => [snp, page(0x1000, a, 0, 9)]), "IGVM_PAGE", /data type 9/],
  ["data", fileOf(() => [snp, page(0x1000, 0xfffff)]), "IGVM_PAGE", /the file has/],
  ["area", fileOf(() => [snp, insert(0x1000, 3)]), "IGVM_STRUCTURE", /area 3 was not declared/],
  [
    "twice",
    fileOf(() => [snp, area(4096, 3), insert(0x1000, 3), insert(0x2000, 3)]),
    "IGVM_STRUCTURE",
    /not declared/,
  ],
  [
    "area size",
    fileOf(() => [snp, area(100, 3)]),
    "IGVM_STRUCTURE",
    /100 bytes, expected whole pages/,
  ],
];

test("broken in any of eighteen ways is refused by name", () => {
  for (const [what, file, code, says] of wrong) {
    try {
      parseIgvm(file);
    } catch (error) {
      assert.is((error as ImageRefused).code, code, `${what}: ${error}`);
      assert.match((error as Error).message, says, what);
      continue;
    }
    assert.unreachable(what);
  }
});

test("changed anywhere is read or refused, and never more", () => {
  const chance = prng(7n, "broken IGVM");
  console.log("seed 7");
  const whole = fileOf(good);
  const headers = whole.length - 8192;
  for (let i = 0; i < 1000; i++) {
    const [a, b, c] = chance.bytes(3) as unknown as [number, number, number];
    const changed = Uint8Array.from(whole);
    changed[24 + ((a * 256 + b) % (headers - 24))] = c;
    const covered = changed.slice(0, headers).fill(0, 20, 24);
    new DataView(changed.buffer).setUint32(20, crc32(covered), true);
    try {
      parseIgvm(changed);
    } catch (error) {
      assert.instance(error, ImageRefused, `${i}: ${error}`);
    }
  }
});
