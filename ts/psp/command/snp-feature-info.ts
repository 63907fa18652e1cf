// SNP_FEATURE_INFO: what the firmware can do, as CPUID says it of a processor. AMD 56860, 8.
import * as Info from "../../abi/psp/feature-info.ts";
import * as Layout from "../../abi/psp/snp-feature-info.ts";
import * as Status from "../../abi/status.ts";
import { viewOf } from "../../layout.ts";
import { type CommandEntry, when } from "../command.ts";
import { mayWrite, writeHost } from "../memory.ts";
import type { PlatformState } from "../platform.ts";

export const snpFeatureInfo: CommandEntry = {
  layout: Layout,
  platform: when.ever,
  run(psp, buffer) {
    if (buffer.getUint32(Layout.LENGTH, true) !== Layout.SIZE) return Status.INVALID_LENGTH;
    // Subfunction 0 is the only one.
    if (buffer.getUint32(Layout.ECX_IN, true) !== 0) return Status.INVALID_PARAM;
    const paddr = buffer.getBigUint64(Layout.FEATURE_INFO_PADDR, true);
    const status = mayWrite(psp, paddr, Info.SIZE);
    if (status !== Status.SUCCESS) return status;
    writeHost(psp, paddr, infoOf(psp.platform));
    return Status.SUCCESS;
  },
};

function infoOf({ chip, features }: PlatformState): Uint8Array {
  const bytes = new Uint8Array(Info.SIZE);
  const view = viewOf(bytes);
  const turin = Number(chip.newest === "sev-tio");
  view.setUint32(Info.EBX, Number(features.tio) << Info.TIO_BIT, true);
  view.setUint32(
    Info.ECX,
    (1 << Info.X86_SNP_SHUTDOWN_BIT) |
      (1 << Info.RAPL_DIS_BIT) |
      (turin << Info.CIPHERTEXT_HIDING_BIT) |
      (Number(chip.memAes256Xts ?? false) << Info.AES_256_XTS_BIT) |
      (1 << Info.CXL_BIT) |
      (1 << Info.VERIFY_MITIGATION_BIT),
    true,
  );
  return bytes;
}
