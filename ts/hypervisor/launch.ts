// How the hypervisor launches a guest through the mailbox, as Linux's KVM does. arch/x86/kvm/svm/sev.c.
import * as PageInfo from "../abi/page-info.ts";
import * as Activate from "../abi/psp/activate.ts";
import * as Gctx from "../abi/psp/gctx.ts";
import * as Handle from "../abi/psp/handle.ts";
import * as LaunchMeasure from "../abi/psp/launch-measure.ts";
import * as LaunchMeasurement from "../abi/psp/launch-measurement.ts";
import * as LaunchStart from "../abi/psp/launch-start.ts";
import * as LaunchUpdate from "../abi/psp/launch-update.ts";
import * as SnpActivate from "../abi/psp/snp-activate.ts";
import * as SnpLaunchFinish from "../abi/psp/snp-launch-finish.ts";
import * as SnpLaunchStart from "../abi/psp/snp-launch-start.ts";
import * as SnpLaunchUpdate from "../abi/psp/snp-launch-update.ts";
import { Misuse } from "../error.ts";
import type { Region, RegionType } from "../launch/plan.ts";
import { viewOf } from "../layout.ts";
import type { HostPort } from "../port.ts";
import type { MailboxDriver } from "./mailbox.ts";
import { makeFirmware, makePreGuest } from "./page-state.ts";
import type { Pages } from "./pages.ts";

/** What of the hypervisor a launch needs. */
export interface LaunchParts {
  host: HostPort;
  mailbox: MailboxDriver;
  pages: Pages;
}

/** What an SNP launch may choose; ts/abi/psp/snp-launch-start.ts and snp-launch-finish.ts have the meanings. */
export interface SnpLaunchOptions {
  /** Default: SMT and nothing else. */
  policy?: bigint | undefined;
  gosvw?: Uint8Array | undefined;
  desiredTscKhz?: number | undefined;
  /** The context page of a running migration agent. */
  migrationAgent?: bigint | undefined;
  /** 32 bytes. */
  hostData?: Uint8Array | undefined;
  /** ID_BLOCK and ID_AUTH, and whether the author key counts. */
  id?: { block: Uint8Array; auth: Uint8Array; authorKey: boolean } | undefined;
  vcekDisable?: boolean | undefined;
}

/** A guest that is being launched, of whichever generation. */
export interface Launch {
  /** The context page of an SNP guest. */
  readonly gctx?: bigint;
  /** How the firmware names any other. */
  readonly handle?: number;
  /** Gives a page, or a piece of one, to the guest where the plan has it. Its contents are the host's until then. */
  load(piece: Region, spa: bigint): void;
  /** Gives the state that stands in a page to the guest as a vCPU's first. */
  vmsa(spa: bigint): void;
  /** The guest may run. */
  finish(): void;
}

const types: Readonly<Record<RegionType, number>> = {
  normal: PageInfo.NORMAL,
  vmsa: PageInfo.VMSA,
  zero: PageInfo.ZERO,
  unmeasured: PageInfo.UNMEASURED,
  secrets: PageInfo.SECRETS,
  cpuid: PageInfo.CPUID,
};

/** SMT allowed, and the bit that must be 1: QEMU's default. */
export const DEFAULT_POLICY = 0x30000n;

/** An SNP guest that is being launched. */
export class SnpLaunch implements Launch {
  /** Its context page. */
  readonly gctx: bigint;
  readonly #parts: LaunchParts;
  readonly #asid: number;
  readonly #options: SnpLaunchOptions;

  /** GCTX_CREATE, LAUNCH_START and ACTIVATE. Throws CheckFailed when the firmware refuses. */
  constructor(parts: LaunchParts, asid: number, options: SnpLaunchOptions = {}) {
    const { host, mailbox, pages } = parts;
    this.#parts = parts;
    this.#asid = asid;
    this.#options = options;
    this.gctx = pages.small();
    makeFirmware(host, this.gctx);
    const GCTX_PADDR = this.gctx;
    mailbox.must("SNP_GCTX_CREATE", Gctx, { GCTX_PADDR });
    const agent = options.migrationAgent;
    mailbox.must("SNP_LAUNCH_START", SnpLaunchStart, {
      GCTX_PADDR,
      POLICY: options.policy ?? DEFAULT_POLICY,
      MA_GCTX_PADDR: agent ?? 0n,
      FLAGS: Number(agent !== undefined) << SnpLaunchStart.MA_EN_BIT,
      DESIRED_TSC_KHZ: options.desiredTscKhz ?? 0,
      GOSVW: options.gosvw ?? new Uint8Array(16),
    });
    mailbox.must("SNP_ACTIVATE", SnpActivate, { GCTX_PADDR, ASID: asid });
  }

