// The platform as the firmware keeps it: its state, its versions and TCBs, and what survives when power is lost.

import * as Persistent from "../abi/psp/persistent.ts";
import * as Report from "../abi/report.ts";
import { chipIdOf, defaultTcb } from "../attest/evidence/secret.ts";
import { type Product, productOfCpuid } from "../attest/product.ts";
import { atMost, composeTcb, parseTcb, type Tcb } from "../attest/tcb.ts";
import type { Chip, Features } from "../chip/chip.ts";
import { bitOf, viewOf } from "../layout.ts";
import type { Curves } from "../spdm/crypto.ts";
import type { TioPort } from "../tio-port.ts";
import type { FirmwareVersion, LoadedVlek, PlatformFacts } from "./facts.ts";
import { Sealed, type Storage } from "./storage.ts";
import { unwrapVlek } from "./vlek.ts";

/** SNP_PLATFORM_STATUS.STATE, and that of the legacy PLATFORM_STATUS. */
export const SnpState = { UNINIT: 0, INIT: 1 } as const;
export const SevState = { UNINIT: 0, INIT: 1, WORKING: 2 } as const;

/** A firmware image as it runs. */
export interface Image {
  version: FirmwareVersion;
  tcb: bigint;
  mitigationVector: bigint;
}

export interface FirmwareOptions {
  chip: Chip;
  features: Features;
  /** The chip's secret. */
  seed: string;
  dialect: PlatformFacts["dialect"];
  storage: Storage;
  /** Whether SMT is on, and how many sockets there are. */
  smt: boolean;
  sockets: 1 | 2;
  /** What the board's flash holds when nothing was ever committed; default API 1.55 build 29 at the factory's default TCB. */
  version?: FirmwareVersion | undefined;
  tcb?: Tcb | undefined;
  /** What SEV-TIO reaches of the board; without it there is no root port. */
  tio?: TioPort | undefined;
  /** What its SPDM requester computes with; default noble's. */
  curves?: Curves | undefined;
}

const FIRST: FirmwareVersion = { major: 1, minor: 55, build: 29 };

/** The product whose keys and report the part has. Parts before Milan have no reports: they are shown as Milan. */
export function productOf({ signature }: Chip): Product {
  const family = ((signature >> 8) & 0xf) + ((signature >> 20) & 0xff);
  const model = ((signature >> 4) & 0xf) | ((signature >> 12) & 0xf0);
  return productOfCpuid(family, model) ?? "Milan";
}

export class PlatformState implements PlatformFacts {
  readonly chip: Chip;
  readonly features: Features;
  readonly product: Product;
  readonly seed: string;
  readonly chipId: Uint8Array;
  readonly dialect: PlatformFacts["dialect"];
  readonly smt: boolean;
  readonly sockets: 1 | 2;
  /** How often the platform was powered on with this storage, this time included. */
  readonly boots: number;
  snp: number = SnpState.UNINIT;
  /** Whether SNP_INIT has ever initialised the RMP since power-on. */
  rmpInitialised = false;
  raplDisabled = false;
  ciphertextHiding = false;
  tio = false;
  maskChipId = false;
  maskChipKey = false;
  current: Image;
  committed: Image;
  vlek: LoadedVlek | undefined;
  /** As SNP_CONFIG set it; 0 follows the committed TCB. */
  #reported = 0n;
  #hashstick: Uint8Array | undefined;
  readonly #flash: Sealed;

