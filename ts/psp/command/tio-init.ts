// TIO_INIT: from now on devices can be connected, until SNP is shut down. AMD 58271; Linux sev-dev-tio.c.
import * as Layout from "../../abi/psp/tio-init.ts";
import * as Status from "../../abi/status.ts";
import { type CommandEntry, when } from "../command.ts";
import { enabled, isLong } from "../tio/command.ts";

export const tioInit: CommandEntry = {
  layout: Layout,
  platform: when.snpInit,
  run(psp, buffer) {
    const status = enabled(psp, false);
    if (status !== Status.SUCCESS) return status;
    if (!isLong(Layout, buffer)) return Status.INVALID_LENGTH;
    psp.tio.init();
    return Status.SUCCESS;
  },
};
