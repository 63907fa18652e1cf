// What a migration agent may do, and with which guests. SNP firmware ABI (AMD 56860), 4.10 and 7.
import type { GuestContext } from "../guest.ts";
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
