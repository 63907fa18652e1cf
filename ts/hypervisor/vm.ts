// A virtual machine as the hypervisor keeps it: nested tables, an ASID, and the memory given so far.
import type { Exit, HostPort } from "../port.ts";
import { serve } from "./exits.ts";
import type { VmLaunch } from "./load.ts";
import type { NestedTables } from "./nested.ts";
import { makePrivate, makeShared } from "./page-state.ts";
import type { Pages } from "./pages.ts";

export type PageSize = "4k" | "2m";

/** What a VM is made with. */
export interface VmOptions {
  /** Bytes of guest physical memory. */
  memory: bigint;
  /** What the hypervisor backs it with, and what the guest maps. */
  pageSize: PageSize;
  /** What is loaded and measured before the first instruction. SNP. */
  launch?: VmLaunch;
}

/** What of the platform a VM needs. */
export interface VmParts {
  host: HostPort;
  pages: Pages;
  nested: NestedTables;
  asid: number;
  snp: boolean;
  /** The context page of an SNP guest. */
  gctx?: bigint | undefined;
}

const PAGE = 0x1000n;
const LARGE = 0x200000n;

export class Vm {
  readonly asid: number;
  /** The context page by which the firmware knows an SNP guest. */
  readonly gctx: bigint | undefined;
  readonly memory: bigint;
  readonly pageSize: PageSize;
  readonly #parts: VmParts;

  constructor(parts: VmParts, options: VmOptions) {
    this.#parts = parts;
    this.asid = parts.asid;
    this.gctx = parts.gctx;
    this.memory = options.memory;
    this.pageSize = options.pageSize;
  }

  /** nCR3. */
  get root(): bigint {
    return this.#parts.nested.root;
  }

  /** Serves one #VMEXIT; the guest may then run on. Throws when the hypervisor would kill the guest. */
  serve(exit: Exit): void {
    serve(this, exit);
  }

  /** Backs the page at a gpa with memory; under SNP and `priv`, assigned to the guest by RMPUPDATE. */
  back(gpa: bigint, priv: boolean): void {
    const { host, nested, pages, snp } = this.#parts;
    const large = this.pageSize === "2m";
    const base = gpa & ~((large ? LARGE : PAGE) - 1n);
    const spa = large ? pages.large() : pages.small();
    if (snp && priv) makePrivate(host, spa, base, this.asid, large);
    nested.map(base, spa, large);
  }

  /** Serves a page state change that the guest asked for by VMGEXIT; without an RMP there is nothing to do. AMD 56421, 4.1.6. */
  changeState(gpa: bigint, shared: boolean): void {
    const { host, snp } = this.#parts;
    const large = this.pageSize === "2m";
    const base = gpa & ~((large ? LARGE : PAGE) - 1n);
    const spa = this.spaOf(base);
    if (!snp || spa === undefined) return;
    if (shared) makeShared(host, spa, large);
    else makePrivate(host, spa, base, this.asid, large);
  }

  /** The spa that backs a gpa, by the nested tables; undefined when nothing does. */
  spaOf(gpa: bigint): bigint | undefined {
    return this.#parts.nested.spaOf(gpa);
  }
}
