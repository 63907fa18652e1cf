// Firmware images right and wrong: what the table says, and by which name a broken one is refused.
import { concat } from "../../ts/attest/bytes.ts";
import { launchDigest } from "../../ts/launch/digest.ts";
import { hashKernel, hashPage } from "../../ts/launch/image/kernel-hashes.ts";
import { parseOvmf } from "../../ts/launch/image/ovmf.ts";
import { ImageRefused } from "../../ts/launch/image/refusal.ts";
import { parseSvsm } from "../../ts/launch/image/svsm.ts";
import { type LaunchOptions, launchPlan } from "../../ts/launch/plan.ts";
import { signatureOf, signatureOfType } from "../../ts/launch/vcpu-type.ts";
import { vmmTypeOf } from "../../ts/launch/vmsa.ts";
import { prng } from "../../ts/prng.ts";
import { assert, suite } from "../kit.ts";
import {
  ENTRIES,
  HASH_TABLE,
  type ImageOptions,
  imageOf,
  METADATA,
  RESET_BLOCK,
  SECTIONS,
  type SectionRow,
  SVSM_INFO,
  words,
} from "./image.ts";

const test = suite("a firmware image");

test("ends at 4 GiB and says where its processors, hashes and sections are", () => {
  const image = parseOvmf(imageOf());
  assert.is(image.gpa, 2 ** 32 - 0x2000);
  assert.is(image.resetEip, 0x80b004);
  assert.is(image.hashTableGpa, 0x810c00);
  assert.equal(image.sections, [
    { type: "SEC_MEM", gpa: 0x800000, bytes: 0x3000 },
    { type: "SECRETS", gpa: 0x80d000, bytes: 0x1000 },
    { type: "CPUID", gpa: 0x80e000, bytes: 0x1000 },
    { type: "KERNEL_HASHES", gpa: 0x810000, bytes: 0x1000 },
  ]);
  assert.equal([...image.table.keys()].sort(), [RESET_BLOCK, HASH_TABLE, METADATA].sort());
});

test("without a table is firmware all the same, of which only SEV can be measured", () => {
  const firmware = parseOvmf(new Uint8Array(0x1000));
  assert.is(firmware.table.size, 0);
  const options: LaunchOptions = { mode: "sev", firmware, vcpus: 1, signature: 0 };
  assert.is(launchDigest(options).length, 32);
  assert.throws(() => launchDigest({ ...options, mode: "seves" }), /no SEV-ES reset block/);
});

/** The good sections, one of them changed. */
const row = (at: number, change: Record<number, number>): SectionRow[] =>
  SECTIONS.map((section, i) =>
    i === at ? (Object.assign([...section], change) as SectionRow) : section,
  );

