// SNP_DOWNLOAD_FIRMWARE_EX: new firmware, while guests run. Until COMMIT it may be taken back. AMD 56860, 8.
import * as Layout from "../../abi/psp/snp-download-firmware-ex.ts";
import * as Status from "../../abi/status.ts";
import { bitOf } from "../../layout.ts";
import { type CommandEntry, when } from "../command.ts";
import { loadImage } from "../image.ts";

export const snpDownloadFirmwareEx: CommandEntry = {
  layout: Layout,
  platform: when.ever,
  run(psp, buffer) {
    if (buffer.getUint32(Layout.LENGTH, true) !== Layout.SIZE) return Status.INVALID_LENGTH;
    const paddr = buffer.getBigUint64(Layout.FW_PADDR, true);
    const status = loadImage(psp, paddr, buffer.getUint32(Layout.FW_LEN, true));
    if (status !== Status.SUCCESS) return status;
    if (bitOf(buffer.getUint32(Layout.FLAGS, true), Layout.COMMIT_BIT)) psp.platform.commit();
    return Status.SUCCESS;
  },
};
