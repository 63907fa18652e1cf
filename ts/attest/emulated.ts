// The mark of Cloister's own certificates: a non-critical extension that says they are emulated. DESIGN.md, section 6.
import type { Certificate } from "./certificate.ts";
import { AUTHORITY_KEY_ID } from "./extension.ts";

/**
 * A URI among the issuer's names in authorityKeyIdentifier. Not an extension of our own: go-sev-guest
 * refuses a VCEK with any object identifier that AMD's have not, save this one.
 */
export const EMULATED_URI = "urn:cloister:emulated";

export function isEmulated(certificate: Pick<Certificate, "extensions">): boolean {
  const mark = certificate.extensions.find(({ oid }) => oid === AUTHORITY_KEY_ID);
  return mark !== undefined && String.fromCharCode(...mark.value).includes(EMULATED_URI);
}
