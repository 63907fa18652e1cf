// TIO_TDI_STATUS: the device is asked in which state an interface is. A draft: AMD's Linux series of 2025; TDISP 1.0, 11.3.12.
import * as Command from "../../abi/command.ts";
import * as Layout from "../../abi/psp/tio-tdi-status.ts";
import * as Page from "../../abi/psp/tio-tdi-status-page.ts";
import * as Status from "../../abi/status.ts";
import { bufferOf } from "../../layout.ts";
import type { Exchange } from "../../spdm/exchange.ts";
import type { CommandEntry } from "../command.ts";
import { mayWrite, writeHost } from "../memory.ts";
import { spdmTdiCommand, type TdiCall } from "../tio/command.ts";
import type { Finish, Session } from "../tio/tio.ts";

export const tioTdiStatus: CommandEntry = spdmTdiCommand({
  id: Command.TIO_TDI_STATUS,
  layout: Layout,
  begin(call) {
    const status = mayWrite(call.psp, paddrOf(call), Page.SIZE);
    return status === Status.SUCCESS ? ask(call, call.live.session as Session) : status;
  },
});

const paddrOf = ({ buffer }: TdiCall) => buffer.getBigUint64(Layout.STATUS_PADDR, true);

function* ask({ tdi }: TdiCall, { tdisp }: Session): Exchange<Finish<TdiCall>> {
  const TDISP_STATE = yield* tdisp.state(tdi.functionId);
  return (call) => {
    // The page may have changed hands while the device was asked.
    const status = mayWrite(call.psp, paddrOf(call), Page.SIZE);
    if (status !== Status.SUCCESS) return status;
    writeHost(call.psp, paddrOf(call), bufferOf(Page, { LENGTH: Page.SIZE, TDISP_STATE }));
    return Status.SUCCESS;
  };
}
