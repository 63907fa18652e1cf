// Validation: what a relying party may ask of a genuine report, each question alone. go-sev-guest's `validate` is the model.

import { makeIdentity, makeReport, type ReportOptions } from "../../dist/attest/evidence/index.js";
import { type Code, codes, type Policy, parseReport, validate } from "../../dist/attest/index.js";
import { assert, suite } from "../kit.ts";

const test = suite("validation");
const at = Date.UTC(2026, 5, 1);
const one = (bytes: number, value: number) => new Uint8Array(bytes).fill(value);
const identity = () => makeIdentity({ seed: "validate", product: "Milan", at });
const tcb = { bootloader: 4, tee: 0, snp: 24, microcode: 219 };
const bit = (position: number) => 1n << BigInt(position);
const keyed = { authorKeyEn: true, idKeyDigest: one(48, 1), authorKeyDigest: one(48, 2) };

// what the report says             what is asked                               the code, or none when it passes
// biome-ignore format: a table
const table: [ReportOptions, Policy, Code | undefined][] = [
  [{}, {}, undefined],
  [{ policy: 0x30000n | bit(19) }, {}, "POLICY_DEBUG"],
  [{ policy: 0x30000n | bit(19) }, { guestPolicy: 0x30000n | bit(19) }, undefined],
  [{ policy: 0x30000n | bit(18) }, {}, "POLICY_MIGRATE_MA"],
  [{}, { guestPolicy: 0x20000n }, "POLICY_SMT"],
  [{ policy: 0x30000n | bit(21) }, {}, "POLICY_CXL"],
  [{}, { guestPolicy: 0x30000n | bit(20) }, "POLICY_SINGLE_SOCKET"],
  [{}, { guestPolicy: 0x30000n | bit(22) }, "POLICY_AES_256_XTS"],
  [{}, { guestPolicy: 0x30000n | bit(23) }, "POLICY_RAPL"],
  [{}, { guestPolicy: 0x30000n | bit(24) }, "POLICY_CIPHERTEXT_HIDING"],
  [{}, { guestPolicy: 0x30000n | bit(25) }, "POLICY_PAGE_SWAP"],
  [{ policy: 0x30000n | bit(25) }, {}, undefined],
  [{ policy: 0x30133n }, { guestPolicy: 0x30134n }, "POLICY_ABI"],
  [{ policy: 0x30200n }, { guestPolicy: 0x30134n }, undefined],
  [{ vmpl: 2 }, {}, "VMPL"],
  [{ vmpl: 2 }, { vmpl: 2 }, undefined],
  [{ vmpl: 0xffffffff }, { vmpl: "any" }, undefined],
  [{ reportIdMa: one(32, 9) }, {}, "MIGRATION_AGENT"],
  [{ reportIdMa: one(32, 9) }, { migrationAgent: true }, undefined],
  [{}, { measurement: one(48, 1) }, "MEASUREMENT"],
  [{ measurement: one(48, 1) }, { measurement: one(48, 1) }, undefined],
  [{}, { reportData: one(64, 1) }, "REPORT_DATA"],
  [{}, { hostData: one(32, 1) }, "HOST_DATA"],
  [{}, { familyId: one(16, 1) }, "FAMILY_ID"],
  [{}, { imageId: one(16, 1) }, "IMAGE_ID"],
  [{}, { reportId: one(32, 1) }, "REPORT_ID"],
  [{}, { reportIdMa: one(32, 1) }, "REPORT_ID_MA"],
  [{}, { chipId: one(64, 1) }, "CHIP_ID"],
  [{ guestSvn: 4 }, { minimumGuestSvn: 5 }, "GUEST_SVN"],
  [{ guestSvn: 5 }, { minimumGuestSvn: 5 }, undefined],
  [{}, { minimumTcb: tcb }, undefined],
  [{}, { minimumTcb: { ...tcb, snp: 25, microcode: 0 } }, "TCB_MINIMUM"],
  [{}, { minimumLaunchTcb: { ...tcb, tee: 1 } }, "LAUNCH_TCB_MINIMUM"],
  [{ launchTcb: { ...tcb, tee: 1 } }, { minimumLaunchTcb: { ...tcb, tee: 1 } }, undefined],
  [{ currentTcb: { ...tcb, microcode: 218 } }, {}, "TCB_ROLLBACK"],
  [{ committedTcb: { ...tcb, snp: 23 } }, {}, "PROVISIONAL_FIRMWARE"],
  [{ committedTcb: { ...tcb, snp: 23 } }, { provisional: true }, undefined],
  [{ committed: { major: 1, minor: 55, build: 30 } }, {}, "PROVISIONAL_FIRMWARE"],
  [{ committed: { major: 1, minor: 56, build: 0 } }, { provisional: true }, "TCB_ROLLBACK"],
  [{}, { minimumVersion: { major: 1, minor: 56 } }, "FIRMWARE_VERSION"],
  [{}, { minimumVersion: { major: 1, minor: 55 } }, undefined],
  [{}, { minimumBuild: 32 }, "FIRMWARE_BUILD"],
  [{}, { platformInfo: 0x24n }, "PLATFORM_SMT"],
  [{ platformInfo: 0x27n }, { platformInfo: 0x25n }, "PLATFORM_TSME"],
  [{ platformInfo: 0x21n }, { platformInfo: 0x25n }, "PLATFORM_ECC"],
  [{}, { platformInfo: 0x2dn }, "PLATFORM_RAPL"],
  [{}, { platformInfo: 0x35n }, "PLATFORM_CIPHERTEXT_HIDING"],
  [{ platformInfo: 0x05n }, { platformInfo: 0x25n }, "PLATFORM_ALIAS_CHECK"],
  [{ platformInfo: 0xa5n }, { platformInfo: 0x25n }, "PLATFORM_TIO"],
  [{}, { platformInfo: 0xa7n }, undefined],
  [{}, { requireIdBlock: true }, "ID_BLOCK"],
  [keyed, { requireIdBlock: true, trustedIdKeys: [one(48, 1)] }, undefined],
  [keyed, { requireIdBlock: true, trustedAuthorKeys: [one(48, 2)] }, undefined],
  [keyed, { requireIdBlock: true, trustedIdKeys: [one(48, 2)] }, "ID_BLOCK"],
  [{}, { requireAuthorKey: true, trustedIdKeys: [one(48, 0)] }, "AUTHOR_KEY"],
  [keyed, { requireAuthorKey: true, trustedIdKeys: [one(48, 1)] }, "AUTHOR_KEY"],
  [keyed, { requireAuthorKey: true, trustedAuthorKeys: [one(48, 2)] }, undefined],
  [{ version: 5, launchMitVector: 3n }, { launchMitVector: 3n }, undefined],
  [{ version: 5, launchMitVector: 1n }, { launchMitVector: 3n }, "LAUNCH_MIT_VECTOR"],
  [{ version: 3 }, { currentMitVector: 1n }, "CURRENT_MIT_VECTOR"],
];

test("answers every question with its own code, and lists each that was asked", async () => {
  const platform = await identity();
  for (const [options, policy, code] of table) {
    const result = validate(parseReport(makeReport(platform, options)), policy);
    assert.is(result.code, code, result.says);
    assert.is(result.accepted, code === undefined);
    assert.is(result.checks.length, 20);
  }
});

test("leaves no code of the policy untried", () => {
  const tried = new Set(table.map(([, , code]) => code));
  const questions = Object.keys(codes).slice(Object.keys(codes).indexOf("POLICY_ABI"));
  assert.equal(
    questions.filter((code) => !tried.has(code as Code)),
    [],
  );
});

test("calls an expectation of the wrong length misuse, not a mismatch", async () => {
  const report = parseReport(makeReport(await identity()));
  assert.throws(
    () => validate(report, { reportData: one(63, 0) }),
    /REPORT_DATA: 63 bytes expected of it, it has 64/,
  );
});
