// Is this the guest I want? A verified report against a policy. go-sev-guest's `validate` asks the same questions.
import * as Layout from "../abi/report.ts";
import { Misuse } from "../error.ts";
import { equal, hex } from "./bytes.ts";
import { type Check, type Code, check, Refusal, type Result, resultOf, skipped } from "./code.ts";
import { decodePolicy, type GuestPolicy } from "./policy.ts";
import type { Firmware, Report } from "./report.ts";
import { atMost, type Tcb, tcbText } from "./tcb.ts";

/** What a relying party asks. A field left out is not asked, but for the four whose default is named. */
export interface Policy {
  /** The most permissive guest policy to accept. Default 0x30000: SMT, neither debug nor migration. */
  readonly guestPolicy?: bigint;
  /** Default 0. */
  readonly vmpl?: number | "any";
  /** May the firmware be newer than the committed one? Default no. */
  readonly provisional?: boolean;
  /** May a migration agent be associated? Default no. */
  readonly migrationAgent?: boolean;
  readonly measurement?: Uint8Array;
  readonly hostData?: Uint8Array;
  readonly reportData?: Uint8Array;
  readonly familyId?: Uint8Array;
  readonly imageId?: Uint8Array;
  readonly reportId?: Uint8Array;
  readonly reportIdMa?: Uint8Array;
  readonly chipId?: Uint8Array;
  readonly minimumGuestSvn?: number;
  readonly minimumTcb?: Tcb;
  readonly minimumLaunchTcb?: Tcb;
  readonly minimumBuild?: number;
  readonly minimumVersion?: { readonly major: number; readonly minor: number };
  /** The most that may be enabled, the least that must be: PLATFORM_INFO's bits. */
  readonly platformInfo?: bigint;
  readonly requireIdBlock?: boolean;
  /** Implies `requireIdBlock`. */
  readonly requireAuthorKey?: boolean;
  /** SHA-384 of keys in the ABI's form; `keyDigest` makes them. */
  readonly trustedIdKeys?: readonly Uint8Array[];
  readonly trustedAuthorKeys?: readonly Uint8Array[];
  readonly launchMitVector?: bigint;
  readonly currentMitVector?: bigint;
}

export const DEFAULT_GUEST_POLICY = 0x30000n;

const byteChecks: [keyof Policy & keyof Report, Code, number][] = [
  ["measurement", "MEASUREMENT", Layout.HOST_DATA - Layout.MEASUREMENT],
  ["reportData", "REPORT_DATA", Layout.MEASUREMENT - Layout.REPORT_DATA],
  ["hostData", "HOST_DATA", Layout.ID_KEY_DIGEST - Layout.HOST_DATA],
  ["familyId", "FAMILY_ID", Layout.IMAGE_ID - Layout.FAMILY_ID],
  ["imageId", "IMAGE_ID", Layout.VMPL - Layout.IMAGE_ID],
  ["reportId", "REPORT_ID", Layout.REPORT_ID_MA - Layout.REPORT_ID],
  ["reportIdMa", "REPORT_ID_MA", Layout.REPORTED_TCB - Layout.REPORT_ID_MA],
  ["chipId", "CHIP_ID", Layout.COMMITTED_TCB - Layout.CHIP_ID],
];

function bytesCheck(report: Report, policy: Policy, row: (typeof byteChecks)[number]): Check {
  const [field, code, bytes] = row;
  const expected = policy[field] as Uint8Array | undefined;
  if (expected === undefined) return skipped(code, "not asked");
  if (expected.length !== bytes) {
    throw new Misuse(`${code}: ${expected.length} bytes expected of it, it has ${bytes}`);
  }
  return check(code, () => {
    const seen = report[field] as Uint8Array;
    if (!equal(seen, expected)) throw new Refusal(code, `${hex(seen)}, expected ${hex(expected)}`);
    return hex(seen);
  });
}

/** Allowing more than asked refuses (false), or requiring less than asked does (true). */
const policyFlags: [keyof GuestPolicy, boolean, Code][] = [
  ["debug", false, "POLICY_DEBUG"],
  ["migrateMa", false, "POLICY_MIGRATE_MA"],
  ["smt", false, "POLICY_SMT"],
  ["cxlAllow", false, "POLICY_CXL"],
  ["singleSocket", true, "POLICY_SINGLE_SOCKET"],
  ["memAes256Xts", true, "POLICY_AES_256_XTS"],
  ["raplDis", true, "POLICY_RAPL"],
  ["ciphertextHidingDram", true, "POLICY_CIPHERTEXT_HIDING"],
  ["pageSwapDisable", true, "POLICY_PAGE_SWAP"],
];

