// TIO_DEV_DISCONNECT: the stream's keys are stopped and the session ended. Forced, the device is not asked, and what its
// interfaces had of guests goes too. AMD 58271; Linux sev-dev-tsm.c.
import * as Command from "../../abi/command.ts";
import * as Layout from "../../abi/psp/tio-dev-disconnect.ts";
import * as Status from "../../abi/status.ts";
import type { Exchange } from "../../spdm/exchange.ts";
import { endSession } from "../../tsm/key-exchange.ts";
import type { CommandEntry } from "../command.ts";
import { spdmCommand, type TioCall } from "../tio/command.ts";
import type { Finish, Session } from "../tio/tio.ts";

export const tioDevDisconnect: CommandEntry = spdmCommand({
  id: Command.TIO_DEV_DISCONNECT,
  layout: Layout,
  begin(call) {
    const { tio, dev, device, live, force } = call;
    if (!force) return device.bound > 0 ? Status.IN_USE : disconnect(call, live.session as Session);
    tio.force(dev);
    return Status.SUCCESS;
  },
});

function* disconnect({ device }: TioCall, session: Session): Exchange<Finish<TioCall>> {
  const { requester, ide, portIndex } = session;
  const [streamId] = device.streamIds as unknown as [number];
  yield* ide.stop({ streamId, portIndex, keySet: device.keySet as 0 | 1 });
  yield* endSession(requester, session.session);
  return ({ tio, dev }) => {
    tio.force(dev);
    return Status.SUCCESS;
  };
}
