// The hypervisor: the host's software, and the attacker. It has the host's view of memory and the mailbox, and nothing else.
import * as Msr from "../abi/msr.ts";
import * as Init from "../abi/psp/init.ts";
import * as SnpInitEx from "../abi/psp/snp-init-ex.ts";
import * as Feature from "../abi/sev-features.ts";
import { type Chip, featuresOf, type Generation } from "../chip/chip.ts";
import { guestCpuid } from "../chip/cpuid.ts";
import { CheckFailed, Misuse } from "../error.ts";
import { RESET_EIP, vmsaPage } from "../launch/vmsa.ts";
import type { HostPort } from "../port.ts";
import { createVcpu } from "./create-vcpu.ts";
import { GuestRequests } from "./ghcb/guest-request.ts";
import { IOPM_SIZE, permissionMaps } from "./intercepts.ts";
import { type Launch, type LaunchParts, SevLaunch, SnpLaunch } from "./launch.ts";
import { MailboxDriver, NO_BUFFER } from "./mailbox.ts";
import { NestedTables } from "./nested.ts";
import { makeFirmware } from "./page-state.ts";
import { Pages } from "./pages.ts";
import type { Vcpu } from "./vcpu.ts";
import { Vm, type VmOptions } from "./vm.ts";

const TMR_BYTES = 0x10_0000;
const PAGE = 0x1000n;

export class Hypervisor {
  readonly host: HostPort;
  readonly mailbox: MailboxDriver;
  readonly #chip: Chip;
  readonly #generation: Generation;
  readonly #pages: Pages;
  readonly #vms = new Map<number, Vm>();
  #maps = 0n;
  #nextSevAsid: number;
  #nextAsid = 1;

  constructor(host: HostPort, chip: Chip, generation: Generation, dram: bigint) {
    this.host = host;
    this.#chip = chip;
    this.#generation = generation;
    this.#pages = new Pages(dram);
    this.#nextSevAsid = chip.minSevAsid;
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
    } else if (sev) this.initialiseSev();
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
        : new GuestRequests(host, this.mailbox, gctx, () => pages.small());
    const cpuid = guestCpuid(this.#chip, this.#generation);
    const cBit = sev ? this.#chip.cBit : 0;
    const vm = new Vm({ host, pages, nested, asid, snp, cBit, gctx, requests, cpuid }, options);
    this.#vms.set(asid, vm);
    if (options.image) {
      for (let index = 0; index < (options.vcpus ?? 1); index++)
        vm.vcpus.push(this.#createVcpu(vm, index, options, launch));
    }
    launch?.finish();
    return vm;
  }

  #startLaunch(asid: number, { launch }: VmOptions): Launch | undefined {
    const { sev, es, snp } = featuresOf(this.#generation);
    if (snp) return new SnpLaunch(this.parts, asid, launch);
    return sev ? new SevLaunch(this.parts, asid, es) : undefined;
  }

  /** The C-bit's mask, where the host encrypts its own memory. */
  get #cBit(): bigint {
    return featuresOf(this.#generation).sme ? 1n << BigInt(this.#chip.cBit) : 0n;
  }

  #createVcpu(vm: Vm, index: number, options: VmOptions, launch?: Launch): Vcpu {
    const { host } = this;
    const { sev, es, snp } = featuresOf(this.#generation);
    if (this.#maps === 0n) this.#prepare();
    const features =
      (options.sevFeatures ?? 0n) | (snp ? 1n << BigInt(Feature.SNP_ACTIVE_BIT) : 0n);
    const eip = Number(options.image?.entry ?? RESET_EIP);
    const { signature } = this.#chip;
    const state = vmsaPage({ vmm: "QEMU", eip, signature, features: es ? features : 0n });
    const vmsa = es ? this.#pages.small() : undefined;
    const vcpu = createVcpu(index, {
      host,
      vmcb: this.#pages.small(),
      iopm: this.#maps,
      msrpm: this.#maps + BigInt(IOPM_SIZE),
      vmsa,
      asid: vm.asid,
      ncr3: vm.root,
      sev,
      cBit: this.#cBit,
      state,
    });
    if (vmsa === undefined) return vcpu;
    if (!host.write(vmsa, state)) throw new CheckFailed("VMSA: its page is not the hypervisor's");
    launch?.vmsa(vmsa);
    return vcpu;
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

  /** Plain SEV guests have the ASIDs from minSevAsid on, all others those below. */
  #takeAsid(): number {
    const { asids, minSevAsid } = this.#chip;
    const below = featuresOf(this.#generation).es;
    const asid = below ? this.#nextAsid++ : this.#nextSevAsid++;
    if (asid > (below ? minSevAsid - 1 : asids))
      throw new Misuse(`ASIDs: all of ${this.#chip.product} are in use`);
    return asid;
  }
}
