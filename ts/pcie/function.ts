// A PCIe function, of an endpoint or a root port: header, BARs, MSI-X, DOE, IDE, TEE-IO, SR-IOV. PCIe 7.5 to 7.9 and 9.3.
import * as Bridge from "../abi/bridge.ts";
import * as Config from "../abi/config-space.ts";
import * as Doe from "../abi/doe.ts";
import * as Ide from "../abi/ide.ts";
import * as LinkBlock from "../abi/ide-link-stream.ts";
import * as Selective from "../abi/ide-selective.ts";
import * as MsiX from "../abi/msi-x.ts";
import * as Pcie from "../abi/pcie-capability.ts";
import * as SrIov from "../abi/sr-iov.ts";
import { Misuse } from "../error.ts";
import { bit, putU16, putU32, u16, u32, view } from "../spdm/octets.ts";
import { ConfigSpace } from "./config.ts";
import type { DoeMailbox } from "./doe.ts";
import { IdeStream } from "./ide.ts";

export interface Bar {
  /** Which BAR; it is 64 bits wide and takes the next one too. */
  index: number;
  bytes: number;
  /** Not for the guest alone: registers the host keeps. */
  nonTee?: boolean;
}

export interface FunctionOptions {
  /** Bus, device and function: the Requester ID. */
  functionId: number;
  bars: Bar[];
  /** MSI-X vectors; the table is in BAR `bir` at `table`, the PBA at `pba`. */
  msiX?: { vectors: number; bir: number; table: number; pba: number };
  /** Selective IDE streams; default 2. */
  streams?: number;
  /** Link IDE streams, of TC0; default 0. */
  linkStreams?: 0 | 1;
  /** Whether one MAC may speak for several TLPs; default false. */
  aggregation?: boolean;
  mailbox?: DoeMailbox;
  /** A root port instead of an endpoint: its number in LNKCAP, and the bus behind it. */
  rootPort?: { number: number; secondaryBus: number };
  /** Virtual functions and the BARs each of them has. */
  vfs?: { total: number; offset: number; stride: number; bars: Bar[] };
}

const VENDOR = 0x1af4;
const DEVICE = 0x10f0;
const AT = { pcie: 0x40, msiX: 0x80, doe: 0x100, srIov: 0x140, ide: 0x200 };
const PAGE = 0x1000;

export class PcieFunction {
  readonly functionId: number;
  readonly config: ConfigSpace = new ConfigSpace();
  readonly streams: IdeStream[] = [];
  readonly bars: Bar[];
  readonly vfBars: Bar[];
  readonly msiX: FunctionOptions["msiX"];
  readonly mailbox: DoeMailbox | undefined;
  readonly vfs: FunctionOptions["vfs"];
  readonly #linkStreams: number;
  /** Told of a function level reset of this function. */
  onFlr: () => void = () => {};

  constructor(options: FunctionOptions) {
    this.functionId = options.functionId;
    this.bars = options.bars;
    this.msiX = options.msiX;
    this.mailbox = options.mailbox;
    this.vfs = options.vfs;
    this.vfBars = options.vfs?.bars ?? [];
    this.#linkStreams = options.linkStreams ?? 0;
    this.#header();
    this.#pcie();
    if (options.rootPort) this.#bridge(options.rootPort);
    if (options.msiX) this.#msiXCapability(options.msiX);
    if (options.mailbox) this.#doe(options.mailbox);
    if (options.vfs) this.#srIov(options.vfs);
    this.#ide(options.streams ?? 2, options.aggregation ?? false);
    this.config.seal();
  }

  /** Where BAR `index` is mapped; undefined while memory space is off or the BAR is unset. */
  barAddress(index: number): bigint | undefined {
    const on = bit(u16(this.config.octets, Config.COMMAND), Config.MEMORY_SPACE_BIT);
    return on ? this.#address(Config.BAR0 + 4 * index) : undefined;
  }

