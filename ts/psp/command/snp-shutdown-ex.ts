// SNP_SHUTDOWN_EX: every guest is forgotten; asked to, the RMP is no longer checked. AMD 56860, 8.
import * as Layout from "../../abi/psp/snp-shutdown-ex.ts";
import * as Status from "../../abi/status.ts";
import { bitOf } from "../../layout.ts";
import { type CommandEntry, when } from "../command.ts";
import type { Psp } from "../firmware.ts";
import { SnpState } from "../platform.ts";

export const snpShutdownEx: CommandEntry = {
  layout: Layout,
  platform: when.snpInit,
  run(psp, buffer) {
    if (buffer.getUint32(Layout.LENGTH, true) !== Layout.SIZE) return Status.INVALID_LENGTH;
    const flags = buffer.getUint32(Layout.FLAGS, true);
    return shutDown(psp, bitOf(flags, Layout.X86_SNP_SHUTDOWN_BIT));
  },
};

/** The caches must hold nothing of a guest: WBINVD and DF_FLUSH since the last ASID was activated or given up. */
export function shutDown(psp: Psp, x86: boolean): number {
  const { platform, port, asids, contexts } = psp;
  const status = asids.shutdownStatus();
  if (status !== Status.SUCCESS) return status;
  asids.release(true);
  asids.maxSnpAsid = 0;
  for (const gctx of contexts.pages()) contexts.destroy(gctx);
  psp.tio.shutDown();
  platform.snp = SnpState.UNINIT;
  platform.raplDisabled = false;
  platform.ciphertextHiding = false;
  platform.tio = false;
  port.hideCiphertext(false);
  if (x86) {
    platform.rmpInitialised = false;
    port.enforceRmp(false);
  }
  return Status.SUCCESS;
}
