// MSG_TDI_INFO_REQ: by which digests a guest knows that the evidence its host gave it is the device's. AMD 58271, a draft.
import * as Request from "../../abi/message-tdi-info-req.ts";
import * as Response from "../../abi/message-tdi-info-rsp.ts";
import * as Told from "../../abi/tio-message.ts";
import { isWellFormed, viewOf } from "../../layout.ts";
import { isFresh } from "../tio/tdi.ts";
import { boundTo, echo, type TioMessageEntry } from "./tio-entry.ts";

const statuses = {
  bound: Told.INFO_BOUND,
  unbound: Told.INFO_UNBOUND,
  invalid: Told.INFO_INVALID,
} as const;

export const tdiInfo: TioMessageEntry = {
  versions: 1,
  fits: (bytes) => bytes === Request.SIZE,
  run(asked) {
    const inOrder = isWellFormed(Request, asked.view);
    const status = inOrder ? statuses[boundTo(asked)] : Told.INFO_INVALID;
    const payload = echo(asked, Response.SIZE, status);
    if (status !== Told.INFO_BOUND) return { payload };
    const { device, tdi } = asked.call;
    const view = viewOf(payload);
    const flags =
      (Number(device.measurements > 0) << Response.MEAS_DIGEST_VALID_BIT) |
      (Number(isFresh(device, tdi)) << Response.MEAS_DIGEST_FRESH_BIT);
    view.setUint32(Response.MEAS_FLAGS, flags, true);
    view.setUint32(Response.TDISP_LOCK_FLAGS, tdi.lockFlags, true);
    payload.set(device.algorithms, Response.SPDM_ALGOS);
    payload.set(device.certsDigest, Response.CERTS_DIGEST);
    payload.set(device.measDigest, Response.MEAS_DIGEST);
    payload.set(tdi.reportDigest, Response.REPORT_DIGEST);
    view.setBigUint64(Response.REPORT_COUNTER, tdi.reports, true);
    return { payload };
  },
};