  /** Where BAR `index` of virtual function `vf` (from 0) is mapped. */
  vfBarAddress(vf: number, index: number): bigint | undefined {
    const bar = this.vfBars.find((each) => each.index === index);
    const control = u16(this.config.octets, AT.srIov + SrIov.CONTROL);
    const on = bit(control, SrIov.VF_ENABLE_BIT) && bit(control, SrIov.VF_MEMORY_SPACE_BIT);
    if (!bar || !on) return undefined;
    const base = this.#address(AT.srIov + SrIov.VF_BAR0 + 4 * index);
    return base && base + BigInt(bar.bytes) * BigInt(vf);
  }

  get isBusMaster(): boolean {
    return bit(u16(this.config.octets, Config.COMMAND), Config.BUS_MASTER_BIT);
  }

  get hasPhantomFunctions(): boolean {
    const control = u16(this.config.octets, AT.pcie + Pcie.DEVICE_CONTROL);
    return bit(control, Pcie.PHANTOM_FUNCTIONS_ENABLE_BIT);
  }

  get msiXMessageControl(): number {
    return this.msiX ? u16(this.config.octets, AT.msiX + MsiX.MESSAGE_CONTROL) : 0;
  }

  /** The Requester ID of virtual function `vf`, from 0. */
  vfId(vf: number): number {
    if (!this.vfs) throw new Misuse(`function ${this.functionId}: has no virtual functions`);
    return this.functionId + this.vfs.offset + vf * this.vfs.stride;
  }

  /** Virtual functions enabled now. */
  get enabledVfs(): number {
    if (!this.vfs) return 0;
    const on = bit(u16(this.config.octets, AT.srIov + SrIov.CONTROL), SrIov.VF_ENABLE_BIT);
    const asked = u16(this.config.octets, AT.srIov + SrIov.NUM_VFS);
    return on ? Math.min(asked, this.vfs.total) : 0;
  }

  /** The IDE capability registers a QUERY_RESP tells: everything after its header. */
  ideRegisters(): Uint8Array {
    const selective = this.streams.length - this.#linkStreams;
    return this.config.octets.slice(AT.ide + Ide.CAPABILITY, this.streamBase(selective));
  }

  /** What locked configuration is made of; `msiX` as LOCK_MSIX asks. RI of TDISP 11.2.6. */
  lockedRanges(msiX: boolean): [start: number, end: number][] {
    const ranges: [number, number][] = [
      [Config.COMMAND, Config.COMMAND + 2],
      [Config.CACHE_LINE_SIZE, Config.CACHE_LINE_SIZE + 1],
      [Config.BAR0, Config.CARDBUS_CIS],
      [Config.EXPANSION_ROM, Config.EXPANSION_ROM + 4],
      [AT.pcie + Pcie.DEVICE_CONTROL, AT.pcie + Pcie.DEVICE_STATUS],
    ];
    if (this.vfs) ranges.push([AT.srIov, AT.srIov + SrIov.SIZE]);
    if (this.msiX && msiX) ranges.push([AT.msiX, AT.msiX + MsiX.SIZE]);
    return ranges;
  }

  /** The register block of Selective stream `n`. */
  streamBase(n: number): number {
    return AT.ide + Ide.SIZE + this.#linkStreams * LinkBlock.SIZE + n * Selective.SIZE;
  }

  /** The register block of Link stream `n`. */
  linkStreamBase(n: number): number {
    return AT.ide + Ide.SIZE + n * LinkBlock.SIZE;
  }

  /** Everything software wrote is gone. */
  reset(): void {
    for (const stream of this.streams) stream.clear();
    this.config.reset();
    this.mailbox?.reset();
  }

