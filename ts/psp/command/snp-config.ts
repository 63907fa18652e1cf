// SNP_CONFIG: the TCB that reports show, and whether they show the chip. AMD 56860, 8.
import * as Layout from "../../abi/psp/snp-config.ts";
import * as Status from "../../abi/status.ts";
import { bitOf } from "../../layout.ts";
import { type CommandEntry, when } from "../command.ts";

export const snpConfig: CommandEntry = {
  layout: Layout,
  platform: when.ever,
  run({ platform }, buffer) {
    const reported = buffer.getBigUint64(Layout.REPORTED_TCB, true);
    const flags = buffer.getUint32(Layout.FLAGS, true);
    if (!platform.mayReport(reported)) return Status.INVALID_PARAM;
    platform.configure(
      reported,
      bitOf(flags, Layout.MASK_CHIP_ID_BIT),
      bitOf(flags, Layout.MASK_CHIP_KEY_BIT),
    );
    return Status.SUCCESS;
  },
};
