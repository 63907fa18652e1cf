// The hypervisor: the host's software, and the attacker. It has the host's view of memory and the mailbox, and nothing else.
import * as Msr from "../abi/msr.ts";
import * as Activate from "../abi/psp/activate.ts";
import * as Handle from "../abi/psp/handle.ts";
import * as Init from "../abi/psp/init.ts";
import * as SevPolicy from "../abi/psp/sev-policy.ts";
import * as SnpInitEx from "../abi/psp/snp-init-ex.ts";
import * as Feature from "../abi/sev-features.ts";
import * as Status from "../abi/status.ts";
import * as Layout from "../abi/vmcb.ts";
import { type Chip, featuresOf, type Generation } from "../chip/chip.ts";
import { guestCpuid } from "../chip/cpuid.ts";
import { CheckFailed, Misuse } from "../error.ts";
import { RESET_EIP, vmsaPage } from "../launch/vmsa.ts";
import type { HostBridge } from "../pcie/host-bridge.ts";
import type { HostPort } from "../port.ts";
import { Asids } from "./asids.ts";
import { createVcpu } from "./create-vcpu.ts";
import { GuestRequests } from "./ghcb/guest-request.ts";
import { offerTio } from "./ghcb/tio.ts";
import { IOPM_SIZE, permissionMaps } from "./intercepts.ts";
import { type Launch, type LaunchParts, SevLaunch, SnpLaunch } from "./launch.ts";
import { loadPlan } from "./load.ts";
import { MailboxDriver, NO_BUFFER } from "./mailbox.ts";
import { NestedTables } from "./nested.ts";
import { makeFirmware } from "./page-state.ts";
import { Pages } from "./pages.ts";
import { decommissionSnp } from "./reclaim.ts";
import { tioInit, tioStatus } from "./tsm/status.ts";
import { type TioPhase, Tsm } from "./tsm/tsm.ts";
import { Vm, type VmOptions } from "./vm.ts";

const TMR_BYTES = 0x10_0000;
const PAGE = 0x1000n;

export class Hypervisor {
  readonly host: HostPort;
  readonly mailbox: MailboxDriver;
  /** Root ports and what is behind them; undefined on a board without devices. */
  bridge: HostBridge | undefined;
  /** The TSM of sev-tio, once initialised, on a board with devices. */
  tsm: Tsm | undefined;
  /** How far its kernel supports trusted I/O. */
  tioPhase: TioPhase = 4;
  readonly #chip: Chip;
  readonly #generation: Generation;
  readonly #pages: Pages;
  /** By ASID, the one that ran longest ago first. */
  readonly #vms = new Map<number, Vm>();
  readonly #asids: Asids;
  /** What the firmware calls the SEV and SEV-ES guests. */
  readonly #handles = new Map<Vm, number>();
  #maps = 0n;

