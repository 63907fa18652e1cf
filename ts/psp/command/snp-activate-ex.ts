// SNP_ACTIVATE_EX: as SNP_ACTIVATE, on the core complexes of the APIC ids listed. AMD 56860, 8.
import * as Policy from "../../abi/guest-policy.ts";
import * as Layout from "../../abi/psp/snp-activate-ex.ts";
import * as Status from "../../abi/status.ts";
import { type CommandEntry, LAUNCH, RUNNING, snpGuestCommand } from "../command.ts";
import type { Psp } from "../firmware.ts";
import { viewOf } from "../layout.ts";
import { PAGE, readHost } from "../memory.ts";
import { allows } from "../policy.ts";
import { activate } from "./snp-activate.ts";

const ID_BYTES = 4;
/** The second socket's APIC ids begin here: a socket has at most 192 cores of 2 threads. */
const SOCKET_IDS = 512;

export const snpActivateEx: CommandEntry = snpGuestCommand({
  layout: Layout,
  guest: [LAUNCH, RUNNING],
  run(call) {
    const { psp, guest, buffer } = call;
    if (buffer.getUint32(Layout.EX_LEN, true) !== Layout.SIZE) return Status.INVALID_LENGTH;
    const ids = idsOf(psp, buffer);
    if (typeof ids === "number") return ids;
    const sockets = new Set(ids.map((id) => Math.floor(id / SOCKET_IDS)));
    if ([...sockets].some((socket) => socket >= psp.platform.sockets)) return Status.INVALID_PARAM;
    const isSpread = sockets.size > 1;
    if (isSpread && allows(guest.policy, Policy.SINGLE_SOCKET_BIT)) return Status.POLICY_FAILURE;
    return activate(call, buffer.getUint32(Layout.ASID, true));
  },
});

function idsOf(psp: Psp, buffer: DataView): number[] | number {
  const count = buffer.getUint32(Layout.NUMIDS, true);
  if (count === 0 || count > PAGE / ID_BYTES) return Status.INVALID_PARAM;
  const bytes = readHost(psp, buffer.getBigUint64(Layout.IDS_PADDR, true), count * ID_BYTES);
  if (!bytes) return Status.INVALID_ADDRESS;
  return Array.from({ length: count }, (_, i) => viewOf(bytes).getUint32(i * ID_BYTES, true));
}
