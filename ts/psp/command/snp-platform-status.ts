// SNP_PLATFORM_STATUS: versions, state and TCBs. AMD 56860, 8.
import * as Layout from "../../abi/psp/snp-platform-status.ts";
import * as Page from "../../abi/psp/snp-platform-status-page.ts";
import * as Status from "../../abi/status.ts";
import { viewOf } from "../../layout.ts";
import { type CommandEntry, when } from "../command.ts";
import type { Psp } from "../firmware.ts";
import { mayWrite, writeHost } from "../memory.ts";

export const snpPlatformStatus: CommandEntry = {
  layout: Layout,
  platform: when.ever,
  run(psp, buffer) {
    const paddr = buffer.getBigUint64(Layout.STATUS_PADDR, true);
    const status = mayWrite(psp, paddr, Page.SIZE);
    if (status !== Status.SUCCESS) return status;
    writeHost(psp, paddr, statusPage(psp));
    return Status.SUCCESS;
  },
};

function statusPage({ platform, contexts }: Psp): Uint8Array {
  const bytes = new Uint8Array(Page.SIZE);
  const view = viewOf(bytes);
  const { version, tcb } = platform;
  bytes[Page.API_MAJOR] = version.current.major;
  bytes[Page.API_MINOR] = version.current.minor;
  bytes[Page.STATE] = platform.snp;
  bytes[Page.IS] =
    (Number(platform.rmpInitialised) << Page.IS_RMP_INIT_BIT) |
    (1 << Page.ALIAS_CHECK_COMPLETE_BIT) |
    (Number(platform.tio) << Page.IS_TIO_EN_BIT);
  view.setUint32(Page.BUILD_ID, version.current.build, true);
  view.setUint32(Page.FEATURES, featuresOf(platform), true);
  view.setUint32(Page.GUEST_COUNT, contexts.count, true);
  view.setBigUint64(Page.CURRENT_TCB, tcb.current, true);
  view.setBigUint64(Page.REPORTED_TCB, tcb.reported, true);
  return bytes;
}

function featuresOf(platform: Psp["platform"]): number {
  const bit = (on: boolean, position: number) => Number(on) << position;
  return (
    bit(platform.maskChipId, Page.MASK_CHIP_ID_BIT) |
    bit(platform.maskChipKey, Page.MASK_CHIP_KEY_BIT) |
    bit(platform.vlek !== undefined, Page.VLEK_EN_BIT) |
    bit(true, Page.FEATURE_INFO_BIT) |
    bit(platform.raplDisabled, Page.RAPL_DIS_BIT) |
    bit(platform.chip.newest === "sev-tio", Page.CIPHERTEXT_HIDING_CAP_BIT) |
    bit(platform.ciphertextHiding, Page.CIPHERTEXT_HIDING_EN_BIT) |
    bit(platform.features.tio, Page.TIO_BIT)
  );
}
