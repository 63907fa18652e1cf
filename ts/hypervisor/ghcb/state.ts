// What the hypervisor keeps for the GHCB protocol: of a VM, of each vCPU, and of each of a vCPU's privilege levels.
import * as Layout from "../../abi/ghcb.ts";
import * as Vcpu from "../../abi/vcpu.ts";
import { Mmio } from "../mmio.ts";
import type { AssignedDevice } from "../tsm/assigned.ts";
import type { Vcpu as VirtualCpu } from "../vcpu.ts";
import type { Vm } from "../vm.ts";
import { type EventRow, eventRows } from "./events.ts";
import { type MsrRow, msrRows } from "./msr-protocol.ts";
import { GhcbPage } from "./page.ts";

const bit = (position: number) => 1n << BigInt(position);

/** What the hypervisor says it can do for an SNP guest. */
export const FEATURES: bigint =
  bit(Layout.FEATURE_SNP_BIT) |
  bit(Layout.FEATURE_AP_CREATION_BIT) |
  bit(Layout.FEATURE_RESTRICTED_INJECTION_BIT) |
  bit(Layout.FEATURE_APIC_ID_LIST_BIT) |
  bit(Layout.FEATURE_MULTI_VMPL_BIT);

/** Of a VM. Every member may be changed: the hypervisor is the attacker. */
export class GhcbVm {
  /** What is done for each event, by SW_EXITCODE. */
  readonly events: Map<number, EventRow> = new Map(eventRows);
  /** What is done for each request of the MSR protocol, by GHCBInfo. */
  readonly requests: Map<number, MsrRow> = new Map(msrRows);
  readonly mmio: Mmio = new Mmio();
  versions: { min: number; max: number } = { min: Layout.VERSION_MIN, max: Layout.VERSION_MAX };
  features: bigint;
  /** Where the hypervisor would like GHCBs; undefined: it does not mind. */
  preferredGhcb: bigint | undefined;
  /** The AP jump table that the guest told of (SEV-ES). */
  jumpTable = 0n;
  /** The certificate table of extended guest requests, AMD 56421, 4.1.8. */
  certificates: Uint8Array | undefined;
  /** Devices passed through, by the Requester ID that the guest knows them by. */
  readonly assigned: Map<number, AssignedDevice> = new Map();
  /** Set when a guest asked to be ended: by which reason. */
  terminated: { set: number; code: number } | undefined;

  constructor(snp: boolean) {
    this.features = snp ? FEATURES : 0n;
  }
}

/** Of one privilege level of a vCPU. */
export interface Level {
  /** The spa of its VMSA; undefined while it has none, and for the level that ran first until another runs. */
  vmsa: bigint | undefined;
  /** The GHCB MSR while another level runs. */
  ghcb: bigint;
  /** The GHCB it registered. */
  registered: bigint | undefined;
}

/** How a vCPU waits for its SIPI: which answer the SIPI completes. */
export type ResetHold = "page" | "msr" | undefined;

/** The interrupt state of a level that ended alternate injection. */
export interface Alternate {
  tpr: number;
  shadow: boolean;
  enabled: boolean;
}

/** Of one vCPU. */
export class GhcbVcpu {
  readonly page: GhcbPage = new GhcbPage();
  readonly levels: readonly Level[] = Array.from({ length: Vcpu.VMPLS }, () => ({
    vmsa: undefined,
    ghcb: 0n,
    registered: undefined,
  }));
  /** The level that runs, and the one that shall run next. */
  vmpl = 0;
  wanted: number | undefined;
  hold: ResetHold;
  /** A VMSA that it starts with at its next INIT. */
  onInit: { vmpl: number; vmsa: bigint } | undefined;
  /** The #HV doorbell page's gpa, 0 for none. */
  doorbell = 0n;
  /** The page behind its secure AVIC. */
  savic: bigint | undefined;
  dr7: bigint = DR7_AT_RESET;
  /** The vector that tells of the lower levels' interrupts. */
  injectionVector: number | undefined;
  /** What each level that ended alternate injection had pending. */
  readonly alternate: Map<number, Alternate> = new Map();
  /** Vectors in service at the lower levels, until their SPECIFIC_EOI. */
  readonly inService: Set<number> = new Set();
}
const DR7_AT_RESET = 0x400n;

/** One event on its way. */
export interface Event {
  vm: Vm;
  vcpu: VirtualCpu;
  page: GhcbPage;
  info1: bigint;
  info2: bigint;
  /** The GHCB's gpa. */
  gpa: bigint;
}
