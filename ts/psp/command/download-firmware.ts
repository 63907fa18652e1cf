// DOWNLOAD_FIRMWARE: new firmware, before anything is initialised. SEV API (AMD 55766), 5.13.
import * as Layout from "../../abi/psp/download-firmware.ts";
import { type CommandEntry, when } from "../command.ts";
import { loadImage } from "../image.ts";

export const downloadFirmware: CommandEntry = {
  layout: Layout,
  platform: when.nothingInit,
  run: (psp, buffer) =>
    loadImage(
      psp,
      buffer.getBigUint64(Layout.FW_PADDR, true),
      buffer.getUint32(Layout.FW_LENGTH, true),
    ),
};
