// SEND_START: a running guest begins to leave for another platform, if its policy allows that one. SEV API (AMD 55766), 6.9.
import * as Layout from "../../abi/psp/send-start.ts";
import * as Session from "../../abi/psp/session.ts";
import * as Certificate from "../../abi/psp/sev-certificate.ts";
import * as Policy from "../../abi/psp/sev-policy.ts";
import * as Status from "../../abi/status.ts";
import { bitOf } from "../../layout.ts";
import type { CommandEntry } from "../command.ts";
import { mayWrite, readHost, writeHost } from "../memory.ts";
import { makeSession } from "../session.ts";
import { isCertificate, isSignedBy, pointOf } from "../sev-certificate.ts";
import { RUNNING, type SevGuestCall, sevGuestCommand } from "../sev-command.ts";
import { SevGuestState } from "../sev-guest.ts";

export const sendStart: CommandEntry = sevGuestCommand({
  layout: Layout,
  guest: [RUNNING],
  writesBuffer: true,
  run(call) {
    const { psp, guest, buffer } = call;
    if (bitOf(guest.policy, Policy.NOSEND_BIT)) return Status.POLICY_FAILURE;
    const isShort = buffer.getUint32(Layout.SESSION_LENGTH, true) < Session.SIZE;
    buffer.setUint32(Layout.SESSION_LENGTH, Session.SIZE, true);
    if (isShort) return Status.INVALID_LENGTH;
    const point = receiverOf(call);
    if (typeof point === "number") return point;
    const paddr = buffer.getBigUint64(Layout.SESSION_PADDR, true);
    const status = mayWrite(psp, paddr, Session.SIZE);
    if (status !== Status.SUCCESS) return status;
    const keys = { tek: psp.chance.bytes(16), tik: psp.chance.bytes(16) };
    writeHost(psp, paddr, makeSession(psp.sev.keys.pdh, point, keys, guest.policy, psp.chance));
    buffer.setUint32(Layout.POLICY, guest.policy, true);
    guest.keys = keys;
    guest.state = SevGuestState.SUPDATE;
    return Status.SUCCESS;
  },
});

/** The receiver's Diffie-Hellman key, when its chain is whole and, with POLICY.DOMAIN, has our owner. The CEK itself is believed:
 *  AMD's signature over it is RSA, and the firmware here has none (LIMITATIONS.md). */
function receiverOf({ psp, guest, buffer }: SevGuestCall): Uint8Array | number {
  const { SIZE } = Certificate;
  const length = (at: number) => buffer.getUint32(at, true);
  if (length(Layout.PDH_CERT_LENGTH) !== SIZE) return Status.INVALID_LENGTH;
  if (length(Layout.PLAT_CERTS_LENGTH) !== 3 * SIZE) return Status.INVALID_LENGTH;
  const pdh = readHost(psp, buffer.getBigUint64(Layout.PDH_CERT_PADDR, true), SIZE);
  const chain = readHost(psp, buffer.getBigUint64(Layout.PLAT_CERTS_PADDR, true), 3 * SIZE);
  if (!pdh || !chain) return Status.INVALID_ADDRESS;
  const part = (i: number) => chain.subarray(i * SIZE, (i + 1) * SIZE);
  const [pek, oca, cek] = [part(0), part(1), part(2)];
  const isForm =
    isCertificate(pdh, Certificate.PDH) &&
    isCertificate(pek, Certificate.PEK) &&
    isCertificate(oca, Certificate.OCA) &&
    isCertificate(cek, Certificate.CEK);
  if (!isForm) return Status.INVALID_CERTIFICATE;
  const isWhole = isSignedBy(pdh, pek) && isSignedBy(pek, oca) && isSignedBy(pek, cek);
  if (!isWhole) return Status.BAD_SIGNATURE;
  const own = psp.sev.known && pointOf(psp.sev.known.ocaCertificate);
  const isOurs = !pointOf(oca)?.some((byte, i) => byte !== own?.[i]);
  if (bitOf(guest.policy, Policy.DOMAIN_BIT) && !isOurs) return Status.POLICY_FAILURE;
  return pointOf(pdh) as Uint8Array;
}
