// PEK_CERT_IMPORT: the platform is given to the owner whose certificate authority signed its PEK. SEV API (AMD 55766), 5.6.
import * as Layout from "../../abi/psp/pek-cert-import.ts";
import * as Certificate from "../../abi/psp/sev-certificate.ts";
import * as Status from "../../abi/status.ts";
import { type CommandEntry, when } from "../command.ts";
import { readHost } from "../memory.ts";
import { isCertificate, isSignedBy, pointOf } from "../sev-certificate.ts";

export const pekCertImport: CommandEntry = {
  layout: Layout,
  platform: when.sevInit,
  run(psp, buffer) {
    const { sev } = psp;
    const length = (at: number) => buffer.getUint32(at, true);
    if (sev.isOwned) return Status.ALREADY_OWNED;
    if (length(Layout.PEK_CERT_LENGTH) !== Certificate.SIZE) return Status.INVALID_LENGTH;
    if (length(Layout.OCA_CERT_LENGTH) !== Certificate.SIZE) return Status.INVALID_LENGTH;
    const read = (at: number) => readHost(psp, buffer.getBigUint64(at, true), Certificate.SIZE);
    const pek = read(Layout.PEK_CERT_PADDR);
    const oca = read(Layout.OCA_CERT_PADDR);
    if (!pek || !oca) return Status.INVALID_ADDRESS;
    const isForm = isCertificate(pek, Certificate.PEK) && isCertificate(oca, Certificate.OCA);
    if (!isForm) return Status.INVALID_CERTIFICATE;
    const own = sev.known && pointOf(sev.known.pekCertificate);
    if (pointOf(pek)?.some((byte, i) => byte !== own?.[i])) return Status.INVALID_CERTIFICATE;
    if (!isSignedBy(oca, oca) || !isSignedBy(pek, oca)) return Status.BAD_SIGNATURE;
    sev.own(pek, oca);
    return Status.SUCCESS;
  },
};
