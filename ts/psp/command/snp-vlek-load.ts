// SNP_VLEK_LOAD: a provider's key, wrapped for this chip, may sign reports. AMD 56860, 8.
import * as Layout from "../../abi/psp/snp-vlek-load.ts";
import * as Status from "../../abi/status.ts";
import * as Hashstick from "../../abi/vlek-hashstick.ts";
import { type CommandEntry, when } from "../command.ts";
import { readHost } from "../memory.ts";
import { unwrapVlek } from "../vlek.ts";

export const snpVlekLoad: CommandEntry = {
  layout: Layout,
  platform: when.ever,
  run(psp, buffer) {
    const { platform } = psp;
    if (buffer.getUint32(Layout.LENGTH, true) !== Layout.SIZE) return Status.INVALID_LENGTH;
    if (buffer.getUint8(Layout.VLEK_WRAPPED_VERSION) !== 0) return Status.INVALID_PARAM;
    const paddr = buffer.getBigUint64(Layout.VLEK_WRAPPED_PADDR, true);
    const hashstick = readHost(psp, paddr, Hashstick.SIZE);
    if (!hashstick) return Status.INVALID_ADDRESS;
    const vlek = unwrapVlek(platform.seed, platform.product, hashstick);
    if (!vlek) return Status.INVALID_KEY;
    if (vlek.tcb !== platform.tcb.reported) return Status.BAD_SVN;
    platform.loadVlek(vlek, hashstick);
    return Status.SUCCESS;
  },
};