  constructor(host: HostPort, chip: Chip, generation: Generation, dram: bigint) {
    this.host = host;
    this.#chip = chip;
    this.#generation = generation;
    this.#pages = new Pages(dram);
    // Plain SEV guests have the ASIDs from minSevAsid on, all others those below.
    const { es } = featuresOf(generation);
    const { asids, minSevAsid } = chip;
    const flush = () => this.#flush();
    this.#asids = es ? new Asids(1, minSevAsid - 1, flush) : new Asids(minSevAsid, asids, flush);
    this.mailbox = new MailboxDriver(host, this.#pages.small());
  }

  /** Initialises the secure processor for the generation, as Linux's ccp driver does when it is loaded. */
  initialise(): void {
    const { sev, snp, tio } = featuresOf(this.#generation);
    if (snp) {
      const FLAGS = (1 << SnpInitEx.INIT_RMP_BIT) | (Number(tio) << SnpInitEx.TIO_EN_BIT);
      this.mailbox.must("SNP_INIT_EX", SnpInitEx, { FLAGS });
      this.mailbox.snp = true;
      this.host.wbinvd();
      this.mailbox.must("SNP_DF_FLUSH", NO_BUFFER);
      if (tio) this.#initialiseTio();
    } else if (sev) this.initialiseSev();
  }

  /** The secure processor becomes the TSM of the devices that there are. Linux sev_tsm_init_locked. */
  #initialiseTio(): void {
    const parts = this.parts;
    const status = tioStatus(parts);
    if (typeof status === "number" || !status.enabled || tioInit(parts) !== Status.SUCCESS)
      throw new CheckFailed("TIO_INIT: refused after SNP_INIT_EX with TIO_EN");
    if (this.bridge) this.tsm = new Tsm(parts, status.sizes, this.bridge, this.tioPhase);
  }

  /** INIT, for SEV guests and where the part has them SEV-ES guests. With SNP nobody needs it until such a guest comes. */
  initialiseSev(): void {
    if (!featuresOf(this.#generation).es) {
      this.mailbox.must("INIT", Init);
      return;
    }
    const tmr = this.#pages.large();
    if (this.mailbox.snp)
      for (let at = 0n; at < TMR_BYTES; at += PAGE) makeFirmware(this.host, tmr + at);
    this.mailbox.must("INIT", Init, {
      FLAGS: 1 << Init.ES_BIT,
      TMR_PADDR: tmr,
      TMR_LENGTH: TMR_BYTES,
    });
  }

  /** What a launch needs of the hypervisor. */
  get parts(): LaunchParts {
    return { host: this.host, mailbox: this.mailbox, pages: this.#pages };
  }

  /** The VM that has an ASID. */
  vmOf(asid: number): Vm | undefined {
    return this.#vms.get(asid);
  }

  /** How the firmware names a SEV or SEV-ES guest. */
  handleOf(vm: Vm): number | undefined {
    return this.#handles.get(vm);
  }

  /** Makes a VM: nested tables, an ASID from the pool, its vCPUs; where guests are encrypted, launched through the mailbox. */
  createVm(options: VmOptions): Vm {
    const { sev, snp } = featuresOf(this.#generation);
    const { host } = this;
    const pages = this.#pages;
    const nested = new NestedTables(host, pages, this.#cBit);
    const asid = this.#takeAsid();
    const launch = this.#startLaunch(asid, options);
    const gctx = launch?.gctx;
    const requests =
      gctx === undefined
        ? undefined
        : new GuestRequests(host, this.mailbox, gctx, () => vm.keep(pages.small()));
    const cpuid = guestCpuid(this.#chip, this.#generation);
    const cBit = sev ? this.#chip.cBit : 0;
    const activate = (it: Vm) => this.activate(it);
    const dispose = (it: Vm) => this.dispose(it);
    const parts = { host, pages, nested, asid, snp, cBit, gctx, requests, cpuid };
    const vm: Vm = new Vm({ ...parts, activate, dispose }, options);
    if (launch?.handle !== undefined) this.#handles.set(vm, launch.handle);
    if (this.tsm && this.tsm.phase > 1) offerTio(vm);
    this.#vms.set(asid, vm);
    const load = (state: Uint8Array) => this.#createVcpu(vm, state, launch);
    const { encrypted } = nested;
    if (options.plan) loadPlan(options.plan, { vm, pages, host, launch, encrypted, load });
    // A plan of plain SEV has no save areas: its vCPUs' state is the hypervisor's own.
    if (options.image && vm.vcpus.length === 0) {
      const state = this.#resetState(options);
      for (let index = 0; index < (options.vcpus ?? 1); index++) load(state);
    }
    launch?.finish();
    return vm;
  }

  #startLaunch(asid: number, { launch }: VmOptions): Launch | undefined {
    const { sev, es, snp } = featuresOf(this.#generation);
    if (snp) return new SnpLaunch(this.parts, asid, launch);
    const policy = Number(launch?.policy ?? Number(es) << SevPolicy.ES_BIT);
    return sev ? new SevLaunch(this.parts, asid, policy) : undefined;
  }

  /** The C-bit's mask, where the host encrypts its own memory. */
  get #cBit(): bigint {
    return featuresOf(this.#generation).sme ? 1n << BigInt(this.#chip.cBit) : 0n;
  }

  /** The state in which a vCPU of a guest without a plan starts. */
  #resetState({ sevFeatures = 0n, image }: VmOptions): Uint8Array {
    const { es, snp } = featuresOf(this.#generation);
    const features = sevFeatures | (snp ? 1n << BigInt(Feature.SNP_ACTIVE_BIT) : 0n);
    const eip = Number(image?.entry ?? RESET_EIP);
    const { signature } = this.#chip;
    return vmsaPage({ vmm: "QEMU", eip, signature, features: es ? features : 0n });
  }

  /** The next vCPU of a VM, launched in a state laid out as ts/abi/vmsa.ts. */
  #createVcpu(vm: Vm, given: Uint8Array, launch?: Launch): void {
    const { host } = this;
    const { sev, es } = featuresOf(this.#generation);
    if (this.#maps === 0n) this.#prepare();
    const state = given.slice();
    const vmsa = es ? this.#pages.small() : undefined;
    const page = this.#pages.small();
    vm.keep(page);
    if (vmsa !== undefined) vm.keep(vmsa);
    const vcpu = createVcpu(vm.vcpus.length, {
      host,
      vmcb: page,
      iopm: this.#maps,
      msrpm: this.#maps + BigInt(IOPM_SIZE),
      vmsa,
      asid: vm.asid,
      ncr3: vm.root,
      sev,
      cBit: this.#cBit,
      state,
    });
    vm.vcpus.push(vcpu);
    if (vmsa === undefined) return;
    if (!host.write(vmsa, state)) throw new CheckFailed("VMSA: its page is not the hypervisor's");
    launch?.vmsa(vmsa);
  }

  /** What VMRUN needs of the host once: the permission maps, the host save area, and SmmLock, which the BIOS sets. */
  #prepare(): void {
    const { host } = this;
    const cBit = this.#cBit;
    this.#maps = this.#pages.large();
    host.write(this.#maps, permissionMaps(), cBit !== 0n);
    host.wrmsr(Msr.VM_HSAVE_PA, this.#pages.small());
    host.wrmsr(Msr.HWCR, 1n << BigInt(Msr.HWCR_SMM_LOCK_BIT));
  }

  /** Gives a guest an ASID, if it has none: ACTIVATE. It then counts as the one that ran last. */
  activate(vm: Vm): void {
    const held = vm.asid;
    if (held !== 0) this.#vms.delete(held);
    vm.asid = held || this.#takeAsid();
    this.#vms.set(vm.asid, vm);
    if (held !== 0) return;
    const HANDLE = this.#handles.get(vm);
    if (HANDLE !== undefined) this.mailbox.must("ACTIVATE", Activate, { HANDLE, ASID: vm.asid });
    else this.host.flushAsid(vm.asid);
    for (const { vmcb } of vm.vcpus) vmcb.setU32(Layout.GUEST_ASID, vm.asid);
  }

  /** Takes a guest's ASID away: DEACTIVATE. It runs again once it has another. Throws Misuse for an SNP guest, which cannot. */
  deactivate(vm: Vm): void {
    if (vm.snp) throw new Misuse("DEACTIVATE: an SNP guest keeps its ASID until DECOMMISSION");
    if (vm.asid === 0) return;
    const HANDLE = this.#handles.get(vm);
    if (HANDLE !== undefined) this.mailbox.must("DEACTIVATE", Handle, { HANDLE });
    this.#asids.give(vm.asid);
    this.#vms.delete(vm.asid);
    vm.asid = 0;
  }

  /** Ends a guest: its pages are the hypervisor's again, the firmware forgets it, and its ASID may be another's. */
  dispose(vm: Vm): void {
    const { asid, gctx } = vm;
    this.onDispose(vm);
    for (const device of vm.ghcb.assigned.values()) device.release();
    if (gctx !== undefined) {
      vm.release();
      this.#vms.delete(asid);
      if (decommissionSnp(this.host, this.mailbox, gctx)) this.#pages.give(gctx, false);
      this.#asids.give(asid);
      return;
    }
    this.deactivate(vm);
    const HANDLE = this.#handles.get(vm);
    if (HANDLE !== undefined) this.mailbox.must("DECOMMISSION", Handle, { HANDLE });
    this.#handles.delete(vm);
    vm.release();
  }

  /** Called when a guest ends. */
  onDispose: (vm: Vm) => void = () => {};

  /** A free ASID. When there is none, the guest that ran longest ago gives its own, if it can live without. */
  #takeAsid(): number {
    const free = this.#asids.take();
    if (free !== undefined) return free;
    const [idle] = this.#vms.values();
    if (!idle || idle.snp) throw new Misuse(`ASIDs: all of ${this.#chip.product} are in use`);
    this.deactivate(idle);
    return this.#asids.take() as number;
  }

  /** What ASIDs need before they are used again. */
  #flush(): void {
    const { sev, snp } = featuresOf(this.#generation);
    this.host.wbinvd();
    if (sev) this.mailbox.must(snp ? "SNP_DF_FLUSH" : "DF_FLUSH", NO_BUFFER);
  }
}
