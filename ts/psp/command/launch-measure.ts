// LAUNCH_MEASURE: what was launched, under the session's integrity key, for the guest's owner. SEV API (AMD 55766), 6.5.
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import * as Layout from "../../abi/psp/launch-measure.ts";
import * as Measurement from "../../abi/psp/launch-measurement.ts";
import * as Status from "../../abi/status.ts";
import { viewOf } from "../../layout.ts";
import type { CommandEntry } from "../command.ts";
import { writeSized } from "../memory.ts";
import { LUPDATE, type SevGuestCall, sevGuestCommand } from "../sev-command.ts";
import { SevGuestState } from "../sev-guest.ts";

const CONTEXT = 0x04;
const NONCE = 16;

export const launchMeasure: CommandEntry = sevGuestCommand({
  layout: Layout,
  guest: [LUPDATE],
  writesBuffer: true,
  run(call) {
    const { psp, guest, buffer } = call;
    const { MEASURE_PADDR, MEASURE_LENGTH } = Layout;
    const write = () => measurement(call);
    const bytes = Measurement.SIZE;
    const status = writeSized(psp, buffer, MEASURE_PADDR, MEASURE_LENGTH, bytes, write);
    if (status !== undefined) return status;
    guest.state = SevGuestState.LSECRET;
    return Status.SUCCESS;
  },
});

/** The MAC over API version, policy and digest, and its nonce. */
function measurement({ psp, guest }: SevGuestCall): Uint8Array {
  const { major, minor, build } = psp.platform.current.version;
  const nonce = psp.chance.bytes(NONCE);
  guest.digest = guest.launch.digest();
  const message = new Uint8Array(8 + guest.digest.length + NONCE);
  message.set([CONTEXT, major, minor, build]);
  viewOf(message).setUint32(4, guest.policy, true);
  message.set(guest.digest, 8);
  message.set(nonce, 8 + guest.digest.length);
  guest.measure = hmac(sha256, guest.keys.tik, message);
  const bytes = new Uint8Array(Measurement.SIZE);
  bytes.set(guest.measure, Measurement.MEASURE);
  bytes.set(nonce, Measurement.MNONCE);
  return bytes;
}
