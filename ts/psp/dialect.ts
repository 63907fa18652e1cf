// The two books by which the firmware makes a guest's keys, reads its policy and writes its secrets page. DESIGN.md 5.
import * as Status from "../abi/status.ts";
import { platformSecretOf } from "../attest/evidence/secret.ts";
import type { Prng } from "../prng.ts";
import { SECRETS_GPA, sealSecrets } from "../sealed-secrets.ts";
import type { PlatformFacts } from "./facts.ts";
import type { Psp } from "./firmware.ts";
import type { GuestContext } from "./guest.ts";
import { guestVmpck, platformVmpck, vmKey } from "./guide.ts";
import { allowsGuideDebug, checkGuideVmsa, keepsGuide } from "./guide-policy.ts";
import { allowsDebug, keepsAbi, memoryKeyBytes } from "./policy.ts";
import { secretsPage } from "./secrets-page.ts";

export interface GuestKeys {
  vek: Uint8Array;
  tweakKey: Uint8Array;
  oek: Uint8Array;
  vmpck: Uint8Array[];
}

export interface Dialect {
  /** Keys of a guest that is being launched under a policy. `guestId` counts the platform's guests from 1. */
  guestKeys(facts: PlatformFacts, chance: Prng, guestId: number, policy: bigint): GuestKeys;
  /** Whether the platform, as it runs now, keeps a policy. */
  keeps(facts: PlatformFacts, policy: bigint): boolean;
  allowsDebug(policy: bigint): boolean;
  /** SUCCESS, or POLICY_FAILURE for a VMSA page that the policy does not allow. */
  checkVmsa(policy: bigint, vmsa: Uint8Array): number;
  /** What the guest finds in its secrets page at a gpa, or a status where it may not lie. */
  secretsPage(psp: Psp, guest: GuestContext, gpa: bigint): Uint8Array | number;
}

/** Everything from the DRBG. */
const abi: Dialect = {
  guestKeys(facts, chance, _guestId, policy) {
    const bytes = memoryKeyBytes(facts, policy);
    const [vek, tweakKey, oek] = [chance.bytes(bytes), chance.bytes(bytes), chance.bytes(32)];
    return { vek, tweakKey, oek, vmpck: [0, 1, 2, 3].map(() => chance.bytes(32)) };
  },
  keeps: keepsAbi,
  allowsDebug,
  checkVmsa: () => Status.SUCCESS,
  secretsPage: (psp, guest) => secretsPage(psp, guest),
};

/** Keys from the platform's secret, the guest's number and a nonce. */
const fieldGuide: Dialect = {
  guestKeys({ seed, product }, chance, guestId) {
    const keys = platformVmpck(platformSecretOf(seed, product));
    const [nonce, tweakKey, oek] = [chance.bytes(16), chance.bytes(16), chance.bytes(32)];
    const vek = vmKey(keys[0] as Uint8Array, guestId, nonce);
    return { vek, tweakKey, oek, vmpck: guestVmpck(keys, guestId) };
  },
  keeps: keepsGuide,
  allowsDebug: allowsGuideDebug,
  checkVmsa: checkGuideVmsa,
  secretsPage(psp, guest, gpa) {
    if (gpa !== SECRETS_GPA) return Status.INVALID_ADDRESS;
    return sealSecrets(secretsPage(psp, guest), guest.vmpck[2] as Uint8Array, psp.chance.bytes(12));
  },
};

export const dialects: Record<PlatformFacts["dialect"], Dialect> = {
  abi,
  "field-guide": fieldGuide,
};
