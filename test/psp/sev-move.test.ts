// A SEV guest on its way to another platform, piece by piece. SEV API (AMD 55766), 6.9 to 6.16.
import * as GuestStatus from "../../ts/abi/psp/guest-status.ts";
import * as ReceiveStart from "../../ts/abi/psp/receive-start.ts";
import * as SendStart from "../../ts/abi/psp/send-start.ts";
import * as Certificate from "../../ts/abi/psp/sev-certificate.ts";
import * as Transport from "../../ts/abi/psp/transport.ts";
import * as Status from "../../ts/abi/status.ts";
import { hex, pattern } from "../core.ts";
import { assert, suite } from "../kit.ts";
import type { Rig } from "./rig.ts";
import { certificatesOf, measure, PAGE, placed, sevRig, update } from "./sev-rig.ts";

const test = suite("a SEV guest on its way");

const [ES, NOSEND, DOMAIN] = [4, 8, 16];
const SESSION = 128;
const HEADER = 52;

/** A running SEV guest with a page of memory. */
function running(rig: Rig, policy: number) {
  const handle = rig.sevStart(policy);
  rig.sevActivate(handle, policy & ES ? 1 : 0x80);
  const page = update(rig, handle, pattern(PAGE, 12));
  measure(rig, handle);
  rig.onHandle("LAUNCH_FINISH", handle);
  return { handle, page };
}

function sendStart(
  rig: Rig,
  HANDLE: number,
  to: ReturnType<typeof certificatesOf>,
  status: number,
) {
  const SESSION_PADDR = rig.page();
  const values = {
    HANDLE,
    PDH_CERT_PADDR: placed(rig, to.pdh),
    PDH_CERT_LENGTH: to.pdh.length,
    PLAT_CERTS_PADDR: placed(rig, to.all),
    PLAT_CERTS_LENGTH: to.all.length,
    SESSION_PADDR,
    SESSION_LENGTH: SESSION,
  };
  rig.expect(status, "SEND_START", SendStart, values);
  return { session: rig.read(SESSION_PADDR, SESSION), values };
}

test("a guest moved between two platforms is still right, and its packets are good for nobody else", () => {
  const [from, to] = [sevRig(1n), sevRig(2n)];
  const { handle, page } = running(from, ES);
  const { session } = sendStart(from, handle, certificatesOf(to), Status.SUCCESS);
  const [HEADER_PADDR, TRANS_PADDR] = [from.page(), from.page()];
  const out = { HEADER_PADDR, HEADER_LENGTH: HEADER, GUEST_PADDR: page, GUEST_LENGTH: PAGE };
  const piece = { HANDLE: handle, ...out, TRANS_PADDR, TRANS_LENGTH: PAGE };
  from.expect(Status.INVALID_LENGTH, "SEND_UPDATE_DATA", Transport, { ...piece, TRANS_LENGTH: 16 });
  from.expect(Status.SUCCESS, "SEND_UPDATE_DATA", Transport, piece);
  const [header, packet] = [from.read(HEADER_PADDR, HEADER), from.read(TRANS_PADDR)];
  assert.is.not(hex(packet), hex(pattern(PAGE, 12)));
  from.onHandle("SEND_FINISH", handle);
  from.expect(Status.INVALID_GUEST_STATE, "SEND_UPDATE_DATA", Transport, piece);

  const pdh = certificatesOf(from).pdh;
  const values = {
    POLICY: ES,
    PDH_CERT_PADDR: placed(to, pdh),
    PDH_CERT_LENGTH: pdh.length,
    SESSION_PADDR: to.filled(session),
    SESSION_LENGTH: SESSION,
  };
  to.expect(Status.POLICY_FAILURE, "RECEIVE_START", ReceiveStart, { ...values, POLICY: 0 });
  const { status, buffer } = to.exchange("RECEIVE_START", ReceiveStart, values);
  assert.is(status, Status.SUCCESS);
  const HANDLE = new DataView(buffer.buffer).getUint32(0, true);
  to.sevActivate(HANDLE, 9);
  const place = to.page();
  const receive = (result: number, head: Uint8Array, body: Uint8Array) =>
    to.expect(result, "RECEIVE_UPDATE_DATA", Transport, {
      HANDLE,
      HEADER_PADDR: to.filled(head),
      HEADER_LENGTH: HEADER,
      GUEST_PADDR: place,
      GUEST_LENGTH: PAGE,
      TRANS_PADDR: to.filled(body),
      TRANS_LENGTH: PAGE,
    });
  const wrong = packet.slice();
  wrong[0]! ^= 1;
  receive(Status.BAD_MEASUREMENT, header, wrong);
  receive(Status.SUCCESS, header, packet);
  to.onHandle("RECEIVE_FINISH", HANDLE);
  assert.is(hex(to.plain(place, 9)), hex(pattern(PAGE, 12)));
  const { buffer: guest } = to.exchange("GUEST_STATUS", GuestStatus, { HANDLE });
  assert.is(guest[GuestStatus.STATE], 3, "RUNNING");

  const third = sevRig(3n);
  third.expect(Status.BAD_MEASUREMENT, "RECEIVE_START", ReceiveStart, {
    ...values,
    PDH_CERT_PADDR: placed(third, pdh),
    SESSION_PADDR: third.filled(session),
  });
});

test("SEND_START is refused by policy, by another owner's platform, by a broken chain, and with a device", () => {
  const [from, to] = [sevRig(1n), sevRig(2n)];
  const target = certificatesOf(to);
  const fixed = running(from, ES | NOSEND).handle;
  sendStart(from, fixed, target, Status.POLICY_FAILURE);
  from.onHandle("DEACTIVATE", fixed);
  from.host.wbinvd();
  from.expect(Status.SUCCESS, "DF_FLUSH");
  const domain = running(from, ES | DOMAIN).handle;
  sendStart(from, domain, target, Status.POLICY_FAILURE);
  sendStart(from, domain, certificatesOf(from), Status.SUCCESS);
  from.onHandle("SEND_CANCEL", domain);
  const all = target.all.slice();
  all[Certificate.QX]! ^= 1;
  sendStart(from, domain, { ...target, all }, Status.INVALID_CERTIFICATE);
  sendStart(from, domain, { ...target, pdh: certificatesOf(from).pdh }, Status.BAD_SIGNATURE);
  const { values } = sendStart(from, domain, target, Status.POLICY_FAILURE);
  const { status, buffer } = from.exchange("SEND_START", SendStart, {
    ...values,
    SESSION_LENGTH: 0,
  });
  assert.is(status, Status.INVALID_LENGTH);
  assert.is(new DataView(buffer.buffer).getUint32(SendStart.SESSION_LENGTH, true), SESSION);
});
