// The list of APIC ids that ACTIVATE_EX and SNP_ACTIVATE_EX name core complexes by.
import * as Status from "../abi/status.ts";
import { viewOf } from "../layout.ts";
import type { Psp } from "./firmware.ts";
import { PAGE, readHost } from "./memory.ts";

const ID_BYTES = 4;
/** The second socket's APIC ids begin here: a socket has at most 192 cores of 2 threads. */
const SOCKET_IDS = 512;

/** The sockets that the ids are of, or why the list is none. */
export function apicIds(psp: Psp, paddr: bigint, count: number): Set<number> | number {
  if (count === 0 || count > PAGE / ID_BYTES) return Status.INVALID_PARAM;
  const bytes = readHost(psp, paddr, count * ID_BYTES);
  if (!bytes) return Status.INVALID_ADDRESS;
  const socketOf = (_: unknown, i: number) =>
    Math.floor(viewOf(bytes).getUint32(i * ID_BYTES, true) / SOCKET_IDS);
  const sockets = new Set(Array.from({ length: count }, socketOf));
  const isPart = [...sockets].every((socket) => socket < psp.platform.sockets);
  return isPart ? sockets : Status.INVALID_PARAM;
}