function guestPolicyCheck(report: Report, policy: Policy): Check {
  return check("guest policy", () => {
    const wanted = decodePolicy(policy.guestPolicy ?? DEFAULT_GUEST_POLICY);
    const seen = decodePolicy(report.policy);
    const word = `0x${report.policy.toString(16)}`;
    for (const [flag, required, code] of policyFlags) {
      if (seen[flag] !== wanted[flag] && wanted[flag] === required) throw new Refusal(code, word);
    }
    const { abiMajor, abiMinor } = wanted;
    if (seen.abiMajor * 256 + seen.abiMinor < abiMajor * 256 + abiMinor) {
      const version = `${seen.abiMajor}.${seen.abiMinor}`;
      throw new Refusal("POLICY_ABI", `${version}, expected ${abiMajor}.${abiMinor} or later`);
    }
    return word;
  });
}

const platformFlags: [number, boolean, Code][] = [
  [Layout.SMT_EN_BIT, false, "PLATFORM_SMT"],
  [Layout.TSME_EN_BIT, false, "PLATFORM_TSME"],
  [Layout.ECC_EN_BIT, true, "PLATFORM_ECC"],
  [Layout.RAPL_DIS_BIT, true, "PLATFORM_RAPL"],
  [Layout.CIPHERTEXT_HIDING_DRAM_EN_BIT, true, "PLATFORM_CIPHERTEXT_HIDING"],
  [Layout.ALIAS_CHECK_COMPLETE_BIT, true, "PLATFORM_ALIAS_CHECK"],
  [Layout.TIO_EN_BIT, false, "PLATFORM_TIO"],
];

function platformCheck(report: Report, wanted: bigint | undefined): Check {
  if (wanted === undefined) return skipped("platform info", "not asked");
  const bit = (word: bigint, position: number) => ((word >> BigInt(position)) & 1n) === 1n;
  const word = `0x${report.platformInfo.toString(16)}`;
  return check("platform info", () => {
    for (const [position, required, code] of platformFlags) {
      const differs = bit(report.platformInfo, position) !== bit(wanted, position);
      if (differs && bit(wanted, position) === required) throw new Refusal(code, word);
    }
    return word;
  });
}

const versionOf = ({ major, minor }: { major: number; minor: number }) => major * 256 + minor;
const firmwareText = ({ major, minor, build }: Firmware) => `${major}.${minor}.${build}`;

function tcbChecks(report: Report, policy: Policy): Check[] {
  const { currentTcb, committedTcb, reportedTcb, launchTcb } = report;
  return [
    check("TCB order", () => {
      for (const [name, tcb] of [
        ["committed", committedTcb] as const,
        ["reported", reportedTcb] as const,
      ]) {
        if (atMost(tcb, currentTcb)) continue;
        const seen = `current ${tcbText(currentTcb)}, ${name} ${tcbText(tcb)}`;
        throw new Refusal("TCB_ROLLBACK", seen);
      }
      return `committed and reported are at most ${tcbText(currentTcb)}`;
    }),
    minimumCheck("minimum TCB", "TCB_MINIMUM", reportedTcb, policy.minimumTcb),
    minimumCheck("minimum launch TCB", "LAUNCH_TCB_MINIMUM", launchTcb, policy.minimumLaunchTcb),
    firmwareCheck(report, policy),
  ];
}

function minimumCheck(name: string, code: Code, seen: Tcb, least: Tcb | undefined): Check {
  if (least === undefined) return skipped(name, "not asked");
  return check(name, () => {
    if (!atMost(least, seen)) {
      throw new Refusal(code, `${tcbText(seen)}, expected at least ${tcbText(least)}`);
    }
    return tcbText(seen);
  });
}

