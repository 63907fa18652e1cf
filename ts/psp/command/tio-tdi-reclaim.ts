// TIO_TDI_RECLAIM: an interface that no guest has is forgotten; its context becomes a Firmware page. A draft: AMD's Linux series
// of 2025.
import * as Command from "../../abi/command.ts";
import * as Layout from "../../abi/psp/tio-tdi-reclaim.ts";
import * as Status from "../../abi/status.ts";
import type { CommandEntry } from "../command.ts";
import { tdiCommand } from "../tio/command.ts";

export const tioTdiReclaim: CommandEntry = tdiCommand(Command.TIO_TDI_RECLAIM, Layout, (call) => {
  const { tio, dev, device, page } = call;
  tio.destroyTdi(page);
  tio.saveDevice(dev, { ...device, tdis: device.tdis - 1 });
  return Status.SUCCESS;
});
