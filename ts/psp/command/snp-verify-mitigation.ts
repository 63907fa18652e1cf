// SNP_VERIFY_MITIGATION: which mitigations the firmware knows, and whether one is in effect. AMD 56860, 8.
import * as Page from "../../abi/psp/mitigation-status.ts";
import * as Layout from "../../abi/psp/snp-verify-mitigation.ts";
import * as Status from "../../abi/status.ts";
import { bitOf, viewOf } from "../../layout.ts";
import { type CommandEntry, when } from "../command.ts";
import { mayWrite, writeHost } from "../memory.ts";

const STATUS = 0;
const VERIFY = 1;
const FAILED = 1;

export const snpVerifyMitigation: CommandEntry = {
  layout: Layout,
  platform: when.ever,
  run(psp, buffer) {
    const subcommand = buffer.getUint16(Layout.SUBCOMMAND, true);
    const vector = buffer.getBigUint64(Layout.VECTOR, true);
    const supported = psp.platform.mitigationVector;
    if (buffer.getUint32(Layout.LENGTH, true) !== Layout.SIZE) return Status.INVALID_LENGTH;
    if (subcommand !== STATUS && subcommand !== VERIFY) return Status.INVALID_PARAM;
    if (!bitOf(buffer.getUint32(Layout.FLAGS, true), Layout.DST_PADDR_EN_BIT))
      return Status.SUCCESS;
    const paddr = buffer.getBigUint64(Layout.DST_PADDR, true);
    const status = mayWrite(psp, paddr, Page.SIZE);
    if (status !== Status.SUCCESS) return status;
    // All that an image brings is in effect once it runs.
    const missing = subcommand === VERIFY && (vector & ~supported) !== 0n;
    const bytes = new Uint8Array(Page.SIZE);
    viewOf(bytes).setBigUint64(Page.VERIFIED_VECTOR, supported, true);
    viewOf(bytes).setBigUint64(Page.SUPPORTED_VECTOR, supported, true);
    viewOf(bytes).setUint32(Page.FAILURE_STATUS, missing ? FAILED : 0, true);
    writeHost(psp, paddr, bytes);
    return Status.SUCCESS;
  },
};
