// A guest from reset to a working GHCB: early #VC, memory accepted, paging, negotiation, a shared page. Linux head64.c.
import * as Code from "../abi/exit.ts";
import * as Layout from "../abi/ghcb.ts";
import * as Protocol from "../abi/ghcb-msr.ts";
import * as Msr from "../abi/msr.ts";
import * as Psc from "../abi/page-state-change.ts";
import * as Pte from "../abi/pte.ts";
import * as Answer from "../abi/rmp-state.ts";
import * as Vmsa from "../abi/vmsa.ts";
import type { Cpu, Routine, Step } from "./cpu.ts";
import { type CpuidTable, cpuidOf, readCpuidPage } from "./ghcb/cpuid.ts";
import {
  changeStateByMsr,
  cpuidRegister,
  hypervisorFeatures,
  negotiate,
  registerGhcb,
  terminate,
} from "./ghcb/msr-protocol.ts";
import { Ghcb } from "./ghcb.ts";
import { LinearPageTables } from "./page-table.ts";
import type { CallingArea, SevGuest } from "./sev.ts";
import { svsmPvalidate } from "./svsm/call.ts";
import { vcHandler } from "./vc.ts";

/** Where a guest keeps what it boots with; gpas of its own memory, which is mapped as it is. */
export interface BootLayout {
  /** Bytes from 0 on to accept and to map, a multiple of 2 MiB. */
  memory: bigint;
  /** Bytes behind it where devices are, a multiple of 2 MiB: mapped shared, and not accepted. */
  mmio?: bigint;
  /** Pages for tables: three, and one for each 2 MiB. */
  tables: bigint;
  /** The page that becomes the GHCB. */
  ghcb: bigint;
  /** The firmware's CPUID page. */
  cpuid?: bigint;
  /** Below VMPL0: the calling area of the SVSM, which accepted the memory. */
  svsm?: CallingArea;
}

const bit = (position: number) => 1n << BigInt(position);
const PAGE = 0x1000n;
const REGION = 0x200000n;
const OPEN = bit(Pte.PRESENT_BIT) | bit(Pte.WRITE_BIT) | bit(Pte.USER_BIT);
const ENCRYPTION = 0x8000_001f;
const C_BIT = 0x3f;

/** Boots to paging and, with SEV-ES, to a GHCB whose #VC handler is in place. Answers undefined without SEV-ES. */
export function* boot(cpu: Cpu, layout: BootLayout): Step<SevGuest | undefined> {
  const { es, sev } = cpu.features;
  let table: CpuidTable | undefined;
  if (es)
    cpu.on(
      Code.VC,
      earlyVc(() => table),
    );
  yield* accept(cpu, layout);
  if (layout.cpuid !== undefined) table = yield* readCpuidPage(cpu, layout.cpuid);
  const position = sev ? (yield* cpu.cpuid(ENCRYPTION, 0)).ebx & C_BIT : 0;
  const cBit = sev ? bit(position) : 0n;
  yield* enablePaging(cpu, layout, cBit);
  if (!es) return undefined;
  const version = yield* negotiate(cpu, position);
  const features = version > Layout.VERSION_MIN ? yield* hypervisorFeatures(cpu) : 0n;
  const pages = new LinearPageTables(0n, cBit);
  const status = yield* cpu.rdmsr(Msr.SEV_STATUS);
  yield* shareGhcb(cpu, pages, layout);
  const ghcb = new Ghcb(layout.ghcb, layout.ghcb);
  yield* ghcb.open(cpu, version);
  const { svsm } = layout;
  const guest = { ghcb, pages, cpuid: table, svsm, status, features, dr7: DR7_AT_RESET };
  cpu.on(Code.VC, vcHandler(guest));
  return guest;
}
const DR7_AT_RESET = 0x400n;

/** Before there is a GHCB only CPUID can be answered: from the page, or register by register. Linux do_vc_no_ghcb. */
export function earlyVc(table: () => CpuidTable | undefined): Routine {
  return function* (cpu, error) {
    const { registers } = cpu;
    const leaf = Number(registers.rax & 0xffff_ffffn);
    const subleaf = Number(registers.rcx & 0xffff_ffffn);
    const found = table();
    if (error !== BigInt(Code.VMEXIT_CPUID))
      return yield* terminate(cpu, Protocol.SET_GENERAL, Protocol.GENERAL_REQUEST);
    const answer = found ? yield* cpuidOf(cpu, found, leaf, subleaf) : yield* byMsr(cpu, leaf);
    if (!answer || (leaf === ENCRYPTION && (answer.eax & SEV) === 0))
      return yield* terminate(cpu, Protocol.SET_GENERAL, Protocol.GENERAL_REQUEST);
    registers.rax = BigInt(answer.eax);
    registers.rbx = BigInt(answer.ebx);
    registers.rcx = BigInt(answer.ecx);
    registers.rdx = BigInt(answer.edx);
  };
}
const SEV = 2;