  #address(at: number): bigint | undefined {
    const base = view(this.config.octets).getBigUint64(at, true) & ~0xfn;
    return base === 0n ? undefined : base;
  }

  #header(): void {
    const { config } = this;
    putU16(config.octets, Config.VENDOR_ID, VENDOR);
    putU16(config.octets, Config.DEVICE_ID, DEVICE);
    putU16(config.octets, Config.STATUS, 1 << Config.CAPABILITIES_LIST_BIT);
    // Processing accelerator: class 12h.
    config.octets[Config.CLASS_CODE + 2] = 0x12;
    config.octets[Config.HEADER_TYPE] = 1 << Config.MULTI_FUNCTION_BIT;
    config.allow(Config.COMMAND, (1 << Config.MEMORY_SPACE_BIT) | (1 << Config.BUS_MASTER_BIT), 2);
    config.allow(Config.CACHE_LINE_SIZE, 0xff, 1);
    config.allow(Config.INTERRUPT_LINE, 0xff, 1);
    for (const bar of this.bars) this.#bar(Config.BAR0 + 4 * bar.index, bar);
  }

  #bar(at: number, { index, bytes }: Bar): void {
    const isPower = Number.isInteger(Math.log2(bytes));
    if (!isPower || bytes < PAGE || bytes > 2 ** 31 || index % 2 || index > 4) {
      throw new Misuse(
        `BAR ${index}: ${bytes} bytes, expected a power of two from 4096 at 0, 2 or 4`,
      );
    }
    const flags = (1 << Config.BAR_64_BIT) | (1 << Config.BAR_PREFETCHABLE_BIT);
    putU32(this.config.octets, at, flags);
    this.config.allow(at, -bytes >>> 0, 4);
    this.config.allow(at + 4, 0xffffffff, 4);
  }

  #pcie(): void {
    const { config } = this;
    config.addCapability(Pcie.ID, AT.pcie);
    // Version 2 of the capability.
    putU16(config.octets, AT.pcie + Pcie.CAPABILITIES, 2);
    const supported = 2 ** Pcie.FLR_CAPABLE_BIT + 2 ** Pcie.TEE_IO_SUPPORTED_BIT;
    putU32(config.octets, AT.pcie + Pcie.DEVICE_CAPABILITIES, supported);
    config.allow(AT.pcie + Pcie.DEVICE_CONTROL, 0xffff, 2);
    config.watch(() => {
      const at = AT.pcie + Pcie.DEVICE_CONTROL;
      if (!bit(u16(config.octets, at), Pcie.INITIATE_FLR_BIT)) return;
      this.onFlr();
    });
  }

  #msiXCapability({ vectors, bir, table, pba }: NonNullable<FunctionOptions["msiX"]>): void {
    const { config } = this;
    config.addCapability(MsiX.ID, AT.msiX);
    putU16(config.octets, AT.msiX + MsiX.MESSAGE_CONTROL, vectors - 1);
    putU32(config.octets, AT.msiX + MsiX.TABLE, table | bir);
    putU32(config.octets, AT.msiX + MsiX.PBA, pba | bir);
    const writable = (1 << MsiX.ENABLE_BIT) | (1 << MsiX.FUNCTION_MASK_BIT);
    config.allow(AT.msiX + MsiX.MESSAGE_CONTROL, writable, 2);
  }

  #doe(mailbox: DoeMailbox): void {
    const { config } = this;
    config.addExtendedCapability(Doe.EXTENDED_CAPABILITY_ID, 1, AT.doe);
    const start = AT.doe + Doe.CAPABILITY;
    config.claim(
      start,
      Doe.SIZE - Doe.CAPABILITY,
      (offset) => mailbox.read(offset + Doe.CAPABILITY),
      (offset, value) => mailbox.write(offset + Doe.CAPABILITY, value),
    );
  }

  #srIov({ total, offset, stride, bars }: NonNullable<FunctionOptions["vfs"]>): void {
    const { config } = this;
    config.addExtendedCapability(SrIov.EXTENDED_CAPABILITY_ID, 1, AT.srIov);
    const at = (register: number) => AT.srIov + register;
    putU16(config.octets, at(SrIov.INITIAL_VFS), total);
    putU16(config.octets, at(SrIov.TOTAL_VFS), total);
    putU16(config.octets, at(SrIov.FIRST_VF_OFFSET), offset);
    putU16(config.octets, at(SrIov.VF_STRIDE), stride);
    putU16(config.octets, at(SrIov.VF_DEVICE_ID), DEVICE);
    putU32(config.octets, at(SrIov.SUPPORTED_PAGE_SIZES), 1);
    putU32(config.octets, at(SrIov.SYSTEM_PAGE_SIZE), 1);
    const control = (1 << SrIov.VF_ENABLE_BIT) | (1 << SrIov.VF_MEMORY_SPACE_BIT);
    config.allow(at(SrIov.CONTROL), control, 2);
    config.allow(at(SrIov.NUM_VFS), 0xffff, 2);
    config.allow(at(SrIov.SYSTEM_PAGE_SIZE), 0xffffffff, 4);
    for (const bar of bars) this.#bar(at(SrIov.VF_BAR0) + 4 * bar.index, bar);
  }

  /** SR-IOV's system page size is the only one supported. */
  get hasSupportedPageSize(): boolean {
    return !this.vfs || u32(this.config.octets, AT.srIov + SrIov.SYSTEM_PAGE_SIZE) === 1;
  }

  #bridge({ number, secondaryBus }: NonNullable<FunctionOptions["rootPort"]>): void {
    const { octets } = this.config;
    octets[Config.HEADER_TYPE] = Bridge.HEADER_TYPE;
    octets[Config.CLASS_CODE + 2] = Bridge.BASE_CLASS;
    octets[Config.CLASS_CODE + 1] = Bridge.SUB_CLASS;
    octets[Bridge.SECONDARY_BUS] = secondaryBus;
    octets[Bridge.SUBORDINATE_BUS] = secondaryBus;
    const type = u16(octets, AT.pcie + Pcie.CAPABILITIES) | (Pcie.ROOT_PORT << Pcie.PORT_TYPE_LSB);
    putU16(octets, AT.pcie + Pcie.CAPABILITIES, type);
    putU32(octets, AT.pcie + Pcie.LINK_CAPABILITIES, number * 2 ** Pcie.PORT_NUMBER_LSB);
  }

  #ide(count: number, aggregation: boolean): void {
    const { config } = this;
    config.addExtendedCapability(Ide.EXTENDED_CAPABILITY_ID, 1, AT.ide);
    const capability =
      this.#linkStreams * 2 ** Ide.LINK_IDE_BIT +
      2 ** Ide.SELECTIVE_IDE_BIT +
      (aggregation ? 2 ** Ide.AGGREGATION_BIT : 0) +
      2 ** Ide.IDE_KM_BIT +
      (count - 1) * 2 ** Ide.SELECTIVE_STREAMS_LSB +
      2 ** Ide.TEE_LIMITED_BIT;
    putU32(config.octets, AT.ide + Ide.CAPABILITY, capability);
    for (let n = 0; n < count; n++) {
      const base = this.streamBase(n);
      // One address association block.
      putU32(config.octets, base + Selective.CAPABILITY, 1);
      for (let at = Selective.CONTROL; at < Selective.SIZE; at += 4) {
        if (at !== Selective.STATUS) config.allow(base + at, 0xffffffff, 4);
      }
      config.allowClear(base + Selective.STATUS, 2 ** Selective.FAIL_RECEIVED_BIT, 4);
      this.streams.push(new IdeStream(config, base));
    }
    for (let n = 0; n < this.#linkStreams; n++) {
      const base = this.linkStreamBase(n);
      config.allow(base + LinkBlock.CONTROL, 0xffffffff, 4);
      config.allowClear(base + LinkBlock.STATUS, 2 ** Selective.FAIL_RECEIVED_BIT, 4);
      this.streams.push(new IdeStream(config, base, true));
    }
  }
}
