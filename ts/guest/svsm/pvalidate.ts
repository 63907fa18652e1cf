// PVALIDATE: pages of the guest are validated or rescinded for it, and given to its level or taken from it. AMD 58019, 4.2.
import * as Rmp from "../../abi/rmp.ts";
import * as Answer from "../../abi/rmp-state.ts";
import * as Layout from "../../abi/svsm.ts";
import * as Request from "../../abi/svsm-pvalidate.ts";
import type { Cpu, Step } from "../cpu.ts";
import type { Call, Svsm } from "./svsm.ts";

const PAGE = 0x1000n;
const LARGE = 0x200000n;

/** All that a level may do with memory, but for shadow stacks. */
export const EVERYTHING: number =
  (1 << Rmp.PERMISSION_READ_BIT) |
  (1 << Rmp.PERMISSION_WRITE_BIT) |
  (1 << Rmp.PERMISSION_EXECUTE_USER_BIT) |
  (1 << Rmp.PERMISSION_EXECUTE_SUPERVISOR_BIT);

export function* pvalidate(cpu: Cpu, svsm: Svsm, { rcx: gpa }: Call): Step<number> {
  const offset = gpa & (PAGE - 1n);
  if (gpa % 8n !== 0n || !svsm.isGuests(gpa, BigInt(Request.SIZE))) return Layout.INVALID_PARAMETER;
  const header = new DataView(new ArrayBuffer(Request.SIZE));
  yield* cpu.read(svsm.gva(gpa), new Uint8Array(header.buffer));
  const entries = header.getUint16(Request.ENTRIES, true);
  const next = header.getUint16(Request.NEXT, true);
  const room = (PAGE - offset - BigInt(Request.SIZE)) / BigInt(Request.ENTRY_SIZE);
  if (entries === 0 || BigInt(entries) > room || next >= entries) return Layout.INVALID_PARAMETER;
  // Copied first: a page of the list may be among those that are taken away.
  const list = new DataView(new ArrayBuffer(entries * Request.ENTRY_SIZE));
  yield* cpu.read(svsm.gva(gpa) + BigInt(Request.SIZE), new Uint8Array(list.buffer));
  let result: number = Layout.SUCCESS;
  let at = next;
  for (; at < entries; at++) {
    result = yield* one(cpu, svsm, list.getBigUint64(at * Request.ENTRY_SIZE, true));
    if (result !== Layout.SUCCESS) break;
  }
  header.setUint16(Request.NEXT, at, true);
  yield* cpu.write(svsm.gva(gpa), new Uint8Array(header.buffer));
  return result;
}

function* one(cpu: Cpu, svsm: Svsm, entry: bigint): Step<number> {
  const size = Number(entry & ((1n << BigInt(Request.PAGE_SIZE_WIDTH)) - 1n));
  if (size > 1) return Layout.INVALID_PARAMETER;
  const large = size === 1;
  const bytes = large ? LARGE : PAGE;
  const gpa = entry & ~(PAGE - 1n);
  if (gpa % bytes !== 0n) return Layout.INVALID_PARAMETER;
  if (!svsm.isGuests(gpa, bytes) || holdsVmsa(svsm, gpa, bytes)) return Layout.INVALID_ADDRESS;
  const has = (position: number) => ((entry >> BigInt(position)) & 1n) === 1n;
  const validate = has(Request.VALIDATE_BIT);
  const gva = svsm.gva(gpa);
  // Taken from the guest before it is given up ...
  if (!validate) yield* permit(cpu, svsm, gva, large, 0);
  const { eax, carry } = yield* cpu.pvalidate(gva, large, validate);
  if (eax !== Answer.SUCCESS) return Layout.PVALIDATE_FAILED + eax;
  if (carry && !has(Request.IGNORE_CARRY_BIT)) return Layout.PVALIDATE_NO_CHANGE;
  if (!validate) return Layout.SUCCESS;
  // ... and cleared before it is given to it: the hypervisor may have moved a page of the SVSM's own here.
  yield* cpu.write(gva, new Uint8Array(Number(bytes)));
  const answer = yield* permit(cpu, svsm, gva, large, EVERYTHING);
  return answer === Answer.SUCCESS ? Layout.SUCCESS : Layout.PVALIDATE_FAILED + answer;
}

/** A VMSA of the guest's is not its memory while it is one. */
function holdsVmsa({ vmsas }: Svsm, gpa: bigint, bytes: bigint): boolean {
  for (const vmsa of vmsas) if (vmsa >= gpa && vmsa < gpa + bytes) return true;
  return false;
}

/** Says what the guest's level may do with a page. Answers RMPADJUST's EAX. */
export function* permit(
  cpu: Cpu,
  { options }: Svsm,
  gva: bigint,
  large: boolean,
  permissions: number,
): Step<number> {
  return yield* cpu.rmpadjust(gva, large, { vmpl: options.vmpl, permissions, vmsa: false });
}
