// TIO_DEV_CREATE: a Firmware page becomes the context of a device. Nothing is said to the device. AMD 58271; Linux sev-dev-tio.c.
import * as Layout from "../../abi/psp/tio-dev-create.ts";
import * as Status from "../../abi/status.ts";
import type { CommandEntry } from "../command.ts";
import { pageAt } from "../page.ts";
import { tioCommand } from "../tio/command.ts";
import { newDevice } from "../tio/device.ts";
import { contextPage } from "../tio/sla.ts";

export const tioDevCreate: CommandEntry = tioCommand(Layout, (psp, buffer) => {
  const { tio, port } = psp;
  const dev = contextPage(psp, buffer.getBigUint64(Layout.DEV_CTX_SLA, true));
  if (typeof dev === "number") return dev;
  const deviceId = buffer.getUint16(Layout.DEVICE_ID, true);
  const rootPortId = buffer.getUint16(Layout.ROOT_PORT_ID, true);
  const segment = buffer.getUint8(Layout.SEGMENT_ID);
  const page = pageAt(port, dev);
  if (page.state !== "firmware") return Status.INVALID_PAGE_STATE;
  if (page.large) return Status.INVALID_PAGE_SIZE;
  const device = newDevice(deviceId, rootPortId, segment);
  if (!tio.rootPort(device)) return Status.INVALID_PARAM;
  const known = tio
    .devices()
    .some(([, live]) => live.device.deviceId === deviceId && live.device.segment === segment);
  if (known) return Status.IN_USE;
  tio.createDevice(dev, device);
  return Status.SUCCESS;
});
