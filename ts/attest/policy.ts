// The guest policy word in both dialects: AMD 56860, 4.3, and the field guide's. DESIGN.md, section 5.
import * as Layout from "../abi/guest-policy.ts";
import { Misuse } from "../error.ts";
import { Refusal } from "./code.ts";

export type Dialect = "abi" | "field-guide";

export interface GuestPolicy {
  readonly abiMajor: number;
  readonly abiMinor: number;
  readonly smt: boolean;
  readonly migrateMa: boolean;
  readonly debug: boolean;
  readonly singleSocket: boolean;
  readonly cxlAllow: boolean;
  readonly memAes256Xts: boolean;
  readonly raplDis: boolean;
  readonly ciphertextHidingDram: boolean;
  readonly pageSwapDisable: boolean;
}

export type PolicyFlag = Exclude<keyof GuestPolicy, "abiMajor" | "abiMinor">;

export const policyBits: Readonly<Record<PolicyFlag, number>> = {
  smt: Layout.SMT_BIT,
  migrateMa: Layout.MIGRATE_MA_BIT,
  debug: Layout.DEBUG_BIT,
  singleSocket: Layout.SINGLE_SOCKET_BIT,
  cxlAllow: Layout.CXL_ALLOW_BIT,
  memAes256Xts: Layout.MEM_AES_256_XTS_BIT,
  raplDis: Layout.RAPL_DIS_BIT,
  ciphertextHidingDram: Layout.CIPHERTEXT_HIDING_DRAM_BIT,
  pageSwapDisable: Layout.PAGE_SWAP_DISABLE_BIT,
};

export type GuideFlag =
  | "NO_DEBUG"
  | "ES"
  | "SMT"
  | "DEBUG_SWAP"
  | "PREVENT_HOST_IBS"
  | "BTB_ISOLATION"
  | "SMT_REQUIRED"
  | "MIGRATE_MA";

export const guidePolicyBits: Readonly<Record<GuideFlag, number>> = {
  NO_DEBUG: Layout.GUIDE_NO_DEBUG_BIT,
  ES: Layout.GUIDE_ES_BIT,
  SMT: Layout.GUIDE_SMT_BIT,
  DEBUG_SWAP: Layout.GUIDE_DEBUG_SWAP_BIT,
  PREVENT_HOST_IBS: Layout.GUIDE_PREVENT_HOST_IBS_BIT,
  BTB_ISOLATION: Layout.GUIDE_BTB_ISOLATION_BIT,
  SMT_REQUIRED: Layout.GUIDE_SMT_REQUIRED_BIT,
  MIGRATE_MA: Layout.GUIDE_MIGRATE_MA_BIT,
};

/** The field guide's three policies: its words, and what its names promise. */
export const presets: Record<string, { word: bigint; promises: readonly GuideFlag[] }> = {
  standard: { word: 0x00010001n, promises: ["NO_DEBUG", "ES", "SMT"] },
  "migration-enabled": { word: 0x00030001n, promises: ["NO_DEBUG", "ES", "SMT", "MIGRATE_MA"] },
  "maximum-security": { word: 0x00010003n, promises: ["NO_DEBUG", "ES", "BTB_ISOLATION"] },
};

const bit = (word: bigint, position: number) => ((word >> BigInt(position)) & 1n) === 1n;

/** Refuses a word that the firmware would refuse at launch. */
export function requirePolicyForm(word: bigint): void {
  if (!bit(word, Layout.RESERVED_ONE_BIT)) {
    throw new Refusal("POLICY_RESERVED", `0x${word.toString(16)}: bit 17 is 0, expected 1`);
  }
  if (word >> BigInt(Layout.WIDTH) !== 0n) {
    throw new Refusal("POLICY_RESERVED", `0x${word.toString(16)}: bits 63 to 26, expected 0`);
  }
}

const GUIDE_BITS = Object.values(guidePolicyBits).reduce(
  (word, at) => word | (1n << BigInt(at)),
  0x30000n,
);

/** Whether the field guide gives every bit of a word a meaning. */
export const isGuidePolicy = (word: bigint): boolean => (word & ~GUIDE_BITS) === 0n;

/** Refuses a word with bits that the field guide gives no meaning; bits 16 and 17 are in its own words and mean nothing there. */
export function requireGuidePolicyForm(word: bigint): void {
  const unknown = word & ~GUIDE_BITS;
  if (unknown !== 0n) {
    throw new Refusal(
      "POLICY_RESERVED",
      `0x${word.toString(16)}: 0x${unknown.toString(16)}, expected 0`,
    );
  }
}

/** The bits of the ABI's word, whatever its reserved bits hold. */
export function decodePolicy(word: bigint): GuestPolicy {
  const flags: Record<string, boolean> = {};
  for (const [name, position] of Object.entries(policyBits)) flags[name] = bit(word, position);
  return {
    abiMajor: Number((word >> BigInt(Layout.ABI_MAJOR_LSB)) & 0xffn),
    abiMinor: Number((word >> BigInt(Layout.ABI_MINOR_LSB)) & 0xffn),
    ...(flags as Record<PolicyFlag, boolean>),
  };
}

/** The word for a policy; what is left out is 0. Bit 17 is always set. */
export function encodePolicy(policy: Partial<GuestPolicy>): bigint {
  const major = policy.abiMajor ?? 0;
  const minor = policy.abiMinor ?? 0;
  for (const version of [major, minor]) {
    if (!Number.isInteger(version) || version < 0 || version > 255) {
      throw new Misuse(`policy ABI version: ${version}, expected 0 to 255`);
    }
  }
  let word = BigInt(minor) | (BigInt(major) << 8n) | (1n << BigInt(Layout.RESERVED_ONE_BIT));
  for (const [name, position] of Object.entries(policyBits)) {
    if (policy[name as PolicyFlag]) word |= 1n << BigInt(position);
  }
  return word;
}

/** The flags that the field guide's decoder prints for a word, in its order of bits. */
export function decodeGuidePolicy(word: bigint): GuideFlag[] {
  return (Object.keys(guidePolicyBits) as GuideFlag[]).filter((flag) =>
    bit(word, guidePolicyBits[flag]),
  );
}

/** Bit 16 is in each of the guide's words, named by none of its flags. */
export function encodeGuidePolicy(flags: readonly GuideFlag[]): bigint {
  return flags.reduce((word, flag) => word | (1n << BigInt(guidePolicyBits[flag])), 1n << 16n);
}

/** What a preset's name promises and its word does not set. */
export function gapOf(preset: string): GuideFlag[] {
  const known = presets[preset];
  if (known === undefined) {
    throw new Misuse(`policy preset "${preset}", expected ${Object.keys(presets).join(", ")}`);
  }
  return known.promises.filter((flag) => !bit(known.word, guidePolicyBits[flag]));
}
