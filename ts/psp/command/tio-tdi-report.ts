// TIO_TDI_REPORT: the report of a bound interface, asked anew; its guest sees by TDI_INFO that it was. A draft: AMD's Linux
// series of 2025; TDISP 1.0, 11.3.11.

import { sha384 } from "@noble/hashes/sha2.js";
import * as Command from "../../abi/command.ts";
import * as Layout from "../../abi/psp/tio-tdi-report.ts";
import * as Tio from "../../abi/psp/tio-values.ts";
import * as Status from "../../abi/status.ts";
import type { Exchange } from "../../spdm/exchange.ts";
import type { CommandEntry } from "../command.ts";
import { dataObject } from "../tio/buffer.ts";
import { spdmTdiCommand, type TdiCall } from "../tio/command.ts";
import type { Finish, Session } from "../tio/tio.ts";

export const tioTdiReport: CommandEntry = spdmTdiCommand({
  id: Command.TIO_TDI_REPORT,
  layout: Layout,
  begin(call) {
    const { buffer, tdi, live } = call;
    if (buffer.getBigUint64(Layout.GCTX_PADDR, true) !== tdi.gctx) return Status.INVALID_GUEST;
    return report(call, live.session as Session);
  },
});

function* report(call: TdiCall, { tdisp }: Session): Exchange<Finish<TdiCall>> {
  const { octets, ranges } = yield* tdisp.report(call.tdi.functionId);
  if (ranges.length > Tio.MOST_RANGES) return () => Status.RESPONSE_TOO_LARGE;
  return ({ tio, page, tdi, device }) => {
    const reportDigest = sha384(octets);
    tio.saveTdi(page, { ...tdi, ranges, reportDigest, reports: tdi.reports + 1n });
    return dataObject(Tio.ID_REPORT, device, octets);
  };
}