  /** LAUNCH_UPDATE: gives a page with these contents to the guest at a gpa, as one of PageInfo's types. `large`: 2 MiB. */
  update(spa: bigint, gpa: bigint, type: number, contents?: Uint8Array, large = false): void {
    const { host, mailbox } = this.#parts;
    if (contents) host.write(spa, contents);
    makePreGuest(host, spa, gpa, this.#asid, large);
    mailbox.must("SNP_LAUNCH_UPDATE", SnpLaunchUpdate, {
      GCTX_PADDR: this.gctx,
      PAGE_PADDR: spa,
      FLAGS: (type << SnpLaunchUpdate.PAGE_TYPE_LSB) | Number(large),
    });
  }

  load({ type, gpa, contents }: Region, spa: bigint): void {
    this.update(spa, gpa, types[type], contents);
  }

  vmsa(spa: bigint): void {
    this.update(spa, VMSA_GPA, PageInfo.VMSA);
  }

  /** LAUNCH_FINISH: the guest may run. */
  finish(): void {
    const { mailbox } = this.#parts;
    const { id, hostData, vcekDisable = false } = this.#options;
    const { block, auth } = this.#idPages();
    mailbox.must("SNP_LAUNCH_FINISH", SnpLaunchFinish, {
      GCTX_PADDR: this.gctx,
      ID_BLOCK_PADDR: block,
      ID_AUTH_PADDR: auth,
      FLAGS:
        (Number(id !== undefined) << SnpLaunchFinish.ID_BLOCK_EN_BIT) |
        (Number(id?.authorKey ?? false) << SnpLaunchFinish.AUTH_KEY_EN_BIT) |
        (Number(vcekDisable) << SnpLaunchFinish.VCEK_DIS_BIT),
      HOST_DATA: hostData ?? new Uint8Array(32),
    });
    if (id) for (const page of [block, auth]) this.#parts.pages.give(page, false);
  }

  #idPages(): { block: bigint; auth: bigint } {
    const { host, pages } = this.#parts;
    const { id } = this.#options;
    if (!id) return { block: 0n, auth: 0n };
    const [block, auth] = [pages.small(), pages.small()];
    host.write(block, id.block);
    host.write(auth, id.auth);
    return { block, auth };
  }
}

const PAGE = 0x1000;
/** Where KVM puts every VMSA page: the highest page that an RMP entry can name. */
export const VMSA_GPA = 0xffff_ffff_f000n;

/** A SEV or SEV-ES guest that is being launched without a session: nobody checks what is measured. */
export class SevLaunch implements Launch {
  readonly handle: number;
  readonly #parts: LaunchParts;

  /** LAUNCH_START and ACTIVATE. Throws CheckFailed when the firmware refuses. */
  constructor(parts: LaunchParts, asid: number, policy: number) {
    const { mailbox } = parts;
    const buffer = mailbox.must("LAUNCH_START", LaunchStart, { POLICY: policy });
    this.#parts = parts;
    this.handle = viewOf(buffer).getUint32(LaunchStart.HANDLE, true);
    mailbox.must("ACTIVATE", Activate, { HANDLE: this.handle, ASID: asid });
  }

  load({ type, gpa, contents }: Region, spa: bigint): void {
    const { host, mailbox } = this.#parts;
    if (type !== "normal" || contents === undefined) {
      throw new Misuse(`plan: a ${type} region in a SEV guest, expected contents`);
    }
    const PADDR = spa + (gpa & 0xfffn);
    host.write(PADDR, contents);
    const values = { HANDLE: this.handle, PADDR, LENGTH: contents.length };
    mailbox.must("LAUNCH_UPDATE_DATA", LaunchUpdate, values);
  }

  vmsa(spa: bigint): void {
    const values = { HANDLE: this.handle, PADDR: spa, LENGTH: PAGE };
    this.#parts.mailbox.must("LAUNCH_UPDATE_VMSA", LaunchUpdate, values);
  }

  /** LAUNCH_MEASURE and LAUNCH_FINISH. */
  finish(): void {
    const { mailbox, pages } = this.#parts;
    const page = pages.small();
    mailbox.must("LAUNCH_MEASURE", LaunchMeasure, {
      HANDLE: this.handle,
      MEASURE_PADDR: page,
      MEASURE_LENGTH: LaunchMeasurement.SIZE,
    });
    pages.give(page, false);
    mailbox.must("LAUNCH_FINISH", Handle, { HANDLE: this.handle });
  }
}
