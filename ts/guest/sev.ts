// What a guest's kernel keeps for each of its vCPUs, and what all of them share. Linux: sev_es_runtime_data, sev-shared.c.
import type { Cpu, Step } from "./cpu.ts";
import type { CpuidTable } from "./ghcb/cpuid.ts";
import type { Ghcb } from "./ghcb.ts";

/** What the guest's own page tables say of an address. */
export interface Translation {
  gpa: bigint;
  /** Whether its C-bit is set. */
  encrypted: boolean;
  /** Whether a 2 MiB entry maps it. */
  large: boolean;
}

/** The guest's page tables, as its kernel reads and changes them. */
export interface PageTables {
  /** Undefined where nothing is mapped. */
  translate(cpu: Cpu, gva: bigint): Step<Translation | undefined>;
  /** Sets or clears the C-bit of the page at a gva. */
  setEncrypted(cpu: Cpu, gva: bigint, encrypted: boolean): Step;
}

/** The calling area of the SVSM that this guest runs under. */
export interface CallingArea {
  gva: bigint;
  gpa: bigint;
}

export interface SevGuest {
  readonly ghcb: Ghcb;
  readonly pages: PageTables;
  /** The firmware's CPUID page; only SNP guests have one. */
  readonly cpuid?: CpuidTable | undefined;
  /** Present below VMPL0. */
  svsm?: CallingArea | undefined;
  /** SEV_STATUS, which no hypervisor can change. */
  readonly status: bigint;
  /** What the hypervisor said it can do: Ghcb.FEATURE_*. */
  readonly features: bigint;
  /** The last DR7 written: reading it needs no exit. */
  dr7: bigint;
}
