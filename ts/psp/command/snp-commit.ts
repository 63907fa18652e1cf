// SNP_COMMIT: the firmware that runs is the oldest that ever will again. AMD 56860, 8.
import * as Layout from "../../abi/psp/snp-commit.ts";
import * as Status from "../../abi/status.ts";
import { type CommandEntry, when } from "../command.ts";

export const snpCommit: CommandEntry = {
  layout: Layout,
  platform: when.ever,
  run({ platform }, buffer) {
    if (buffer.getUint32(Layout.LENGTH, true) !== Layout.SIZE) return Status.INVALID_LENGTH;
    platform.commit();
    return Status.SUCCESS;
  },
};
