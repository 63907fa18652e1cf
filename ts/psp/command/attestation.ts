// ATTESTATION: what was launched, signed by the platform endorsement key. SEV API (AMD 55766), 6.8.
import * as Layout from "../../abi/psp/attestation.ts";
import * as Report from "../../abi/psp/attestation-report.ts";
import * as Certificate from "../../abi/psp/sev-certificate.ts";
import * as Status from "../../abi/status.ts";
import { viewOf } from "../../layout.ts";
import type { CommandEntry } from "../command.ts";
import { writeSized } from "../memory.ts";
import { signatureOf } from "../sev-certificate.ts";
import { LSECRET, RUNNING, type SevGuestCall, sevGuestCommand } from "../sev-command.ts";

export const attestation: CommandEntry = sevGuestCommand({
  layout: Layout,
  guest: [LSECRET, RUNNING],
  writesBuffer: true,
  run(call) {
    const { psp, buffer } = call;
    const write = () => report(call);
    return (
      writeSized(psp, buffer, Layout.PADDR, Layout.LENGTH, Report.SIZE, write) ?? Status.SUCCESS
    );
  },
});

function report({ psp, guest, buffer }: SevGuestCall): Uint8Array {
  const bytes = new Uint8Array(Report.SIZE);
  const view = viewOf(bytes);
  bytes.set(new Uint8Array(buffer.buffer.slice(Layout.MNONCE, Layout.LENGTH)), Report.MNONCE);
  bytes.set(guest.digest, Report.LAUNCH_DIGEST);
  view.setUint32(Report.POLICY, guest.policy, true);
  view.setUint32(Report.SIG_USAGE, Certificate.PEK, true);
  view.setUint32(Report.SIG_ALGO, Certificate.ECDSA_SHA256, true);
  const { r, s } = signatureOf(bytes.subarray(0, Report.SIG_USAGE), psp.sev.keys.pek);
  bytes.set(r, Report.SIG_R);
  bytes.set(s, Report.SIG_S);
  return bytes;
}
