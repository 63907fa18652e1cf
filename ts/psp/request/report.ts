// MSG_REPORT_REQ: an attestation report over 64 bytes of the guest's. SNP firmware ABI (AMD 56860), 7.3.
import * as Message from "../../abi/message.ts";
import * as Request from "../../abi/message-report-req.ts";
import * as Response from "../../abi/message-report-rsp.ts";
import * as Report from "../../abi/report.ts";
import { isWellFormed, viewOf } from "../../layout.ts";
import { selectedKey } from "../keys.ts";
import { makeReport } from "../report.ts";
import type { MessageEntry } from "./entry.ts";
import { refused } from "./response.ts";

export const report: MessageEntry = {
  versions: 1,
  fits: (bytes) => bytes === Request.SIZE,
  run({ facts, keys, guest, vmpl, payload, view }) {
    const lowest = view.getUint32(Request.VMPL, true);
    const select = view.getUint32(Request.FLAGS, true);
    const inOrder = isWellFormed(Request, view) && select !== 3 && lowest >= vmpl && lowest <= 3;
    if (!inOrder) return refused(Message.INVALID_PARAMETERS, Response.SIZE);
    const kind = selectedKey(facts, guest, select);
    const masked = kind === "VCEK" && facts.maskChipKey;
    const signer = kind && !masked ? keys.endorsement(kind, facts, facts.tcb.reported) : undefined;
    if (kind === undefined || (!signer && !masked)) {
      return refused(Message.INVALID_KEY, Response.SIZE);
    }
    const reportData = payload.slice(Request.REPORT_DATA, Request.VMPL);
    const made = makeReport(facts, guest, { vmpl: lowest, reportData, kind, signer });
    const answer = new Uint8Array(Response.SIZE);
    viewOf(answer).setUint32(Response.REPORT_SIZE, Report.SIZE, true);
    answer.set(made, Response.REPORT);
    return { payload: answer };
  },
};
