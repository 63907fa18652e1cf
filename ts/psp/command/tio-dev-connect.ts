// TIO_DEV_CONNECT: the device proves who it is, a session is opened, and keys go to both ends of its stream. AMD 58271; Linux
// sev-dev-tsm.c, whose only traffic class is TC0.

import { sha384 } from "@noble/hashes/sha2.js";
import * as Command from "../../abi/command.ts";
import * as Layout from "../../abi/psp/tio-dev-connect.ts";
import * as Status from "../../abi/status.ts";
import type { Exchange } from "../../spdm/exchange.ts";
import type { RootPortIde } from "../../tio-port.ts";
import type { CommandEntry } from "../command.ts";
import { algorithmsOf } from "../tio/algorithms.ts";
import { spdmCommand, type TioCall } from "../tio/command.ts";
import { openSession, programKeys, requesterOf, useKeys } from "../tio/connect.ts";
import { type DeviceContext, DeviceState } from "../tio/device.ts";
import { type Finish, NO_STREAM } from "../tio/tio.ts";

const TC0 = 1;
const SLOTS = 8;

export const tioDevConnect: CommandEntry = spdmCommand({
  id: Command.TIO_DEV_CONNECT,
  layout: Layout,
  begin(call) {
    const asked = askedOf(call);
    const wanted =
      asked.tcMask === TC0 &&
      asked.certSlot < SLOTS &&
      asked.streamIds.every((id, tc) => (id !== NO_STREAM) === (tc === 0));
    const rootPort = call.tio.rootPort(call.device);
    if (!wanted || !rootPort) return Status.INVALID_PARAM;
    // What has to be undone if it breaks off, or is given up.
    call.live.device = asked;
    return connect(call, asked, rootPort);
  },
  broken({ tio, dev, device, live }) {
    tio.cutOff(dev);
    live.device = device;
  },
});

function askedOf({ buffer, device }: TioCall): DeviceContext {
  return {
    ...device,
    tcMask: buffer.getUint8(Layout.TC_MASK),
    certSlot: buffer.getUint8(Layout.CERT_SLOT),
    streamIds: Uint8Array.from({ length: 8 }, (_, tc) =>
      buffer.getUint8(Layout.IDE_STREAM_ID + tc),
    ),
  };
}

function* connect(
  { tio }: TioCall,
  asked: DeviceContext,
  rootPort: RootPortIde,
): Exchange<Finish<TioCall>> {
  const { deviceId, certSlot } = asked;
  const requester = requesterOf(tio.chance, tio.curves);
  const session = yield* openSession(requester, deviceId, certSlot);
  const streamId = asked.streamIds[0] as number;
  const stream = { streamId, portIndex: session.portIndex, keySet: 0 } as const;
  yield* programKeys(session, rootPort, stream);
  yield* useKeys(session, rootPort, stream);
  return ({ dev, live }) => {
    live.session = session;
    tio.saveDevice(dev, {
      ...asked,
      state: DeviceState.CONNECTED,
      algorithms: algorithmsOf(requester.suite),
      certsDigest: sha384(requester.chain(certSlot).octets),
    });
    return Status.SUCCESS;
  };
}
