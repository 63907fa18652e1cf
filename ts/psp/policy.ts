// The guest policy: what it asks of the platform at launch, and what it allows for ever after. SNP firmware ABI (AMD 56860), 4.3;
// the field guide's word is in guide-policy.ts.
import * as Policy from "../abi/guest-policy.ts";
import * as Report from "../abi/report.ts";
import { bitOf } from "../layout.ts";
import type { PlatformFacts } from "./facts.ts";

const byteAt = (word: bigint, lsb: number) => Number((word >> BigInt(lsb)) & 0xffn);

/** Whether the platform, as it runs now, keeps a policy of the ABI's. */
export function keepsAbi(facts: PlatformFacts, policy: bigint): boolean {
  const asks = (position: number) => bitOf(policy, position);
  const has = (position: number) => bitOf(facts.platformInfo, position);
  const smt = has(Report.SMT_EN_BIT);
  const { major, minor } = facts.version.current;
  const wantedMajor = byteAt(policy, Policy.ABI_MAJOR_LSB);
  const wantedMinor = byteAt(policy, Policy.ABI_MINOR_LSB);
  const isRecent = major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
  return (
    isRecent &&
    policy >> BigInt(Policy.WIDTH) === 0n &&
    asks(Policy.RESERVED_ONE_BIT) &&
    (asks(Policy.SMT_BIT) || !smt) &&
    (facts.chip.memAes256Xts || !asks(Policy.MEM_AES_256_XTS_BIT)) &&
    (has(Report.RAPL_DIS_BIT) || !asks(Policy.RAPL_DIS_BIT)) &&
    (has(Report.CIPHERTEXT_HIDING_DRAM_EN_BIT) || !asks(Policy.CIPHERTEXT_HIDING_DRAM_BIT))
  );
}

type Dialect = Pick<PlatformFacts, "dialect">;

export const allowsDebug = (policy: bigint): boolean => bitOf(policy, Policy.DEBUG_BIT);

/** Both words have it at one place. */
export const allowsMigration = (policy: bigint): boolean => bitOf(policy, Policy.MIGRATE_MA_BIT);

/** The guide's word has no such bits: whoever launched under it did not ask. */
export const forbidsSwap = ({ dialect }: Dialect, policy: bigint): boolean =>
  dialect === "abi" && bitOf(policy, Policy.PAGE_SWAP_DISABLE_BIT);

export const wantsOneSocket = ({ dialect }: Dialect, policy: bigint): boolean =>
  dialect === "abi" && bitOf(policy, Policy.SINGLE_SOCKET_BIT);

/** Bytes of a guest's memory keys: who asks for AES-256-XTS gets 256 bits. */
export const memoryKeyBytes = ({ dialect }: Dialect, policy: bigint): number =>
  dialect === "abi" && bitOf(policy, Policy.MEM_AES_256_XTS_BIT) ? 32 : 16;
