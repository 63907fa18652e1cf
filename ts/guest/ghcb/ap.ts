// Starting processors: with SNP the guest makes their VMSA, with SEV-ES they wait for a jump. Linux wakeup_cpu_via_vmgexit.
import * as Code from "../../abi/exit.ts";
import * as Layout from "../../abi/ghcb.ts";
import * as Answer from "../../abi/rmp-state.ts";
import * as Segment from "../../abi/segment.ts";
import * as Features from "../../abi/sev-features.ts";
import * as Svsm from "../../abi/svsm.ts";
import * as Vmsa from "../../abi/vmsa.ts";
import type { Cpu, Step } from "../cpu.ts";
import type { SevGuest } from "../sev.ts";
import { untilDone } from "../svsm/call.ts";
import { plainCall } from "./event.ts";
import { rmpadjust } from "./page-state.ts";

const bit = (position: number) => 1n << BigInt(position);
const LIMIT = 0xffff;
// Types of the INIT state with the accessed bit clear: Linux INIT_*_ATTRIBS, and UefiCpuPkg's.
const CODE = 0x9a;
const DATA = 0x92;
const LOCAL_TABLE = 0x82;
const TASK = 0x83;
const MCE = bit(6);

const SEGMENTS: readonly [at: number, attributes: number][] = [
  [Vmsa.ES, DATA],
  [Vmsa.CS, CODE],
  [Vmsa.SS, DATA],
  [Vmsa.DS, DATA],
  [Vmsa.FS, DATA],
  [Vmsa.GS, DATA],
  [Vmsa.GDTR, 0],
  [Vmsa.LDTR, LOCAL_TABLE],
  [Vmsa.IDTR, 0],
  [Vmsa.TR, TASK],
];

/** A VMSA in the state after a SIPI to `start`, which is below 1 MiB. `features` are SEV_FEATURES. */
export function sipiState(start: number, cr4: bigint, features: bigint, vmpl: number): Uint8Array {
  const page = new Uint8Array(Layout.SIZE);
  const view = new DataView(page.buffer);
  for (const [at, attributes] of SEGMENTS) {
    view.setUint16(at + Segment.ATTRIB, attributes, true);
    view.setUint32(at + Segment.LIMIT, LIMIT, true);
  }
  const word = (at: number, value: bigint) => view.setBigUint64(at, value, true);
  view.setUint16(Vmsa.CS + Segment.SELECTOR, (start >>> 12) << 8, true);
  word(Vmsa.CS + Segment.BASE, BigInt(start & ~0xfff));
  word(Vmsa.RIP, BigInt(start & 0xfff));
  word(Vmsa.CR0, 0x60000010n);
  word(Vmsa.CR4, cr4 & MCE);
  word(Vmsa.DR6, 0xffff0ff0n);
  word(Vmsa.DR7, 0x400n);
  word(Vmsa.RFLAGS, 2n);
  word(Vmsa.EFER, bit(Vmsa.EFER_SVME_BIT));
  word(Vmsa.G_PAT, 0x0007040600070406n);
  word(Vmsa.XCR0, 1n);
  word(Vmsa.SEV_FEATURES, features);
  view.setUint8(Vmsa.VMPL, vmpl);
  view.setUint32(Vmsa.MXCSR, 0x1f80, true);
  view.setUint16(Vmsa.X87_FTW, 0x5555, true);
  view.setUint16(Vmsa.X87_FCW, 0x0040, true);
  return page;
}

/** A processor to start. `gva` and `gpa` are of a private page for its VMSA, `callingArea` of one for its SVSM calls. */
export interface Processor {
  apicId: number;
  start: number;
  gva: bigint;
  gpa: bigint;
  callingArea?: bigint;
}

/** SEV_FEATURES, as SEV_STATUS shows them. */
export const featuresOf = (guest: SevGuest): bigint =>
  guest.status >> BigInt(Features.STATUS_FEATURES_LSB);

/** Makes the VMSA, and has the hypervisor start the processor. False: the page became none, or the hypervisor would not. */
export function* createAp(
  cpu: Cpu,
  guest: SevGuest,
  processor: Processor,
  request: number = Layout.AP_CREATE,
): Step<boolean> {
  if ((guest.features & bit(Layout.FEATURE_AP_CREATION_BIT)) === 0n) return false;
  const { start, gva } = processor;
  yield* cpu.write(gva, sipiState(start, cpu.registers.cr4, featuresOf(guest), cpu.vmpl));
  if (!(yield* makeVmsa(cpu, guest, processor))) return false;
  return yield* requestAp(cpu, guest, processor, request);
}

/** The page becomes a VMSA: by RMPADJUST, below VMPL0 by the SVSM. */
function* makeVmsa(
  cpu: Cpu,
  guest: SevGuest,
  { apicId, gva, gpa, callingArea }: Processor,
): Step<boolean> {
  if (guest.svsm) {
    const given = { rcx: gpa, rdx: callingArea ?? 0n, r8: BigInt(apicId) };
    const { result } = yield* untilDone(cpu, guest.svsm, Svsm.CREATE_VCPU, given);
    return result === Svsm.SUCCESS;
  }
  // VMPL1 has to be named, and gets nothing.
  const eax = yield* rmpadjust(cpu, gva, false, { vmpl: 1, permissions: 0, vmsa: true });
  return eax === Answer.SUCCESS;
}

/** AP creation: create, create at the next INIT, or destroy. */
export function* requestAp(
  cpu: Cpu,
  guest: SevGuest,
  { apicId, gpa }: { apicId: number; gpa: bigint },
  request: number,
  vmpl: number = cpu.vmpl,
): Step<boolean> {
  const { ghcb } = guest;
  const info1 =
    (BigInt(apicId) << BigInt(Layout.AP_APIC_ID_LSB)) |
    (BigInt(vmpl) << BigInt(Layout.AP_VMPL_LSB)) |
    BigInt(request);
  return yield* ghcb.alone(cpu, function* () {
    ghcb.clear();
    if (request !== Layout.AP_DESTROY) ghcb.set(Layout.RAX, featuresOf(guest));
    return (yield* ghcb.call(cpu, Code.VMGEXIT_AP_CREATION, info1, gpa)) === "ok";
  });
}

/** Waits for the SIPI that follows INIT. A hypervisor that wakes it without one is asked again. */
export function* apResetHold(cpu: Cpu, guest: SevGuest): Step {
  for (;;) {
    const woken = yield* plainCall(cpu, guest, Code.VMGEXIT_AP_HLT_LOOP, 0n, 0n);
    if (woken !== undefined && woken !== 0n) return;
  }
}

/** Tells the hypervisor where the guest's jump table is. */
export function* setJumpTable(cpu: Cpu, guest: SevGuest, gpa: bigint): Step<boolean> {
  const set = BigInt(Layout.JUMP_TABLE_SET);
  return (yield* plainCall(cpu, guest, Code.VMGEXIT_AP_JUMP_TABLE, set, gpa)) !== undefined;
}

/** Where the firmware put the jump table; undefined when there is none, or where it cannot be. */
export function* jumpTable(cpu: Cpu, guest: SevGuest): Step<bigint | undefined> {
  const get = BigInt(Layout.JUMP_TABLE_GET);
  const gpa = yield* plainCall(cpu, guest, Code.VMGEXIT_AP_JUMP_TABLE, get, 0n);
  return gpa === undefined || gpa === 0n || gpa % 0x1000n !== 0n ? undefined : gpa;
}
