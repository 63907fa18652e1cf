// What a guest finds in its memory before its first instruction. Spec digest launch-measurement.md 1, 3 and 4.

import type { Cpu, Step } from "../../dist/guest/cpu.js";
import { readCpuidPage } from "../../dist/guest/ghcb/cpuid.js";
import type { Region } from "../../dist/launch/plan.js";
import * as Code from "../../ts/abi/exit.ts";
import * as Secrets from "../../ts/abi/secrets-page.ts";
import { pattern } from "../core.ts";
import { assert, suite } from "../kit.ts";
import { rig, runTo } from "./rig.ts";

const test = suite("memory at launch");

const NORMAL = 0x10_0000n;
const SECRETS = 0x20_0000n;
const CPUID = 0x20_1000n;
const CONTENTS = pattern(0x2000, 3);

const regions: Region[] = [
  { type: "normal", gpa: NORMAL, bytes: CONTENTS.length, contents: CONTENTS },
  { type: "zero", gpa: 0x11_0000n, bytes: 0x1000 },
  { type: "secrets", gpa: SECRETS, bytes: 0x1000 },
  { type: "cpuid", gpa: CPUID, bytes: 0x1000 },
];

/** What a guest without SNP can be given: nobody would fill the other pages. */
const normal = regions.filter(({ type }) => type === "normal");

test("a guest of every generation finds the same, validated, and the host ciphertext where there is a key", () => {
  for (const pageSize of ["4k", "2m"] as const) {
    for (const generation of ["none", "sme", "sev", "sev-es", "sev-snp"] as const) {
      const seen = new Uint8Array(CONTENTS.length);
      const snp = generation === "sev-snp";
      const zero = new Uint8Array(0x1000).fill(Number(snp));
      const program = function* (cpu: Cpu): Step {
        yield* cpu.read(NORMAL, seen);
        if (snp) yield* cpu.read(0x11_0000n, zero);
        yield* cpu.hlt();
      };
      const { platform, vm, vcpu } = rig(generation, program, {
        plan: snp ? regions : normal,
        pageSize,
      });
      runTo({ platform, vm, vcpu }, Code.VMEXIT_HLT);
      assert.equal(seen, CONTENTS, generation);
      assert.ok(zero.every((byte) => byte === 0));
      const bytes = new Uint8Array(0x1000);
      const { host, dimm } = platform.core;
      const encrypted = generation === "sme";
      const same = (read: boolean) => read && bytes.every((byte, i) => byte === CONTENTS[i]);
      const spa = vm.spaOf(NORMAL) as bigint;
      const plain = generation === "none" || encrypted;
      assert.is(same(host.read(spa, bytes, encrypted)), plain, `host, ${generation}`);
      assert.is(same(dimm.read(spa, bytes)), generation === "none", `chips, ${generation}`);
    }
  }
});

test("an SNP guest has its keys in the secrets page, and CPUID as the firmware let it pass", () => {
  const secrets = new Uint8Array(0x1000);
  let cBit: number | undefined;
  let leaves = 0;
  const program = function* (cpu: Cpu): Step {
    yield* cpu.read(SECRETS, secrets);
    const table = yield* readCpuidPage(cpu, CPUID);
    leaves = table.rows.length;
    cBit = table.rows.find(({ leaf }) => leaf === 0x8000_001f)?.ebx;
    yield* cpu.hlt();
  };
  const made = rig("sev-snp", program, { plan: regions });
  runTo(made, Code.VMEXIT_HLT);
  assert.ok(secrets.subarray(Secrets.VMPCK0, Secrets.VMPCK0 + 32).some((byte) => byte !== 0));
  assert.ok(leaves > 10);
  assert.is((cBit as number) & 63, made.platform.chip.cBit);
});
