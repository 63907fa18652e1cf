// The secrets page, which only its guest can read. SNP firmware ABI (AMD 56860), 8.17.2.5; spec digest launch-measurement.md 3.
import * as Layout from "../abi/secrets-page.ts";
import { viewOf } from "../layout.ts";
import type { Psp } from "./firmware.ts";
import type { GuestContext } from "./guest.ts";

const VERSION_3 = 3;

/** 4096 bytes. What the guest and its SVSM fill stays zero. */
export function secretsPage({ platform }: Psp, guest: GuestContext): Uint8Array {
  const bytes = new Uint8Array(Layout.SIZE);
  const view = viewOf(bytes);
  view.setUint32(Layout.VERSION, VERSION_3, true);
  view.setUint32(Layout.FLAGS, Number(guest.imiEn) << Layout.IMI_EN_BIT, true);
  view.setUint32(Layout.FMS, platform.chip.signature, true);
  bytes.set(guest.gosvw, Layout.GOSVW);
  const keys = [Layout.VMPCK0, Layout.VMPCK1, Layout.VMPCK2, Layout.VMPCK3];
  for (const [i, at] of keys.entries()) bytes.set(guest.vmpck[i] as Uint8Array, at);
  view.setBigUint64(Layout.LAUNCH_MIT_VECTOR, guest.launchMitVector, true);
  return bytes;
}