function* byMsr(cpu: Cpu, leaf: number) {
  const eax = yield* cpuidRegister(cpu, leaf, 0);
  const ebx = yield* cpuidRegister(cpu, leaf, 1);
  const ecx = yield* cpuidRegister(cpu, leaf, 2);
  return { eax, ebx, ecx, edx: yield* cpuidRegister(cpu, leaf, 3) };
}

/** Validates all memory, but for the CPUID page, which the firmware did. */
function* accept(cpu: Cpu, { memory, cpuid, svsm }: BootLayout): Step {
  if (!cpu.features.snp || svsm) return;
  for (let gpa = 0n; gpa < memory; gpa += PAGE) {
    if (gpa === cpuid) continue;
    const { eax, carry } = yield* cpu.pvalidate(gpa, false, true);
    if (eax !== Answer.SUCCESS || carry)
      yield* terminate(cpu, Protocol.SET_LINUX, Protocol.LINUX_PVALIDATE);
  }
}

/** Maps memory as it is and private, devices as they are, in pages of 4 KiB, and turns paging on. */
function* enablePaging(cpu: Cpu, layout: BootLayout, cBit: bigint): Step {
  const { memory, tables, mmio = 0n } = layout;
  const regions = (memory + mmio) / REGION;
  const link = (index: bigint) => (tables + index * PAGE) | OPEN | cBit;
  yield* cpu.write(
    tables,
    entries(1n, () => link(1n)),
  );
  yield* cpu.write(
    tables + PAGE,
    entries(1n, () => link(2n)),
  );
  yield* cpu.write(
    tables + 2n * PAGE,
    entries(regions, (i) => link(3n + i)),
  );
  for (let region = 0n; region < regions; region++) {
    const priv = region < memory / REGION ? cBit : 0n;
    const leaf = (i: bigint) => (region * REGION + i * PAGE) | OPEN | priv;
    yield* cpu.write(tables + (3n + region) * PAGE, entries(512n, leaf));
  }
  const { registers } = cpu;
  registers.cr3 = tables | cBit;
  registers.cr4 |= bit(Vmsa.CR4_PAE_BIT);
  registers.efer |= bit(Vmsa.EFER_LME_BIT) | bit(Vmsa.EFER_LMA_BIT);
  registers.cr0 |= bit(Vmsa.CR0_PE_BIT) | bit(Vmsa.CR0_PG_BIT);
}

/** A table whose first `count` entries are set. */
function entries(count: bigint, entry: (index: bigint) => bigint): Uint8Array {
  const view = new DataView(new ArrayBuffer(Number(PAGE)));
  for (let i = 0n; i < count; i++) view.setBigUint64(Number(8n * i), entry(i), true);
  return new Uint8Array(view.buffer);
}

/** The page's validation is rescinded, the hypervisor told, the C-bit cleared; then the page is registered. */
function* shareGhcb(cpu: Cpu, pages: LinearPageTables, { ghcb, svsm }: BootLayout): Step {
  if (cpu.features.snp) {
    if (!(yield* giveUp(cpu, ghcb, svsm)))
      yield* terminate(cpu, Protocol.SET_LINUX, Protocol.LINUX_PVALIDATE);
    yield* changeStateByMsr(cpu, ghcb, Psc.SHARED);
  }
  yield* pages.setEncrypted(cpu, ghcb, false);
  if (cpu.features.snp) yield* registerGhcb(cpu, ghcb);
}

function* giveUp(cpu: Cpu, gpa: bigint, svsm: CallingArea | undefined): Step<boolean> {
  if (svsm) return yield* svsmPvalidate(cpu, svsm, [{ gva: gpa, gpa, large: false }], false);
  const { eax, carry } = yield* cpu.pvalidate(gpa, false, false);
  return eax === Answer.SUCCESS && !carry;
}