// What is broken, the name it is refused by, the sentence, and whether a place is given.
const broken: [string, ImageOptions, string, RegExp][] = [
  [
    "a table shorter than its footer",
    { footerLength: 17 },
    "TABLE_LENGTH",
    /17 bytes, expected 18 to 8160, at byte 0x1fce/,
  ],
  ["a table longer than the image", { footerLength: 0xffff }, "TABLE_LENGTH", /65535 bytes/],
  ["a table that ends inside an entry", { footerLength: 18 + 5 }, "ENTRY_LENGTH", /entry/],
  [
    "an entry shorter than its tail",
    { entries: [[RESET_BLOCK, words(1), 17]] },
    "ENTRY_LENGTH",
    /17 bytes, expected 22 to/,
  ],
  [
    "an entry longer than the table",
    { entries: [[RESET_BLOCK, words(1), 9999]] },
    "ENTRY_LENGTH",
    /9999 bytes/,
  ],
  [
    "a reset block without data",
    { entries: [[RESET_BLOCK, words()]] },
    "ENTRY_LENGTH",
    /18 bytes, expected 22/,
  ],
  [
    "an entry that occurs twice",
    { entries: [...ENTRIES, [RESET_BLOCK, words(2)]] },
    "ENTRY_TWICE",
    /a second time/,
  ],
  [
    "metadata before the image",
    { entries: [[METADATA, words(0x9999)]] },
    "METADATA_PLACE",
    /0x9999 bytes before the end of 0x2000/,
  ],
  [
    "metadata behind the image",
    { entries: [[METADATA, words(4)]] },
    "METADATA_PLACE",
    /0x4 bytes before/,
  ],
  [
    "another signature",
    { head: [0x12345678] },
    "METADATA_SIGNATURE",
    /0x12345678, expected 0x56455341 \("ASEV"\), at byte 0x1800/,
  ],
  [
    "another version",
    { head: [undefined, undefined, 2] },
    "METADATA_VERSION",
    /version 2, expected 1/,
  ],
  [
    "a length that fits no count",
    { head: [undefined, 65] },
    "METADATA_LENGTH",
    /65 bytes with 4 sections, expected 64/,
  ],
  [
    "more sections than the image holds",
    { head: [undefined, 16 + 12 * 9999, 1, 9999] },
    "METADATA_LENGTH",
    /within the image/,
  ],
  [
    "a section of no known type",
    { sections: row(0, { 2: 9 }) },
    "SECTION_TYPE",
    /type 9, expected one of 1, 2, 3, 4, 16/,
  ],
  [
    "a section inside a page",
    { sections: row(0, { 0: 0x800800 }) },
    "SECTION_PLACE",
    /expected whole pages/,
  ],
  ["an empty section", { sections: row(0, { 1: 0 }) }, "SECTION_PLACE", /expected whole pages/],
  [
    "two pages of secrets",
    { sections: row(1, { 1: 0x2000 }) },
    "SECTION_PLACE",
    /expected one page/,
  ],
  [
    "sections that overlap",
    { sections: row(1, { 0: 0x802000 }) },
    "SECTION_PLACE",
    /SEC_MEM section at gpa 0x800000 overlaps SECRETS/,
  ],
  [
    "two CPUID pages",
    { sections: row(1, { 2: 3 }) },
    "SECTION_COUNT",
    /2 CPUID sections, expected 1/,
  ],
];

test("with a broken table is refused by name and place", () => {
  for (const [what, options, code, says] of broken) {
    try {
      parseOvmf(imageOf(options));
    } catch (error) {
      assert.instance(error, ImageRefused, what);
      assert.is((error as ImageRefused).code, code, what);
      assert.match((error as ImageRefused).message, says, what);
      assert.type((error as ImageRefused).offset, "number", what);
      continue;
    }
    assert.unreachable(what);
  }
});

test("of no bytes, of too many, or of no whole pages is refused", () => {
  assert.throws(() => parseOvmf(new Uint8Array(0)), /0 bytes/);
  assert.throws(() => parseOvmf(new Uint8Array((16 << 20) + 1)), /16777217 bytes/);
  const cut = parseOvmf(imageOf().subarray(1));
  const options = { firmware: cut, vcpus: 1, signature: 0 };
  assert.throws(() => launchDigest({ ...options, mode: "snp" }), /8191 bytes, expected a multiple/);
  launchDigest({ ...options, mode: "sev" });
});

test("cut anywhere or with any byte changed is read or refused, and never more", () => {
  const image = imageOf();
  const chance = prng(6n, "broken images");
  console.log("seed 6");
  for (let i = 0; i < 2000; i++) {
    const [a, b, c, d] = chance.bytes(4) as unknown as [number, number, number, number];
    const at = image.length - 1 - ((a * 256 + b) % 0x900);
    const changed = i % 4 === 0 ? image.slice(0, at) : Uint8Array.from(image);
    if (i % 4 !== 0) changed[at] = c;
    if (i % 8 === 1) changed[(at - d) % image.length] = d;
    try {
      parseOvmf(changed);
    } catch (error) {
      assert.instance(error, ImageRefused, `${i}: ${error}`);
    }
  }
});

const base = (image: Uint8Array): LaunchOptions => ({
  mode: "snp",
  firmware: parseOvmf(image),
  vcpus: 2,
  signature: signatureOfType("EPYC-v4"),
});
const kernel = hashKernel(Uint8Array.of(1, 2, 3));

