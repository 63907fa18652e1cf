// A virtual machine as the hypervisor keeps it: nested tables, an ASID, and the memory given so far.
import * as Code from "../abi/exit.ts";
import * as Msr from "../abi/msr.ts";
import type { CpuidValues } from "../chip/cpuid.ts";
import type { Region } from "../launch/plan.ts";
import type { Exit, HostPort } from "../port.ts";
import type { Image } from "../world.ts";
import { type ExitRow, exitRows, type Outcome, serve } from "./exits.ts";
import type { GuestRequests } from "./ghcb/guest-request.ts";
import { setPageState } from "./ghcb/page-state.ts";
import { GhcbVm } from "./ghcb/state.ts";
import { GuestMemory } from "./guest-memory.ts";
import type { SnpLaunchOptions } from "./launch.ts";
import type { Mmio } from "./mmio.ts";
import type { NestedTables } from "./nested.ts";
import { makePrivate, makeShared } from "./page-state.ts";
import { PageStates } from "./page-states.ts";
import type { Pages } from "./pages.ts";
import { Ports } from "./ports.ts";
import { takeBack } from "./reclaim.ts";
import { serveReplayed } from "./replayed.ts";
import { Serial } from "./serial.ts";
import type { Vcpu } from "./vcpu.ts";

export type PageSize = "4k" | "2m";

/** What a VM is made with. */
export interface VmOptions {
  /** Bytes of guest physical memory. */
  memory: bigint;
  /** What the hypervisor backs it with, and what the guest maps. */
  pageSize: PageSize;
  /** Its programs. A VM without an image has no vCPU: a trace is replayed in it. */
  image?: Image;
  /** Virtual CPUs that start at once; default 1. */
  vcpus?: number;
  /** SEV_FEATURES of their VMSAs beside SNPActive; default 0. */
  sevFeatures?: bigint;
  /** Policy; and under SNP ID block, migration agent and the like. */
  launch?: SnpLaunchOptions;
  /** What is loaded and measured before the first instruction; its save areas, where it has any, are the vCPUs. */
  plan?: readonly Region[];
}

/** What of the platform a VM needs. */
export interface VmParts {
  host: HostPort;
  pages: Pages;
  nested: NestedTables;
  asid: number;
  snp: boolean;
  /** The guest's context page, under SNP. */
  gctx?: bigint | undefined;
  /** The C-bit's position, 0 where there is none. */
  cBit: number;
  /** The road to the firmware of an SNP guest. */
  requests: GuestRequests | undefined;
  /** What the hypervisor tells this guest of the CPU. */
  cpuid: (leaf: number, subleaf: number) => CpuidValues;
  /** Gives the guest an ASID, if it has none. */
  activate: (vm: Vm) => void;
  /** Ends the guest. */
  dispose: (vm: Vm) => void;
}

const PAGE = 0x1000n;
const LARGE = 0x200000n;
const QUANTUM = 10_000;

export class Vm {
  /** 0 while it has none. */
  asid: number;
  readonly image: Image | undefined;
  readonly vcpus: Vcpu[] = [];
  readonly ports: Ports = new Ports();
  readonly serial: Serial;
  /** What is done for each exit; a row may be replaced. */
  readonly exits: Map<number, ExitRow> = new Map(exitRows);
  readonly cpuid: VmParts["cpuid"];
  /** The GHCB protocol's rows and state; any may be changed. */
  readonly ghcb: GhcbVm;
  /** The MSRs that are intercepted and that the hypervisor keeps for the guest. */
  readonly msrs: Map<number, bigint> = new Map([[Msr.VM_CR, 0n]]);
  readonly memory: bigint;
  readonly pageSize: PageSize;
  /** Guest memory as the hypervisor can read it. */
  readonly guest: GuestMemory;
  readonly #parts: VmParts;
  readonly #states = new PageStates();
  readonly #backed: { gpa: bigint; spa: bigint; large: boolean }[] = [];
  /** 2 MiB regions that have pages of the launch. */
  readonly #loaded = new Set<bigint>();
  /** Pages of system memory that are no guest memory: VMCBs and first VMSAs. */
  readonly #own: bigint[] = [];
  /** Pages of registers that it was given. */
  readonly #registers = new Set<bigint>();

