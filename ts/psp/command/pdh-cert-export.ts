// PDH_CERT_EXPORT: the platform's Diffie-Hellman key and the chain above it. SEV API (AMD 55766), 5.9.
import * as Layout from "../../abi/psp/pdh-cert-export.ts";
import * as Certificate from "../../abi/psp/sev-certificate.ts";
import * as Status from "../../abi/status.ts";
import { type CommandEntry, when } from "../command.ts";
import { mayWrite, writeHost } from "../memory.ts";

const CHAIN = 3 * Certificate.SIZE;

export const pdhCertExport: CommandEntry = {
  layout: Layout,
  platform: when.sevInitOrWorking,
  writesBuffer: true,
  run(psp, buffer) {
    const isShort =
      buffer.getUint32(Layout.PDH_CERT_LENGTH, true) < Certificate.SIZE ||
      buffer.getUint32(Layout.CERTS_LENGTH, true) < CHAIN;
    buffer.setUint32(Layout.PDH_CERT_LENGTH, Certificate.SIZE, true);
    buffer.setUint32(Layout.CERTS_LENGTH, CHAIN, true);
    if (isShort) return Status.INVALID_LENGTH;
    const pdh = buffer.getBigUint64(Layout.PDH_CERT_PADDR, true);
    const certs = buffer.getBigUint64(Layout.CERTS_PADDR, true);
    const status = mayWrite(psp, pdh, Certificate.SIZE) || mayWrite(psp, certs, CHAIN);
    if (status !== Status.SUCCESS) return status;
    writeHost(psp, pdh, psp.sev.pdhCertificate());
    writeHost(psp, certs, psp.sev.chain());
    return Status.SUCCESS;
  },
};
