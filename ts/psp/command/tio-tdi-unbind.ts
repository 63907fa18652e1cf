// TIO_TDI_UNBIND: the interface is stopped; the IOMMU refuses its private requests, and its guest's registers are validated no
// more. A draft: AMD's Linux series of 2025; TDISP 1.0, 11.3.16.
import * as Command from "../../abi/command.ts";
import * as Layout from "../../abi/psp/tio-tdi-unbind.ts";
import * as Status from "../../abi/status.ts";
import type { Exchange } from "../../spdm/exchange.ts";
import type { CommandEntry } from "../command.ts";
import { spdmTdiCommand, type TdiCall } from "../tio/command.ts";
import { unbound } from "../tio/tdi.ts";
import type { Finish, Session } from "../tio/tio.ts";

export const tioTdiUnbind: CommandEntry = spdmTdiCommand({
  id: Command.TIO_TDI_UNBIND,
  layout: Layout,
  begin(call) {
    const { buffer, tdi, live, force } = call;
    if (buffer.getBigUint64(Layout.GCTX_PADDR, true) !== tdi.gctx) return Status.INVALID_GUEST;
    return force ? release(call) : stop(call, live.session as Session);
  },
});

function* stop({ tdi: { functionId } }: TdiCall, { tdisp }: Session): Exchange<Finish<TdiCall>> {
  yield* tdisp.stop(functionId);
  return release;
}

function release({ tio, dev, device, page, tdi }: TdiCall): number {
  tio.takeAway(page);
  tio.saveTdi(page, unbound(tdi));
  tio.saveDevice(dev, { ...device, bound: device.bound - 1 });
  return Status.SUCCESS;
}