  constructor(parts: VmParts, options: VmOptions) {
    this.#parts = parts;
    this.asid = parts.asid;
    this.image = options.image;
    this.cpuid = parts.cpuid;
    this.ghcb = new GhcbVm(parts.snp);
    this.guest = new GuestMemory(this, parts.host, parts.nested.encrypted);
    this.serial = new Serial(this.ports);
    this.memory = options.memory;
    this.pageSize = options.pageSize;
  }

  /** How the firmware names the guest under SNP: its context page. */
  get gctx(): bigint | undefined {
    return this.#parts.gctx;
  }

  /** nCR3. */
  get root(): bigint {
    return this.#parts.nested.root;
  }

  get host(): HostPort {
    return this.#parts.host;
  }

  get snp(): boolean {
    return this.#parts.snp;
  }

  /** The C-bit's position, 0 where guests have none. */
  get cBit(): number {
    return this.#parts.cBit;
  }

  /** The road to the firmware of an SNP guest. */
  get requests(): GuestRequests | undefined {
    return this.#parts.requests;
  }

  /** What the hypervisor's own RDTSC says. */
  tsc(): bigint {
    return this.#parts.host.rdmsr(Msr.TSC) ?? 0n;
  }

  /** Makes a page private or shared, in the RMP and in the nested tables. False: the RMP would not have it. */
  setPageState(gpa: bigint, large: boolean, shared: boolean): boolean {
    const { host, nested } = this.#parts;
    if (gpa >= this.memory) return false;
    const back = (at: bigint, priv: boolean) => this.back(at, priv);
    const done = setPageState({ host, nested, asid: this.asid, back }, gpa, large, shared);
    if (done) this.#states.set(gpa, large, !shared);
    return done;
  }

  /** Whether the hypervisor has given a page to the guest as private. */
  isPrivate(gpa: bigint): boolean {
    return this.#states.isPrivate(gpa);
  }

  /** A 2 MiB page of the RMP and of the nested tables becomes 512 of 4 KiB. */
  smash(gpa: bigint): void {
    const { host, nested } = this.#parts;
    const base = gpa & ~(LARGE - 1n);
    host.psmash(nested.spaOf(base) as bigint);
    nested.split(base);
  }

  /** Marks the page of a gpa as a device's. */
  markDevice(gpa: bigint): void {
    this.#parts.nested.mapDevice(gpa);
  }

  /** Maps `bytes` of a BAR; under SNP, and with `assign`, the pages become the guest's by RMPUPDATE, for the firmware to
   *  validate. */
  mapRegisters(gpa: bigint, bar: bigint, bytes: bigint, assign = true): void {
    const { host, nested, snp } = this.#parts;
    for (let at = 0n; at < bytes; at += PAGE) {
      if (snp && assign) makePrivate(host, bar + at, gpa + at, this.asid, false);
      if (snp && assign) this.#registers.add(bar + at);
      nested.map(gpa + at, bar + at, false);
    }
  }

  /** Devices in guest physical memory. */
  get mmio(): Mmio {
    return this.ghcb.mmio;
  }

  /** Serves one #VMEXIT. Throws when the hypervisor would kill the guest. */
  serve(vcpu: Vcpu, exit: Exit): Outcome {
    return serve(this, vcpu, exit);
  }

  /** Serves an exit of a replayed guest, which has no vCPU. */
  serveReplayed(exit: Exit): void {
    serveReplayed(this, exit);
  }

  /** Runs all vCPUs in turn, `quantum` steps each, until each sleeps or the guest is over. */
  run(quantum: number = QUANTUM): Outcome {
    const { host } = this.#parts;
    this.#parts.activate(this);
    for (let awake = true; awake; ) {
      awake = false;
      for (const vcpu of this.vcpus) {
        if (vcpu.halted) continue;
        host.setTimer(quantum);
        const outcome = this.#turn(vcpu);
        if (outcome === "ends") return "ends";
        awake ||= outcome === "runs";
      }
    }
    return "sleeps";
  }

