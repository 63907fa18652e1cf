// A function passed through to a VM, as VFIO has it: its registers in the guest's address space, its requests through the VM's own
// tables; and what of it the guest asks its TSM for. Linux drivers/vfio/pci and AMD's KVM series of 2025.
import * as Answer from "../../abi/rmp-state.ts";
import { Errno } from "../../linux/errno.ts";
import { pciName } from "../../linux/pci-name.ts";
import type { RmpState } from "../../port.ts";
import type { Vm } from "../vm.ts";
import type { PciBar } from "./pci.ts";
import type { HostTdi } from "./tdi.ts";
import type { Tsm } from "./tsm.ts";

const PAGE = 0x1000n;

/** A BAR, and where the guest has it. */
export interface GuestBar extends PciBar {
  gpa: bigint;
}

export class AssignedDevice {
  readonly bdf: number;
  /** The Requester ID that the guest knows it by. */
  readonly guestRid: number;
  readonly bars: readonly GuestBar[];
  readonly tsm: Tsm;
  readonly #vm: Vm;
  /** Pages of its registers that the RMP gives to the guest. */
  readonly #private = new Set<bigint>();

  /** Gives a function to a VM, its BARs one after another from `gpa` on. Throws Errno for one that does not exist. */
  constructor(tsm: Tsm, vm: Vm, bdf: number, guestRid: number, gpa: bigint) {
    this.tsm = tsm;
    this.#vm = vm;
    this.bdf = bdf;
    this.guestRid = guestRid;
    this.bars = placed(tsm.barsOf(bdf), gpa);
    for (const { gpa: at, spa, bytes } of this.bars) vm.mapRegisters(at, spa, BigInt(bytes), false);
    if (!vm.host.attach(bdf, vm.root)) throw new Errno("EBUSY", `${pciName(bdf)}: not the host's`);
    vm.ghcb.assigned.set(guestRid, this);
  }

  /** Its interface, while its device is connected. */
  get tdi(): HostTdi | undefined {
    return this.tsm.dsmOf(this.bdf)?.tdis.get(this.bdf);
  }

  /** Locks it for the guest. Throws Errno where there is no TSM, else answers the firmware's status. */
  bind(): number {
    const dsm = this.tsm.dsmOf(this.bdf);
    const { gctx } = this.#vm;
    if (!dsm || gctx === undefined) throw new Errno("ENXIO", `${pciName(this.bdf)}: no TSM`);
    return dsm.tdi(this.bdf).bind(gctx, this.guestRid);
  }

  /** Stops it; its registers are the host's again. */
  unbind(): number {
    const status = this.#bound().unbind();
    for (const spa of this.#private) this.#give(spa, undefined);
    return status;
  }

  run(): number {
    return this.#bound().run();
  }

  #bound(): HostTdi {
    const { tdi } = this;
    if (!tdi) throw new Errno("ENXIO", `${pciName(this.bdf)}: not bound`);
    return tdi;
  }

  /** A message of the guest about it. */
  request(message: Uint8Array): ReturnType<HostTdi["request"]> {
    return this.#bound().request(message);
  }

  /** Pages of its registers become the guest's in the RMP, or shared. False: there are none at that gpa, or the RMP refused. */
  setPrivate(gpa: bigint, pages: number, priv: boolean): boolean {
    for (let i = 0n; i < BigInt(pages); i++) {
      const at = gpa + i * PAGE;
      const bar = this.bars.find((each) => at >= each.gpa && at < each.gpa + BigInt(each.bytes));
      if (!bar || !this.#give(bar.spa + (at - bar.gpa), priv ? at : undefined)) return false;
    }
    return true;
  }

  #give(spa: bigint, gpa: bigint | undefined): boolean {
    const priv = gpa !== undefined;
    const state: RmpState = {
      gpa: gpa ?? 0n,
      assigned: priv,
      pageSize: "4k",
      immutable: false,
      asid: priv ? this.#vm.asid : 0,
    };
    if (this.#vm.host.rmpupdate(spa, state) !== Answer.SUCCESS) return false;
    if (priv) this.#private.add(spa);
    else this.#private.delete(spa);
    return true;
  }

  /** The VM ends, or gives it back. */
  release(): void {
    if (this.tdi?.report.length) this.unbind();
    for (const spa of this.#private) this.#give(spa, undefined);
    this.#vm.ghcb.assigned.delete(this.guestRid);
  }
}

/** Each BAR at the next multiple of its size, as a BIOS places them. */
function placed(bars: readonly PciBar[], gpa: bigint): GuestBar[] {
  let next = gpa;
  return bars.map((bar) => {
    const size = BigInt(bar.bytes);
    const at = (next + size - 1n) & -size;
    next = at + size;
    return { ...bar, gpa: at };
  });
}
