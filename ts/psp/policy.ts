// The guest policy at launch: what it asks of the platform, and what it allows. SNP firmware ABI (AMD 56860), 4.3.
import * as Policy from "../abi/guest-policy.ts";
import * as Status from "../abi/status.ts";
import { bitOf } from "./layout.ts";
import type { PlatformState } from "./platform.ts";

const byteAt = (word: bigint, lsb: number) => Number((word >> BigInt(lsb)) & 0xffn);

/** SUCCESS, or POLICY_FAILURE for a policy that this platform, as it runs now, does not keep. */
export function checkPolicy(platform: PlatformState, policy: bigint): number {
  const { major, minor } = platform.current.version;
  const wantedMajor = byteAt(policy, Policy.ABI_MAJOR_LSB);
  const wantedMinor = byteAt(policy, Policy.ABI_MINOR_LSB);
  const isOld = wantedMajor > major || (wantedMajor === major && wantedMinor > minor);
  const asks = (position: number) => bitOf(policy, position);
  const refused =
    isOld ||
    policy >> BigInt(Policy.WIDTH) !== 0n ||
    !asks(Policy.RESERVED_ONE_BIT) ||
    (!asks(Policy.SMT_BIT) && platform.smt) ||
    // The memory engine's keys have 128 bits.
    asks(Policy.MEM_AES_256_XTS_BIT) ||
    (asks(Policy.RAPL_DIS_BIT) && !platform.raplDisabled) ||
    (asks(Policy.CIPHERTEXT_HIDING_DRAM_BIT) && !platform.ciphertextHiding);
  return refused ? Status.POLICY_FAILURE : Status.SUCCESS;
}

/** Whether a policy has a bit of ts/abi/guest-policy.ts. */
export const allows = (policy: bigint, position: number): boolean => bitOf(policy, position);
