// A guest on its way between platforms, piece by piece. SEV API (AMD 55766), 6.9 to 6.15.
import * as Header from "../abi/psp/packet-header.ts";
import * as Transport from "../abi/psp/transport.ts";
import * as Status from "../abi/status.ts";
import { PAGE, placeOf } from "./memory.ts";
import { fieldsOf, mayWritePacket, openPacket, VMSA, writePacket } from "./packet.ts";
import type { SevGuestCall } from "./sev-command.ts";
import { guarded, isEs } from "./sev-guest.ts";
import { checkGuestMemory, readGuest, writeGuest } from "./sev-memory.ts";

/** Why a piece of a kind cannot be this guest's, or SUCCESS. */
function checkKind({ guest }: SevGuestCall, kind: number, length: number): number {
  if (kind !== VMSA) return Status.SUCCESS;
  if (!isEs(guest)) return Status.POLICY_FAILURE;
  return length === PAGE ? Status.SUCCESS : Status.INVALID_LENGTH;
}

/** Writes a piece of the guest as a packet. Lengths that are too short are answered with what is needed. */
export function sendPiece(call: SevGuestCall, kind: number): number {
  const { psp, guest, buffer } = call;
  const fields = fieldsOf(buffer);
  const { keys } = guest;
  const refused =
    checkKind(call, kind, fields.guestLength) ||
    checkGuestMemory(psp, guest, fields.guest, fields.guestLength, false);
  if (refused !== Status.SUCCESS) return refused;
  buffer.setUint32(Transport.HEADER_LENGTH, Header.SIZE, true);
  buffer.setUint32(Transport.TRANS_LENGTH, fields.guestLength, true);
  const status = mayWritePacket(psp, fields);
  if (status !== Status.SUCCESS) return status;
  const contents = readGuest(psp, guest, fields.guest, fields.guestLength);
  writePacket(psp, { kind, keys, fields }, contents);
  return Status.SUCCESS;
}

/** Writes what a packet carries into the guest's memory. */
export function receivePiece(call: SevGuestCall, kind: number): number {
  const { psp, guest, buffer } = call;
  const fields = fieldsOf(buffer);
  const { keys } = guest;
  const refused =
    checkKind(call, kind, fields.guestLength) ||
    checkGuestMemory(psp, guest, fields.guest, fields.guestLength, true);
  if (refused !== Status.SUCCESS) return refused;
  const contents = openPacket(psp, { kind, keys, fields });
  if (typeof contents === "number") return contents;
  const write = () => writeGuest(psp, guest, fields.guest, contents);
  if (kind === VMSA) return guarded(psp.port, guest, placeOf(psp, fields.guest).spa, write);
  write();
  return Status.SUCCESS;
}
