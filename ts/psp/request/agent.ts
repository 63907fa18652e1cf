// What a migration agent may do, and with which guests. SNP firmware ABI (AMD 56860), 4.10 and 7.
import * as Policy from "../../abi/guest-policy.ts";
import type { PlatformFacts } from "../facts.ts";
import type { GuestContext } from "../guest.ts";
import { bitOf } from "../layout.ts";
import type { Scene } from "./entry.ts";

/** The agent's own guest in a context page: bound to it at launch or import, never the agent itself. */
export function ownGuest(scene: Scene, gctx: bigint): GuestContext | undefined {
  const guest = otherGuest(scene, gctx);
  return guest?.maContext === scene.gctx ? guest : undefined;
}

/** Whatever guest is in a context page, save the one that asks. */
export function otherGuest({ contexts, gctx: own }: Scene, gctx: bigint): GuestContext | undefined {
  if (gctx === own) return undefined;
  const guest = contexts.open(gctx);
  return typeof guest === "number" ? undefined : guest;
}

/** MIGRATE_MA, fixed at launch: without it no agent ever touches the guest. Both dialects have it at one place. */
export const mayMigrate = (policy: bigint): boolean => bitOf(policy, Policy.MIGRATE_MA_BIT);

/** Whether this platform may run a guest that another launched. */
export function mayRun(facts: PlatformFacts, policy: bigint): boolean {
  if (facts.dialect === "field-guide") return true;
  const [minor, major] = [Number(policy & 0xffn), Number((policy >> 8n) & 0xffn)];
  const { current } = facts.version;
  const recent = current.major > major || (current.major === major && current.minor >= minor);
  return recent && bitOf(policy, Policy.RESERVED_ONE_BIT) && policy >> BigInt(Policy.WIDTH) === 0n;
}
