// A PCI function as the hypervisor finds it: by configuration space alone. Linux drivers/pci.
import * as Bridge from "../../abi/bridge.ts";
import * as Config from "../../abi/config-space.ts";
import * as Ide from "../../abi/ide.ts";
import * as Pcie from "../../abi/pcie-capability.ts";
import * as SrIov from "../../abi/sr-iov.ts";
import { bitOf } from "../../layout.ts";
import { pciName } from "../../linux/pci-name.ts";
import { findExtended } from "../../pcie/config.ts";

/** Configuration space by BDF. What does not exist reads as ones. */
export interface PciBus {
  read(bdf: number, offset: number, bytes: 1 | 2 | 4): number;
  write(bdf: number, offset: number, value: number, bytes: 1 | 2 | 4): void;
}

/** A memory BAR of 64 bits. */
export interface PciBar {
  index: number;
  spa: bigint;
  bytes: number;
}

const ABSENT = 0xffff;
const LAYOUT = 0x7f;
const FLAGS = 0xf;
const ONES = 0xffff_ffff;

export class Pci {
  readonly bdf: number;
  readonly #bus: PciBus;

  constructor(bus: PciBus, bdf: number) {
    this.#bus = bus;
    this.bdf = bdf;
  }

  /** As Linux names it. Segment 0 is the only one. */
  get name(): string {
    return pciName(this.bdf);
  }

  get exists(): boolean {
    return this.read(Config.VENDOR_ID, 2) !== ABSENT;
  }

  read(offset: number, bytes: 1 | 2 | 4): number {
    return this.#bus.read(this.bdf, offset, bytes);
  }

  write(offset: number, value: number, bytes: 1 | 2 | 4): void {
    this.#bus.write(this.bdf, offset, value, bytes);
  }

  /** Where a capability stands. */
  capability(id: number): number | undefined {
    let at = this.read(Config.CAPABILITIES_POINTER, 1);
    // The list cannot be longer than the space has places for it.
    for (let steps = 0; steps < 48 && at >= Config.SIZE; steps++) {
      if (this.read(at, 1) === id) return at;
      at = this.read(at + 1, 1);
    }
    return undefined;
  }

  extended(id: number): number | undefined {
    return findExtended((offset, bytes) => this.read(offset, bytes), id);
  }

  /** Function 0 with IDE, or that says TEE-IO: it manages security for its device. Linux is_pci_tsm_pf0. */
  get isPf0(): boolean {
    if (!this.exists || (this.bdf & 7) !== 0 || this.isBridge) return false;
    if (this.extended(Ide.EXTENDED_CAPABILITY_ID) !== undefined) return true;
    const at = this.capability(Pcie.ID);
    const supported = at === undefined ? 0 : this.read(at + Pcie.DEVICE_CAPABILITIES, 4);
    return bitOf(supported, Pcie.TEE_IO_SUPPORTED_BIT);
  }

  get isBridge(): boolean {
    return (this.read(Config.HEADER_TYPE, 1) & LAYOUT) === Bridge.HEADER_TYPE;
  }

  /** The root port that leads to it. */
  get rootPort(): Pci | undefined {
    for (let device = 0; device < 32; device++) {
      const port = new Pci(this.#bus, device << 3);
      if (port.exists && port.isBridge && port.read(Bridge.SECONDARY_BUS, 1) === this.bdf >> 8)
        return port;
    }
    return undefined;
  }

  /** A root port's number, by which the firmware knows it. */
  get portNumber(): number {
    const at = this.capability(Pcie.ID) as number;
    return this.read(at + Pcie.LINK_CAPABILITIES, 4) >>> Pcie.PORT_NUMBER_LSB;
  }

  /** The Requester IDs of its virtual functions that are enabled. */
  get virtualFunctions(): number[] {
    const at = this.extended(SrIov.EXTENDED_CAPABILITY_ID);
    if (at === undefined) return [];
    if (!bitOf(this.read(at + SrIov.CONTROL, 2), SrIov.VF_ENABLE_BIT)) return [];
    const count = this.read(at + SrIov.NUM_VFS, 2);
    const offset = this.read(at + SrIov.FIRST_VF_OFFSET, 2);
    const stride = this.read(at + SrIov.VF_STRIDE, 2);
    return Array.from({ length: count }, (_, vf) => this.bdf + offset + vf * stride);
  }

  /** Its BARs; those of virtual function `vf` when one is given. */
  bars(vf?: number): PciBar[] {
    const srIov = this.extended(SrIov.EXTENDED_CAPABILITY_ID) as number;
    const first = vf === undefined ? Config.BAR0 : srIov + SrIov.VF_BAR0;
    const bars: PciBar[] = [];
    for (let index = 0; index < Config.BARS; index += 2) {
      const at = first + 4 * index;
      const low = this.read(at, 4);
      if ((low & FLAGS) === 0) continue;
      const base = (BigInt(this.read(at + 4, 4)) << 32n) | BigInt((low & ~FLAGS) >>> 0);
      const bytes = this.#sizeOf(at, low);
      bars.push({ index, spa: base + BigInt(bytes) * BigInt(vf ?? 0), bytes });
    }
    return bars;
  }

  /** By writing ones, as software sizes a BAR. */
  #sizeOf(at: number, low: number): number {
    this.write(at, ONES, 4);
    const mask = (this.read(at, 4) & ~FLAGS) >>> 0;
    this.write(at, low, 4);
    return -(mask | 0) >>> 0;
  }
}
