// PDH_CERT_EXPORT: the hypervisor asks for what a guest's owner seals a session to. SEV API (AMD 55766), 5.8; Linux sev-dev.c.
import * as Export from "../abi/psp/pdh-cert-export.ts";
import * as Certificate from "../abi/psp/sev-certificate.ts";
import type { Hypervisor } from "./hypervisor.ts";

const CERTIFICATES = 3;

/** The PDH's certificate, 2,084 bytes, then those above it: PEK, OCA, CEK. The platform must be in INIT, without SNP. */
export function exportPdh({ parts }: Hypervisor): Uint8Array {
  const { host, mailbox, pages } = parts;
  const [pdh, certificates] = [pages.large(), pages.large()];
  const chain = CERTIFICATES * Certificate.SIZE;
  mailbox.must("PDH_CERT_EXPORT", Export, {
    PDH_CERT_PADDR: pdh,
    PDH_CERT_LENGTH: Certificate.SIZE,
    CERTS_PADDR: certificates,
    CERTS_LENGTH: chain,
  });
  const bytes = new Uint8Array(Certificate.SIZE + chain);
  host.read(pdh, bytes.subarray(0, Certificate.SIZE));
  host.read(certificates, bytes.subarray(Certificate.SIZE));
  return bytes;
}