  /** Ends the guest: its memory is the hypervisor's again, its ASID may be another's. */
  dispose(): void {
    this.#parts.dispose(this);
  }

  /** One vCPU until its quantum is over, or it sleeps. */
  #turn(vcpu: Vcpu): Outcome {
    for (;;) {
      const exit = vcpu.run();
      const outcome = this.serve(vcpu, exit);
      vcpu.halted = outcome === "sleeps";
      if (outcome !== "runs" || vcpu.exit.number === Code.VMEXIT_INTR) return outcome;
    }
  }

  /** An MSR that the hypervisor gives its guests; undefined: #GP. */
  readMsr(_: Vcpu, msr: number): bigint | undefined {
    return this.msrs.get(msr);
  }

  writeMsr(_: Vcpu, msr: number, value: bigint): boolean {
    if (!this.msrs.has(msr)) return false;
    this.msrs.set(msr, value);
    return true;
  }

  /** Backs the page at a gpa with memory; under SNP and `priv`, assigned to the guest by RMPUPDATE. */
  back(gpa: bigint, priv: boolean): void {
    const { host, nested, pages, snp } = this.#parts;
    const large = this.pageSize === "2m" && !this.#loaded.has(gpa / LARGE);
    const base = gpa & ~((large ? LARGE : PAGE) - 1n);
    const spa = large ? pages.large() : pages.small();
    if (snp && priv) makePrivate(host, spa, base, this.asid, large);
    this.#states.set(base, large, priv);
    this.#backed.push({ gpa: base, spa, large });
    nested.map(base, spa, large);
  }

  /** Maps a private page that the launch has filled. What is around it is mapped in small pages from now on. */
  give(gpa: bigint, spa: bigint): void {
    this.#loaded.add(gpa / LARGE);
    this.#states.set(gpa, false, true);
    this.#backed.push({ gpa, spa, large: false });
    this.#parts.nested.map(gpa, spa, false);
  }

  /** Serves a page state change that the guest asked for by VMGEXIT; without an RMP there is nothing to do. AMD 56421, 4.1.6. */
  changeState(gpa: bigint, shared: boolean): void {
    const { host, snp } = this.#parts;
    const large = this.pageSize === "2m";
    const base = gpa & ~((large ? LARGE : PAGE) - 1n);
    const spa = this.spaOf(base);
    if (!snp || spa === undefined) return;
    this.#states.set(base, large, !shared);
    if (shared) makeShared(host, spa, large);
    else makePrivate(host, spa, base, this.asid, large);
  }

  /** Notes a page of system memory that goes with the VM. */
  keep(spa: bigint): bigint {
    this.#own.push(spa);
    return spa;
  }

  /** Gives all its memory back to the hypervisor: nothing of it may run any more. */
  release(): void {
    const { pages, nested, host, snp } = this.#parts;
    const give = (spa: bigint, large: boolean) => {
      if (!snp || takeBack(host, spa, large)) pages.give(spa, large);
    };
    for (const { gpa, spa, large } of this.#backed) {
      if (!large || !snp || nested.isLarge(gpa)) give(spa, large);
      else if (this.#takeBackParts(spa)) pages.give(spa, true);
    }
    for (const spa of this.#own) give(spa, false);
    for (const spa of this.#registers) takeBack(host, spa, false);
    this.#backed.length = 0;
    nested.release();
  }

  /** A 2 MiB page that was smashed, page by page. */
  #takeBackParts(spa: bigint): boolean {
    let all = true;
    for (let at = spa; at < spa + LARGE; at += PAGE) all = takeBack(this.host, at, false) && all;
    return all;
  }

  /** The spa that backs a gpa, by the nested tables; undefined when nothing does. */
  spaOf(gpa: bigint): bigint | undefined {
    return this.#parts.nested.spaOf(gpa);
  }
}
