// What the platform is, as its reports and keys depend on it.
import type { Product } from "../attest/product.ts";
import type { Chip } from "../chip/chip.ts";
import type { GuestContext } from "./guest.ts";

/** An API version and build of the firmware. */
export interface FirmwareVersion {
  major: number;
  minor: number;
  build: number;
}

/** What VLEK_LOAD brought: ts/psp/vlek.ts reads it from the page, ts/attest/evidence/secret.ts makes the key from it. */
export interface LoadedVlek {
  /** Eight hash sticks of 48 bytes, for `tcb`. */
  readonly sticks: Uint8Array;
  readonly tcb: bigint;
}

export interface PlatformFacts {
  readonly chip: Chip;
  readonly product: Product;
  /** The chip's secret: VCEKs follow from it as in ts/attest/evidence. */
  readonly seed: string;
  /** 64 bytes. */
  readonly chipId: Uint8Array;
  /** TCB_VERSION words. A guest's LAUNCH_TCB is in its context. */
  readonly tcb: { current: bigint; committed: bigint; reported: bigint };
  readonly version: { current: FirmwareVersion; committed: FirmwareVersion };
  /** PLATFORM_INFO of reports (ts/abi/report.ts). */
  readonly platformInfo: bigint;
  readonly maskChipId: boolean;
  readonly maskChipKey: boolean;
  readonly vlek?: LoadedVlek | undefined;
  /** LAUNCH_MIT_VECTOR of guests launched now, and CURRENT_MIT_VECTOR of reports. */
  readonly mitigationVector: bigint;
  readonly dialect: "abi" | "field-guide";
}

/** Other guests' contexts, for messages of a migration agent that name them by GCTX_PADDR. */
export interface Contexts {
  /** The context in a page, decrypted; a status when the page is none. */
  open(gctx: bigint): GuestContext | number;
  /** Encrypts a changed context into its page. */
  save(gctx: bigint, context: GuestContext): void;
}