  constructor(options: FirmwareOptions) {
    this.chip = options.chip;
    this.features = options.features;
    this.product = productOf(options.chip);
    this.seed = options.seed;
    this.dialect = options.dialect;
    this.smt = options.smt;
    this.sockets = options.sockets;
    this.chipId = chipIdOf(options.seed, this.product);
    const tcb = composeTcb(options.tcb ?? defaultTcb[this.product], this.product);
    this.committed = { version: options.version ?? FIRST, tcb, mitigationVector: 0n };
    this.#flash = new Sealed(options.storage, "snp", options.seed);
    const kept = this.#flash.read();
    this.boots = (kept ? this.#restore(kept) : 0) + 1;
    this.current = this.committed;
    this.persist();
  }

  get isSnpInit(): boolean {
    return this.snp === SnpState.INIT;
  }

  get tcb(): PlatformFacts["tcb"] {
    const { current, committed } = this;
    const reported = this.#reported || committed.tcb;
    return { current: current.tcb, committed: committed.tcb, reported };
  }

  get version(): PlatformFacts["version"] {
    return { current: this.current.version, committed: this.committed.version };
  }

  get mitigationVector(): bigint {
    return this.current.mitigationVector;
  }

  get platformInfo(): bigint {
    const bit = (on: boolean, position: number) => (on ? 1n << BigInt(position) : 0n);
    return (
      bit(this.smt, Report.SMT_EN_BIT) |
      bit(true, Report.ECC_EN_BIT) |
      bit(this.raplDisabled, Report.RAPL_DIS_BIT) |
      bit(this.ciphertextHiding, Report.CIPHERTEXT_HIDING_DRAM_EN_BIT) |
      bit(true, Report.ALIAS_CHECK_COMPLETE_BIT) |
      bit(this.tio, Report.TIO_EN_BIT)
    );
  }

  /** Whether no component of a TCB_VERSION is above that of another. They are never compared as integers. */
  isAtMost(a: bigint, b: bigint): boolean {
    return atMost(parseTcb(a, this.product), parseTcb(b, this.product));
  }

  /** Whether reports may show a TCB_VERSION: one that was committed, or an older. 0 stands for the committed one. */
  mayReport(tcb: bigint): boolean {
    const isWellFormed = composeTcb(parseTcb(tcb, this.product), this.product) === tcb;
    return isWellFormed && this.isAtMost(tcb, this.committed.tcb);
  }

  /** SNP_CONFIG: what reports show. 0 goes back to the committed TCB. */
  configure(reported: bigint, maskChipId: boolean, maskChipKey: boolean): void {
    this.#reported = reported;
    this.maskChipId = maskChipId;
    this.maskChipKey = maskChipKey;
    this.#dropOldVlek();
    this.persist();
  }

  /** SNP_COMMIT: no older firmware will run again, and reports show the committed TCB. */
  commit(): void {
    this.committed = this.current;
    this.#reported = 0n;
    this.#dropOldVlek();
    this.persist();
  }

  /** Keeps a hashstick that was unwrapped: it is its wrapped form that goes to the flash. */
  loadVlek(vlek: LoadedVlek, hashstick: Uint8Array): void {
    this.vlek = vlek;
    this.#hashstick = hashstick;
    this.persist();
  }

  /** A VLEK is made for one TCB: it goes when another is reported. */
  #dropOldVlek(): void {
    if (this.vlek?.tcb === this.tcb.reported) return;
    this.vlek = undefined;
    this.#hashstick = undefined;
  }

  persist(): void {
    const bytes = new Uint8Array(Persistent.SIZE);
    const view = viewOf(bytes);
    const { version, tcb, mitigationVector } = this.committed;
    const flag = (on: boolean, position: number) => (on ? 1 << position : 0);
    view.setUint32(Persistent.FORMAT, Persistent.FORMAT_1, true);
    view.setUint32(
      Persistent.FLAGS,
      flag(this.maskChipId, Persistent.MASK_CHIP_ID_BIT) |
        flag(this.maskChipKey, Persistent.MASK_CHIP_KEY_BIT) |
        flag(this.#hashstick !== undefined, Persistent.VLEK_BIT),
      true,
    );
    view.setUint32(Persistent.BOOTS, this.boots, true);
    bytes.set([version.major, version.minor, version.build], Persistent.MAJOR);
    view.setBigUint64(Persistent.COMMITTED_TCB, tcb, true);
    view.setBigUint64(Persistent.MITIGATION_VECTOR, mitigationVector, true);
    view.setBigUint64(Persistent.REPORTED_TCB, this.#reported, true);
    if (this.#hashstick) bytes.set(this.#hashstick, Persistent.HASHSTICK);
    this.#flash.write(bytes);
  }

  /** Takes what the flash holds. Answers how often the platform was powered on before. */
  #restore(bytes: Uint8Array): number {
    const view = viewOf(bytes);
    const flags = view.getUint32(Persistent.FLAGS, true);
    const [major, minor, build] = bytes.subarray(Persistent.MAJOR) as unknown as number[];
    this.committed = {
      version: { major: major ?? 0, minor: minor ?? 0, build: build ?? 0 },
      tcb: view.getBigUint64(Persistent.COMMITTED_TCB, true),
      mitigationVector: view.getBigUint64(Persistent.MITIGATION_VECTOR, true),
    };
    this.#reported = view.getBigUint64(Persistent.REPORTED_TCB, true);
    this.maskChipId = bitOf(flags, Persistent.MASK_CHIP_ID_BIT);
    this.maskChipKey = bitOf(flags, Persistent.MASK_CHIP_KEY_BIT);
    if (bitOf(flags, Persistent.VLEK_BIT)) {
      this.#hashstick = bytes.slice(Persistent.HASHSTICK, Persistent.SIZE);
      this.vlek = unwrapVlek(this.seed, this.product, this.#hashstick);
    }
    return view.getUint32(Persistent.BOOTS, true);
  }
}