test("that does not look at kernel hashes is refused a kernel, as sev-snp-measure says it", () => {
  const plain = imageOf({ sections: SECTIONS.slice(0, 3) });
  const unnamed = imageOf({ entries: [[RESET_BLOCK, words(0x80b004)]] });
  const section =
    /Kernel specified but OVMF metadata doesn't include SNP_KERNEL_HASHES section; use the AmdSev/;
  assert.throws(() => launchPlan({ ...base(plain), kernel }), section);
  const table =
    /Kernel specified but OVMF doesn't support kernel\/initrd\/cmdline measurement; use the AmdSev/;
  assert.throws(() => launchPlan({ ...base(unnamed), kernel, mode: "sev" }), table);
  assert.throws(() => launchPlan({ ...base(unnamed), kernel }), table);
  const zero = imageOf({
    entries: [
      [RESET_BLOCK, words(1)],
      [HASH_TABLE, words(0, 0)],
    ],
  });
  assert.throws(() => launchPlan({ ...base(zero), kernel, mode: "seves" }), table);
  assert.throws(() => hashPage(kernel, 0x810f80), /leave the page/);
});

test("gets a page of hashes only with a kernel, a zero page without", () => {
  const types = (options: LaunchOptions) => launchPlan(options).map(({ type }) => type);
  const without = ["normal", "zero", "secrets", "cpuid", "zero", "vmsa", "vmsa"];
  assert.equal(types(base(imageOf())), without);
  const withKernel = ["normal", "zero", "secrets", "cpuid", "normal", "vmsa", "vmsa"];
  assert.equal(types({ ...base(imageOf()), kernel }), withKernel);
});

test("is not launched with no vCPU, half a vCPU or 4097", () => {
  for (const vcpus of [0, -1, 1.5, 4097, Number.NaN]) {
    assert.throws(() => launchPlan({ ...base(imageOf()), vcpus }), /vCPUs: .*, expected 1 to 4096/);
  }
});

test("of SVSM ends below the firmware's variables, and each vCPU starts in it", () => {
  const svsmBytes = imageOf({
    entries: [[SVSM_INFO, words(0x10)]],
    sections: [
      [0, 0x9000, 1],
      [0x9000, 0x1000, 2],
      [0xa000, 0x1000, 3],
    ],
  });
  const options = base(imageOf());
  const svsm = parseSvsm(svsmBytes, options.firmware, 0x4000);
  assert.is(svsm.image.gpa, 2 ** 32 - 0x2000 - 0x4000 - 0x2000);
  const plan = launchPlan({ ...options, svsm });
  assert.equal(
    plan.map(({ type }) => type),
    ["normal", "normal", "zero", "secrets", "cpuid", "vmsa", "vmsa"],
  );
  assert.throws(() => launchPlan({ ...options, svsm, kernel }), /SVSM/);
  assert.throws(() => launchPlan({ ...options, svsm, mode: "seves" }), /expected snp with QEMU/);
  const plain = parseSvsm(imageOf(), options.firmware, 0);
  assert.throws(() => launchPlan({ ...options, svsm: plain }), /no SVSM info entry/);
  const tail = concat(new Uint8Array(0x1000), svsmBytes);
  assert.is(parseSvsm(tail, options.firmware, 0).image.svsmEntry, 0x10);
});

test("is launched on vCPUs whose signature comes by name or by numbers", () => {
  assert.is(signatureOf(0x19, 1, 1), 0x00a00f11);
  assert.is(signatureOf(23, 49, 0), 0x00830f10);
  assert.is(signatureOf(6, 0x9e, 0xc), 0x000906ec);
  assert.is(signatureOfType("epyc-turin"), 0x00b00f00);
  assert.throws(() => signatureOfType("Skylake"), /"Skylake", expected one of EPYC, /);
  assert.throws(() => signatureOf(300, 0, 0), /family: 300/);
  assert.throws(() => signatureOf(23, 256, 0), /model: 256/);
  assert.throws(() => signatureOf(23, 0, 16), /stepping: 16/);
});

test("is loaded by QEMU, EC2 or GCE; krun's save area is not published", () => {
  assert.is(vmmTypeOf("ec2"), "EC2");
  assert.is(vmmTypeOf("xen"), undefined);
  assert.throws(() => vmmTypeOf("KRUN"), /krun: its VMSA is not published/);
});
