// Every event of the GHCB page protocol: what it needs, and what is done. KVM sev_es_validate_vmgexit; spec digest ghcb.md 3.
import * as Code from "../../abi/exit.ts";
import * as Layout from "../../abi/ghcb.ts";
import type { Outcome } from "../exits.ts";
import { mmioRead, mmioWrite, port } from "./device.ts";
import { extendedGuestRequest, guestRequest } from "./guest-request.ts";
import {
  configureInjection,
  disableAlternateInjection,
  doorbell,
  hvIpi,
  nmiComplete,
  savic,
  specificEoi,
} from "./injection.ts";
import {
  cpuid,
  msr,
  nothing,
  rdpmc,
  rdtsc,
  rdtscp,
  readDr7,
  vmmcall,
  wbinvd,
  writeDr7,
} from "./instruction.ts";
import type { GhcbPage } from "./page.ts";
import { pageStateChange } from "./page-state-change.ts";
import { apCreation, apicIds, apJumpTable, apResetHold } from "./processor.ts";
import type { Event } from "./state.ts";
import { features, terminate, unsupported } from "./termination.ts";
import { runVmpl } from "./vmpl.ts";

/** One event. */
export interface EventRow {
  /** Whether only SNP guests have it. */
  snp: boolean;
  /** The fields it needs valid beside SW_EXITCODE, SW_EXITINFO1 and SW_EXITINFO2. */
  needs(page: GhcbPage): readonly number[];
  serve(event: Event): Outcome;
}

const { RAX, RCX, RDX, CPL, XCR0, XSS, SW_SCRATCH } = Layout;
const NOTHING: readonly number[] = [];

type Needs = readonly number[] | ((page: GhcbPage) => readonly number[]);

function row(needs: Needs, serve: EventRow["serve"], snp = false): EventRow {
  return { snp, needs: typeof needs === "function" ? needs : () => needs, serve };
}

const XSTATE = 0xd;
const LOW = 0xffff_ffffn;

function ofCpuid(page: GhcbPage): readonly number[] {
  if (page.low(RAX) !== XSTATE) return CPUID;
  return page.low(RCX) === 1 ? CPUID_XSTATE_1 : CPUID_XSTATE;
}
const CPUID = [RAX, RCX];
const CPUID_XSTATE = [RAX, RCX, XCR0];
const CPUID_XSTATE_1 = [RAX, RCX, XCR0, XSS];

function ofPort(page: GhcbPage): readonly number[] {
  const info = Number(page.info1 & LOW);
  if ((info & (1 << Layout.IOIO_STRING_BIT)) !== 0) return SCRATCH;
  return (info & (1 << Layout.IOIO_IN_BIT)) !== 0 ? NOTHING : VALUE;
}
const SCRATCH = [SW_SCRATCH];
const VALUE = [RAX];

function ofMsr(page: GhcbPage): readonly number[] {
  return page.info1 === BigInt(Layout.MSR_READ) ? MSR_READ : MSR_WRITE;
}
const MSR_READ = [RCX];
const MSR_WRITE = [RCX, RAX, RDX];

function ofApCreation(page: GhcbPage): readonly number[] {
  const request = Number(page.info1 & ((1n << BigInt(Layout.AP_REQUEST_WIDTH)) - 1n));
  return request === Layout.AP_DESTROY ? NOTHING : VALUE;
}

/** The rows that a VM starts with, by SW_EXITCODE. */
export const eventRows: ReadonlyMap<number, EventRow> = new Map([
  [Code.VMEXIT_READ_DR7, row(NOTHING, readDr7)],
  [Code.VMEXIT_WRITE_DR7, row(VALUE, writeDr7)],
  [Code.VMEXIT_RDTSC, row(NOTHING, rdtsc)],
  [Code.VMEXIT_RDPMC, row([RCX], rdpmc)],
  [Code.VMEXIT_CPUID, row(ofCpuid, cpuid)],
  [Code.VMEXIT_INVD, row(NOTHING, nothing)],
  [Code.VMEXIT_IOIO, row(ofPort, port)],
  [Code.VMEXIT_MSR, row(ofMsr, msr)],
  [Code.VMEXIT_VMMCALL, row([RAX, CPL], vmmcall)],
  [Code.VMEXIT_RDTSCP, row(NOTHING, rdtscp)],
  [Code.VMEXIT_WBINVD, row(NOTHING, wbinvd)],
  [Code.VMEXIT_MONITOR, row([RAX, RCX, RDX], nothing)],
  [Code.VMEXIT_MWAIT, row([RAX, RCX], nothing)],
  [Code.VMGEXIT_MMIO_READ, row(SCRATCH, mmioRead)],
  [Code.VMGEXIT_MMIO_WRITE, row(SCRATCH, mmioWrite)],
  [Code.VMGEXIT_NMI_COMPLETE, row(NOTHING, nmiComplete)],
  [Code.VMGEXIT_AP_HLT_LOOP, row(NOTHING, apResetHold)],
  [Code.VMGEXIT_AP_JUMP_TABLE, row(NOTHING, apJumpTable)],
  [Code.VMGEXIT_PSC, row(SCRATCH, pageStateChange, true)],
  [Code.VMGEXIT_GUEST_REQUEST, row(NOTHING, guestRequest, true)],
  [Code.VMGEXIT_EXT_GUEST_REQUEST, row(NOTHING, extendedGuestRequest, true)],
  [Code.VMGEXIT_AP_CREATION, row(ofApCreation, apCreation, true)],
  [Code.VMGEXIT_HV_DOORBELL, row(NOTHING, doorbell, true)],
  [Code.VMGEXIT_HV_IPI, row(NOTHING, hvIpi, true)],
  [Code.VMGEXIT_GET_APIC_IDS, row(VALUE, apicIds, true)],
  [Code.VMGEXIT_RUN_VMPL, row(NOTHING, runVmpl, true)],
  [Code.VMGEXIT_SAVIC, row([RAX], savic, true)],
  [Code.VMGEXIT_CONFIGURE_INT_INJ, row(NOTHING, configureInjection, true)],
  [Code.VMGEXIT_DISABLE_ALT_INJ, row(NOTHING, disableAlternateInjection, true)],
  [Code.VMGEXIT_SPECIFIC_EOI, row(NOTHING, specificEoi, true)],
  [Code.VMGEXIT_HV_FEATURES, row(NOTHING, features)],
  [Code.VMGEXIT_TERMINATE, row(NOTHING, terminate)],
  [Code.VMGEXIT_UNSUPPORTED, row(NOTHING, unsupported)],
]);