function firmwareCheck(report: Report, policy: Policy): Check {
  const { current, committed } = report;
  const seen = `current ${firmwareText(current)}, committed ${firmwareText(committed)}`;
  return check("firmware", () => {
    const versions = versionOf(committed) - versionOf(current);
    const builds = committed.build - current.build;
    if (versions > 0 || (versions === 0 && builds > 0)) throw new Refusal("TCB_ROLLBACK", seen);
    const same = atMost(report.currentTcb, report.committedTcb) && versions === 0 && builds === 0;
    if (!policy.provisional && !same) throw new Refusal("PROVISIONAL_FIRMWARE", seen);
    const least = policy.minimumVersion ?? { major: 0, minor: 0 };
    if (versionOf(current) < versionOf(least)) {
      throw new Refusal("FIRMWARE_VERSION", `${seen}, expected ${least.major}.${least.minor}`);
    }
    if (current.build < (policy.minimumBuild ?? 0)) {
      throw new Refusal("FIRMWARE_BUILD", `${seen}, expected build ${policy.minimumBuild}`);
    }
    return seen;
  });
}

function idBlockCheck(report: Report, policy: Policy): Check {
  const name = "ID block";
  if (!policy.requireIdBlock && !policy.requireAuthorKey) return skipped(name, "not asked");
  const among = (digest: Uint8Array, digests: readonly Uint8Array[] | undefined) =>
    digests?.some((one) => equal(one, digest)) ?? false;
  return check(name, () => {
    if (policy.requireAuthorKey && !report.authorKeyEn) {
      throw new Refusal("AUTHOR_KEY", "AUTHOR_KEY_EN is 0");
    }
    if (report.authorKeyEn && among(report.authorKeyDigest, policy.trustedAuthorKeys)) {
      return `author key ${hex(report.authorKeyDigest)}`;
    }
    if (policy.requireAuthorKey) {
      throw new Refusal("AUTHOR_KEY", `${hex(report.authorKeyDigest)} is none of those trusted`);
    }
    if (among(report.idKeyDigest, policy.trustedIdKeys)) return `ID key ${hex(report.idKeyDigest)}`;
    throw new Refusal("ID_BLOCK", `ID key ${hex(report.idKeyDigest)}`);
  });
}

function vmplCheck(report: Report, wanted: number | "any"): Check {
  if (wanted === "any") return skipped("VMPL", "not asked");
  return check("VMPL", () => {
    if (report.vmpl !== wanted) throw new Refusal("VMPL", `${report.vmpl}, expected ${wanted}`);
    return `${report.vmpl}`;
  });
}

function migrationCheck(report: Report, allowed: boolean): Check {
  if (allowed) return skipped("migration agent", "not asked");
  return check("migration agent", () => {
    // All ones when there is none. AMD 56860, MSG_REPORT_RSP.
    if (report.reportIdMa.some((byte) => byte !== 0xff)) {
      throw new Refusal("MIGRATION_AGENT", `REPORT_ID_MA is ${hex(report.reportIdMa)}`);
    }
    return "none";
  });
}

function vectorCheck(name: Code, seen: bigint | undefined, wanted: bigint | undefined): Check {
  if (wanted === undefined) return skipped(name, "not asked");
  return check(name, () => {
    const word = seen ?? 0n;
    if ((word & wanted) !== wanted) {
      throw new Refusal(name, `0x${word.toString(16)}, expected 0x${wanted.toString(16)}`);
    }
    return `0x${word.toString(16)}`;
  });
}

/** Every field that depends on who asks. Says nothing of signatures: `verify` comes first. */
export function validate(report: Report, policy: Policy = {}): Result {
  const svn = policy.minimumGuestSvn ?? 0;
  return resultOf([
    guestPolicyCheck(report, policy),
    vmplCheck(report, policy.vmpl ?? 0),
    migrationCheck(report, policy.migrationAgent ?? false),
    ...byteChecks.map((row) => bytesCheck(report, policy, row)),
    check("guest SVN", () => {
      if (report.guestSvn < svn) {
        throw new Refusal("GUEST_SVN", `${report.guestSvn}, expected at least ${svn}`);
      }
      return `${report.guestSvn}`;
    }),
    ...tcbChecks(report, policy),
    platformCheck(report, policy.platformInfo),
    idBlockCheck(report, policy),
    vectorCheck("LAUNCH_MIT_VECTOR", report.launchMitVector, policy.launchMitVector),
    vectorCheck("CURRENT_MIT_VECTOR", report.currentMitVector, policy.currentMitVector),
  ]);
}
