// TIO_ROLL_KEY: new keys for the stream, in the key set that is not in use; then both ends change over. A draft: AMD's Linux
// series of 2025; PCIe 6.33.3.
import * as Command from "../../abi/command.ts";
import * as Layout from "../../abi/psp/tio-roll-key.ts";
import * as Status from "../../abi/status.ts";
import { type Exchange, PeerFault, PeerRefusal } from "../../spdm/exchange.ts";
import type { RootPortIde } from "../../tio-port.ts";
import type { CommandEntry } from "../command.ts";
import { spdmCommand, type TioCall } from "../tio/command.ts";
import { programKeys, useKeys } from "../tio/connect.ts";
import type { Finish, Session } from "../tio/tio.ts";

export const tioRollKey: CommandEntry = spdmCommand({
  id: Command.TIO_ROLL_KEY,
  layout: Layout,
  begin(call) {
    const { tio, device, live } = call;
    const rootPort = tio.rootPort(device) as RootPortIde;
    return roll(call, live.session as Session, rootPort);
  },
});

function* roll(
  { device }: TioCall,
  session: Session,
  rootPort: RootPortIde,
): Exchange<Finish<TioCall>> {
  const [streamId] = device.streamIds as unknown as [number];
  const keySet = device.keySet === 0 ? 1 : 0;
  const stream = { streamId, portIndex: session.portIndex, keySet } as const;
  yield* programKeys(session, rootPort, stream);
  try {
    yield* useKeys(session, rootPort, stream);
  } catch (error) {
    // Half a key set is none: a refusal in the middle is no better than silence.
    if (error instanceof PeerRefusal) throw new PeerFault(error.message);
    throw error;
  }
  return ({ tio, dev, device: now }) => {
    tio.saveDevice(dev, { ...now, keySet });
    return Status.SUCCESS;
  };
}
