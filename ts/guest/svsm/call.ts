// Calls to the SVSM from below VMPL0: registers, a calling area, a switch of levels. AMD 58019; Linux svsm_perform_call_protocol.
import * as Protocol from "../../abi/ghcb-msr.ts";
import * as Secrets from "../../abi/secrets-page.ts";
import * as Layout from "../../abi/svsm.ts";
import * as Request from "../../abi/svsm-pvalidate.ts";
import type { Cpu, Step } from "../cpu.ts";
import { terminate } from "../ghcb/msr-protocol.ts";
import type { Change } from "../ghcb/page-state.ts";
import type { CallingArea, SevGuest } from "../sev.ts";

/** Registers of a call, and of its answer. */
export interface CallRegisters {
  rcx?: bigint;
  rdx?: bigint;
  r8?: bigint;
  r9?: bigint;
}

export interface CallAnswer {
  /** Layout.SUCCESS and its neighbours; undefined when the call did not reach the SVSM. */
  result: number | undefined;
  rcx: bigint;
  rdx: bigint;
}

const INFO = (1n << BigInt(Protocol.INFO_WIDTH)) - 1n;
const PAGE = 0x1000n;
const LARGE = 0x200000n;

/** One call. */
export function* svsmCall(
  cpu: Cpu,
  area: CallingArea,
  protocol: number,
  call: number,
  given: CallRegisters = {},
): Step<CallAnswer> {
  const { registers } = cpu;
  const pending = new Uint8Array([1]);
  yield* cpu.write(area.gva, pending);
  cpu.ghcbMsr = BigInt(Protocol.RUN_VMPL_REQUEST);
  registers.rax = (BigInt(protocol) << BigInt(Layout.PROTOCOL_LSB)) | BigInt(call);
  registers.rcx = given.rcx ?? 0n;
  registers.rdx = given.rdx ?? 0n;
  registers.r8 = given.r8 ?? 0n;
  registers.r9 = given.r9 ?? 0n;
  yield* cpu.vmgexit();
  const { rax, rcx, rdx } = registers;
  const answer = cpu.ghcbMsr;
  yield* cpu.read(area.gva, pending);
  const failed: CallAnswer = { result: undefined, rcx, rdx };
  if ((answer & INFO) !== BigInt(Protocol.RUN_VMPL_RESPONSE)) return failed;
  if (answer >> BigInt(Protocol.VMPL_ERROR_LSB) !== 0n) return failed;
  // The SVSM clears it when it has served the call: a hypervisor that only came back has not.
  if (pending[0] !== 0) return failed;
  return { result: Number(rax & 0xffff_ffffn), rcx, rdx };
}

/** A call that is repeated while the SVSM says that it is busy or not yet done. */
export function* untilDone(
  cpu: Cpu,
  area: CallingArea,
  call: number,
  given: CallRegisters,
): Step<CallAnswer> {
  for (;;) {
    const answer = yield* svsmCall(cpu, area, Layout.PROTOCOL_CORE, call, given);
    if (answer.result !== Layout.INCOMPLETE && answer.result !== Layout.BUSY) return answer;
  }
}

const ROOM = Math.floor((Layout.SIZE - Layout.BUFFER - Request.SIZE) / Request.ENTRY_SIZE);

/** Validates pages, or rescinds them, by the SVSM. False when it would not. */
export function* svsmPvalidate(
  cpu: Cpu,
  area: CallingArea,
  changes: readonly Change[],
  validate: boolean,
): Step<boolean> {
  for (let at = 0; at < changes.length; at += ROOM) {
    const done = yield* pvalidateBatch(cpu, area, changes.slice(at, at + ROOM), validate);
    if (!done) return false;
  }
  return true;
}

function* pvalidateBatch(
  cpu: Cpu,
  area: CallingArea,
  batch: readonly Change[],
  validate: boolean,
): Step<boolean> {
  const bytes = new Uint8Array(Request.SIZE + batch.length * Request.ENTRY_SIZE);
  const view = new DataView(bytes.buffer);
  view.setUint16(Request.ENTRIES, batch.length, true);
  batch.forEach(({ gpa, large }, i) => {
    const entry = gpa | BigInt(Number(large)) | (BigInt(validate) << BigInt(Request.VALIDATE_BIT));
    view.setBigUint64(Request.SIZE + i * Request.ENTRY_SIZE, entry, true);
  });
  const buffer = BigInt(Layout.BUFFER);
  yield* cpu.write(area.gva + buffer, bytes);
  const rcx = area.gpa + buffer;
  const { result } = yield* untilDone(cpu, area, Layout.PVALIDATE, { rcx });
  if (result === Layout.SUCCESS) return true;
  if (result !== SIZE_MISMATCH) return false;
  yield* cpu.read(area.gva + buffer, bytes);
  return yield* splitAt(cpu, area, batch, view.getUint16(Request.NEXT, true), validate);
}
const SIZE_MISMATCH = Layout.PVALIDATE_FAILED + 6;

/** The large page of an entry in small ones, then what comes after it. */
function* splitAt(
  cpu: Cpu,
  area: CallingArea,
  batch: readonly Change[],
  next: number,
  validate: boolean,
): Step<boolean> {
  const change = batch[next];
  if (!change?.large) return false;
  const { gva, gpa } = change;
  const small = Array.from({ length: Number(LARGE / PAGE) }, (_, i) => {
    const at = BigInt(i) * PAGE;
    return { gva: gva + at, gpa: gpa + at, large: false };
  });
  if (!(yield* svsmPvalidate(cpu, area, small, validate))) return false;
  return yield* svsmPvalidate(cpu, area, batch.slice(next + 1), validate);
}

/** Finds the SVSM, as Linux does at boot: undefined at VMPL0; a guest below it that has none ends. `probe` is any private page. */
export function* findSvsm(
  cpu: Cpu,
  secrets: bigint,
  probe: bigint,
): Step<{ gpa: bigint; vmpl: number } | undefined> {
  // Only VMPL0 may set what VMPL1 can do.
  const eax = yield* cpu.rmpadjust(probe, false, { vmpl: 1, permissions: 0, vmsa: false });
  if (eax === 0) return undefined;
  const page = new Uint8Array(Secrets.SIZE);
  yield* cpu.read(secrets, page);
  const view = new DataView(page.buffer);
  const end = (code: number) => terminate(cpu, Protocol.SET_LINUX, code);
  if (view.getBigUint64(Secrets.SVSM_BYTES, true) === 0n) return yield* end(Protocol.LINUX_NO_SVSM);
  const vmpl = view.getUint8(Secrets.SVSM_GUEST_VMPL);
  if (vmpl === 0) return yield* end(Protocol.LINUX_SVSM_VMPL0);
  const gpa = view.getBigUint64(Secrets.SVSM_CAA, true);
  if (gpa % PAGE !== 0n) return yield* end(Protocol.LINUX_SVSM_CAA);
  return { gpa, vmpl };
}

/** Moves this vCPU's calling area to a page of the guest's own choice. */
export function* remapCallingArea(cpu: Cpu, guest: SevGuest, to: CallingArea): Step {
  const area = guest.svsm as CallingArea;
  const { result } = yield* untilDone(cpu, area, Layout.REMAP_CA, { rcx: to.gpa });
  if (result !== Layout.SUCCESS)
    return yield* terminate(cpu, Protocol.SET_LINUX, Protocol.LINUX_SVSM_CA_REMAP);
  guest.svsm = to;
}
