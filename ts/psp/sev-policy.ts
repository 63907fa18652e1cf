// The policy of a SEV or SEV-ES guest when it is launched or received. SEV API (AMD 55766), 2.
import * as Policy from "../abi/psp/sev-policy.ts";
import * as Status from "../abi/status.ts";
import { bitOf } from "../layout.ts";
import type { Psp } from "./firmware.ts";

const RESERVED = 0xffc0;

/** SUCCESS, or why the platform cannot have a guest with this policy. */
export function checkSevPolicy({ platform, sev }: Psp, policy: number): number {
  const { major, minor } = platform.current.version;
  const wantedMajor = (policy >>> Policy.API_MAJOR_LSB) & 0xff;
  const wantedMinor = (policy >>> Policy.API_MINOR_LSB) & 0xff;
  if (policy & RESERVED) return Status.INVALID_PARAM;
  if (bitOf(policy, Policy.ES_BIT) && !sev.es) return Status.UNSUPPORTED;
  const isOld = wantedMajor > major || (wantedMajor === major && wantedMinor > minor);
  return isOld ? Status.POLICY_FAILURE : Status.SUCCESS;
}
