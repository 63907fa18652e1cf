// tsm0: the secure processor as Linux's TSM class knows it, and the sysfs nodes by which an administrator drives it. A node that
// does not exist, and each misuse of one that does, answers Linux's errno. Documentation/ABI/testing/sysfs-bus-pci, sysfs-class-
// tsm.
import { Misuse } from "../../error.ts";
import { Errno } from "../../linux/errno.ts";
import { nodeOf, pciName } from "../../linux/pci-name.ts";
import type { TioParts } from "./buffers.ts";
import { Dsm, StreamPool, type Wire } from "./dsm.ts";
import { Pci, type PciBar, type PciBus } from "./pci.ts";
import type { TioSizes } from "./status.ts";

/** The field guide's steps: 1 links under IDE, 2 interfaces locked and started, 3 private MMIO and DMA, 4 evidence for guests. */
export type TioPhase = 1 | 2 | 3 | 4;

type PciNode = "tsm/connect" | "tsm/disconnect" | "tsm/dsm" | "tsm/bound" | "authenticated";

export const TSM_NAME = "tsm0";
const CLASS = "/sys/class/tsm/";
const BRIDGE = "/sys/devices/pci0000:00/";
const LINE = "\n";

/** Written text without its last line feed, as sysfs_streq compares it. */
const lineOf = (text: string) => text.replace(/\n$/, "");

export class Tsm {
  readonly name: string = TSM_NAME;
  readonly phase: TioPhase;
  readonly bus: PciBus;
  readonly streams: StreamPool = new StreamPool();
  /** Told of each data object that the host carries. */
  onObject: Wire = () => {};
  readonly #parts: TioParts;
  readonly #sizes: TioSizes;
  /** By function 0. */
  readonly #dsms = new Map<number, Dsm>();

  constructor(parts: TioParts, sizes: TioSizes, bus: PciBus, phase: TioPhase) {
    this.#parts = parts;
    this.#sizes = sizes;
    this.bus = bus;
    this.phase = phase;
  }

  /** Function 0 of each device that can be connected. */
  capable(): Pci[] {
    const found: Pci[] = [];
    for (let bus = 1; bus < 256; bus++) {
      for (let device = 0; device < 32; device++) {
        const pci = new Pci(this.bus, (bus << 8) | (device << 3));
        if (pci.isPf0) found.push(pci);
      }
    }
    return found;
  }

  /** The device that a function belongs to, while it is connected. */
  dsmOf(bdf: number): Dsm | undefined {
    return [...this.#dsms.values()].find(
      ({ pf0 }) => pf0.bdf === bdf || pf0.virtualFunctions.includes(bdf),
    );
  }

  /** The BARs of a function; a virtual one's are in its function 0. Throws Errno for one that does not exist. */
  barsOf(bdf: number): PciBar[] {
    const pci = new Pci(this.bus, bdf);
    if (pci.exists) return pci.bars();
    for (const pf0 of this.capable()) {
      const vf = pf0.virtualFunctions.indexOf(bdf);
      if (vf >= 0) return pf0.bars(vf);
    }
    throw new Errno("ENODEV", `${pciName(bdf)}: no such function`);
  }

  /** The content of a node. */
  read(path: string): string {
    if (path.startsWith(CLASS)) return this.#readClass(path.slice(CLASS.length));
    if (path.startsWith(BRIDGE)) return this.#readBridge(path.slice(BRIDGE.length));
    const { bdf, node } = this.#nodeAt(path);
    const dsm = this.dsmOf(bdf);
    if (node === "tsm/disconnect") throw new Errno("EACCES", path);
    if (node === "tsm/dsm") return (dsm ? pciName(dsm.pf0.bdf) : "") + LINE;
    if (node === "tsm/bound") return (dsm?.tdis.get(bdf)?.report.length ? this.name : "") + LINE;
    return (dsm ? this.name : "") + LINE;
  }

  write(path: string, text: string): void {
    const { bdf, node } = this.#nodeAt(path);
    if (node === "tsm/connect") this.#connect(bdf, lineOf(text));
    else if (node === "tsm/disconnect") this.#disconnect(bdf, lineOf(text));
    else throw new Errno("EACCES", path);
  }

  /** The nodes of a function; none for one that has nothing to do with a TSM. */
  nodes(bdf: number): PciNode[] {
    const pci = new Pci(this.bus, bdf);
    const lists: PciNode[] = ["tsm/dsm", "tsm/bound"];
    if (pci.isPf0) return ["authenticated", "tsm/connect", "tsm/disconnect", ...lists];
    return this.dsmOf(bdf) ? lists : [];
  }

  #nodeAt(path: string): { bdf: number; node: PciNode } {
    const found = nodeOf(path);
    const { bdf = 0 } = found ?? {};
    const node = found && this.nodes(bdf).find((each) => each === found.node);
    if (!node) throw new Errno("ENOENT", path);
    return { bdf, node };
  }

  /** In the order in which Linux's connect_store looks. */
  #connect(bdf: number, name: string): void {
    if (!/^tsm\d+$/.test(name)) throw new Errno("EINVAL", `"${name}", expected tsm<n>`);
    if (this.#dsms.has(bdf)) throw new Errno("EBUSY", `${pciName(bdf)}: connected already`);
    if (name !== this.name) throw new Errno("ENXIO", `${name}: no such TSM`);
    const pf0 = new Pci(this.bus, bdf);
    const wire: Wire = (direction, object) => this.onObject(direction, object);
    const { streams } = this;
    const made = { parts: this.#parts, sizes: this.#sizes, streams, wire };
    this.#dsms.set(bdf, Dsm.connect(made, pf0));
  }

  #disconnect(bdf: number, name: string): void {
    const dsm = this.#dsms.get(bdf);
    if (!dsm) throw new Errno("ENXIO", `${pciName(bdf)}: not connected`);
    if (name !== this.name) throw new Errno("EINVAL", `"${name}", expected ${this.name}`);
    this.#dsms.delete(bdf);
    dsm.disconnect();
  }

  #readClass(path: string): string {
    if (path === "") return this.name + LINE;
    if (path === `${this.name}/pci_mode`) return `link${LINE}`;
    throw new Errno("ENOENT", CLASS + path);
  }

  #readBridge(path: string): string {
    if (path === "available_secure_streams") return `${this.streams.available}${LINE}`;
    const dsm = [...this.#dsms.values()].find(({ stream }) => stream.name === path);
    if (!dsm) throw new Errno("ENOENT", BRIDGE + path);
    return pciName(dsm.pf0.bdf) + LINE;
  }

  /** The connected device of a function, or Misuse where there is none. */
  connected(bdf: number): Dsm {
    const dsm = this.dsmOf(bdf);
    if (!dsm) throw new Misuse(`${pciName(bdf)}: not connected, write ${this.name} to tsm/connect`);
    return dsm;
  }
}
