// CPUID, and what Linux makes of it. Spec digest cpuid-msr.md 1; values from dumps of real machines where there are any.

import { cpuidOf, guestCpuid } from "../../dist/chip/cpuid.js";
import { cpuinfoFlags, flagsOf, kvmAmdParameters } from "../../dist/chip/linux.js";
import { chips, createPlatform, type Generation, generations } from "../../dist/index.js";
import { MIB, withCore } from "../core.ts";
import { assert, suite } from "../kit.ts";

const test = suite("CPUID");

const { naples, rome, milan, genoa, turin } = chips;

test("Fn8000_001F is what dumps of a Rome and of a Milan show", () => {
  const leaf = (chip: typeof rome, generation: Generation) => {
    const { eax, ebx, ecx } = cpuidOf(chip, generation)(0x8000_001f, 0);
    return [eax, ebx, ecx];
  };
  assert.equal(leaf(rome, "sev-es"), [0x0001000f, 0x0000016f, 0x000001fd]);
  assert.equal(leaf(milan, "sev-snp"), [0x0101fd3f, 0x00004173, 0x000001fd]);
  assert.equal(leaf(milan, "sev-es").slice(1), [0x00000173, 0x000001fd]);
  assert.equal(leaf(genoa, "sev-snp").slice(1), [51 | (6 << 6) | (4 << 12), 1006]);
});

test("RMPREAD and the fifth permission bit are there where Fn8000_001F EAX announces them", () => {
  for (const name of ["milan", "genoa", "turin"] as const) {
    const { chip, core } = createPlatform({ chip: name, resident: 64 * MIB, ...withCore });
    const { eax } = cpuidOf(chip, "sev-snp")(0x8000_001f, 0);
    const has = (position: number) => ((eax >>> position) & 1) === 1;
    const found = [core.host.rmpread(0n) !== undefined, core.firmware.fullPermissions() === 0x1f];
    assert.equal(found, [has(21), has(7)], name);
  }
});

test("vendor, signature, address widths and brand are the part's", () => {
  for (const chip of Object.values(chips)) {
    const cpuid = cpuidOf(chip, "sev");
    const { ebx, ecx, edx } = cpuid(0, 0);
    const text = new TextDecoder().decode(new Uint32Array([ebx, edx, ecx]));
    assert.is(text, "AuthenticAMD");
    assert.is(cpuid(1, 0).eax, chip.signature);
    assert.is(cpuid(0x8000_0008, 0).eax & 0xff, chip.physicalBits);
    const brand = [2, 3, 4].flatMap((n) => Object.values(cpuid(0x8000_0000 + n, 0)));
    const name = new TextDecoder().decode(new Uint32Array(brand)).replace(/\0+$/, "");
    assert.is(name, `AMD ${chip.product}`.slice(0, 47));
    assert.equal(cpuid(0x4000_0000, 0), { eax: 0, ebx: 0, ecx: 0, edx: 0 });
  }
});

// grep -o 'sev\|sev_es\|sev_snp' /proc/cpuinfo
const flags: [typeof rome, Generation, string[]][] = [
  [turin, "none", []],
  [naples, "sme", ["sme", "sev"]],
  [rome, "sev-es", ["sme", "sev", "sev_es"]],
  [milan, "sev-es", ["sme", "sev", "sev_es"]],
  [milan, "sev-snp", ["sme", "sev", "sev_es", "sev_snp"]],
  [turin, "sev-tio", ["sme", "sev", "sev_es", "sev_snp"]],
];

test("the flags in /proc/cpuinfo say what the part has and the machine switched on", () => {
  for (const [chip, generation, expected] of flags) {
    const seen = cpuinfoFlags(chip, generation).filter((flag) => /^(sme|sev\w*)$/.test(flag));
    assert.equal(seen, expected, `${chip.name} ${generation}`);
  }
});

test("a guest is told of SEV what it has itself, and not of SVM", () => {
  const guest = generations.map((generation) => flagsOf(guestCpuid(turin, generation)));
  assert.equal(guest, [
    [],
    [],
    ["sev"],
    ["sev", "sev_es"],
    ["sev", "sev_es", "sev_snp"],
    ["sev", "sev_es", "sev_snp"],
  ]);
  const cpuid = guestCpuid(turin, "sev-snp");
  assert.is(cpuid(0x8000_001f, 0).ebx, 51 | (1 << 6));
  assert.is(cpuid(0x8000_0001, 0).ecx & 4, 0);
  assert.is(cpuidOf(turin, "sev-snp")(0x8000_0001, 0).ecx & 4, 4);
  assert.is(cpuid(1, 0).ecx >>> 31, 1);
});

test("kvm_amd offers what the generation has and the BIOS left ASIDs for", () => {
  const none = { sev: "N", sev_es: "N", sev_snp: "N" };
  assert.equal(kvmAmdParameters(turin, "none"), none);
  assert.equal(kvmAmdParameters(turin, "sme"), none);
  assert.equal(kvmAmdParameters(turin, "sev"), { ...none, sev: "Y" });
  assert.equal(kvmAmdParameters(turin, "sev-es"), { sev: "Y", sev_es: "Y", sev_snp: "N" });
  assert.equal(kvmAmdParameters(turin, "sev-snp"), { sev: "Y", sev_es: "Y", sev_snp: "Y" });
  const noneBelow = { ...turin, minSevAsid: 1 };
  assert.equal(kvmAmdParameters(noneBelow, "sev-snp"), { ...none, sev: "Y" });
  const allBelow = { ...turin, minSevAsid: turin.asids + 1 };
  assert.equal(kvmAmdParameters(allBelow, "sev-snp"), { sev: "N", sev_es: "Y", sev_snp: "Y" });
});
