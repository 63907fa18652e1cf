// TIO_DEV_RECLAIM: a device that is not connected is forgotten; its context becomes a Firmware page. A DEV_CONNECT that the host
// has given up ends with it. AMD 58271; Linux sev-dev-tsm.c.
import * as Command from "../../abi/command.ts";
import * as Layout from "../../abi/psp/tio-dev-reclaim.ts";
import * as Status from "../../abi/status.ts";
import type { CommandEntry } from "../command.ts";
import { deviceCommand } from "../tio/command.ts";

export const tioDevReclaim: CommandEntry = deviceCommand(
  Command.TIO_DEV_RECLAIM,
  Layout,
  ({ tio, dev, device }) => {
    if (device.tdis > 0) return Status.IN_USE;
    tio.cutOff(dev);
    tio.destroyDevice(dev);
    return Status.SUCCESS;
  },
);
