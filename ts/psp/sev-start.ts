// How a SEV or SEV-ES guest begins, launched or received: its policy, its memory key, its handle. SEV API (AMD 55766), 6.2 and 6.13.
import { sha256 } from "@noble/hashes/sha2.js";
import * as Status from "../abi/status.ts";
import type { Psp } from "./firmware.ts";
import type { TransportKeys } from "./sev-guest.ts";
import { memoryKeys } from "./sev-keys.ts";
import { checkSevPolicy } from "./sev-policy.ts";

/** Where a command has the handle of the guest to share a key with, which comes back as the new guest's, and the policy. */
interface StartLayout {
  readonly HANDLE: number;
  readonly POLICY: number;
}

/** Begins a guest in a state, under the transport keys that `keysOf` answers; they are asked for after all else. */
export function startGuest(
  psp: Psp,
  buffer: DataView,
  layout: StartLayout,
  state: number,
  keysOf: (policy: number) => TransportKeys | number,
): number {
  const policy = buffer.getUint32(layout.POLICY, true);
  const refused = checkSevPolicy(psp, policy);
  if (refused !== Status.SUCCESS) return refused;
  const memory = memoryKeys(psp, buffer.getUint32(layout.HANDLE, true), policy);
  if (typeof memory === "number") return memory;
  const keys = keysOf(policy);
  if (typeof keys === "number") return keys;
  const handle = psp.sev.takeHandle();
  psp.sev.guests.set(handle, {
    vmsas: [],
    handle,
    state,
    policy,
    asid: 0,
    ...memory,
    launch: sha256.create(),
    digest: new Uint8Array(32),
    keys,
  });
  buffer.setUint32(layout.HANDLE, handle, true);
  return Status.SUCCESS;
}
