// The hypervisor: the host's software, and the attacker. It has the host's view of memory and the mailbox, and nothing else.
import * as Activate from "../abi/activate.ts";
import * as Command from "../abi/command.ts";
import * as Msr from "../abi/msr.ts";
import * as Feature from "../abi/sev-features.ts";
import * as SnpActivate from "../abi/snp-activate.ts";
import * as Status from "../abi/status.ts";
import { type Chip, featuresOf, type Generation } from "../chip/chip.ts";
import { guestCpuid } from "../chip/cpuid.ts";
import { CheckFailed, Misuse } from "../error.ts";
import { RESET_EIP, vmsaPage } from "../launch/vmsa.ts";
import type { HostPort } from "../port.ts";
import { createVcpu } from "./create-vcpu.ts";
import { GuestRequests } from "./ghcb/guest-request.ts";
import { IOPM_SIZE, permissionMaps } from "./intercepts.ts";
import { MailboxDriver } from "./mailbox.ts";
import { NestedTables } from "./nested.ts";
import { makeFirmware, makePreGuest } from "./page-state.ts";
import { Pages } from "./pages.ts";
import type { Vcpu } from "./vcpu.ts";
import { Vm, type VmOptions } from "./vm.ts";

/** What stands in for the commands of a launch until the secure processor has them. */
export interface Launch {
  /** LAUNCH_START and GCTX_CREATE: how the firmware names the guest, a handle, or for SNP the context page it was offered. */
  admit(context?: bigint): bigint;
  /** LAUNCH_UPDATE_VMSA, and SNP_LAUNCH_UPDATE of a VMSA: encrypts the state that stands in a page. */
  vmsa(spa: bigint, gpa: bigint, asid: number): void;
}

/** Where a VMSA lies for the guest: nowhere it can reach. Linux; spec digest vmcb-vmsa.md 3. */
const VMSA_GPA = 0xffff_ffff_f000n;

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

  /** The VM that has an ASID. */
  vmOf(asid: number): Vm | undefined {
    return this.#vms.get(asid);
  }

  /** Makes a VM: nested tables, an ASID from the pool, for an encrypted guest its activated key, and its vCPUs. */
  createVm(options: VmOptions, launch: Launch): Vm {
    const { sev, snp } = featuresOf(this.#generation);
    const { host } = this;
    const pages = this.#pages;
    const nested = new NestedTables(host, pages, this.#cBit);
    const asid = this.#takeAsid();
    const gctx = sev ? this.#activate(asid, snp, launch) : undefined;
    const requests =
      gctx === undefined
        ? undefined
        : new GuestRequests(host, this.mailbox, gctx, () => pages.small());
    const cpuid = guestCpuid(this.#chip, this.#generation);
    const cBit = sev ? this.#chip.cBit : 0;
    const vm = new Vm({ host, pages, nested, asid, snp, cBit, requests, cpuid }, options);
    this.#vms.set(asid, vm);
    if (options.image) {
      for (let index = 0; index < (options.vcpus ?? 1); index++)
        vm.vcpus.push(this.#createVcpu(vm, index, options, launch));
    }
    return vm;
  }

  /** The C-bit's mask, where the host encrypts its own memory. */
  get #cBit(): bigint {
    return featuresOf(this.#generation).sme ? 1n << BigInt(this.#chip.cBit) : 0n;
  }

  #createVcpu(vm: Vm, index: number, options: VmOptions, launch: Launch): Vcpu {
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
    if (snp) makePreGuest(host, vmsa, VMSA_GPA, vm.asid);
    launch.vmsa(vmsa, VMSA_GPA, vm.asid);
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

  /** Answers the context page of an SNP guest. */
  #activate(asid: number, snp: boolean, launch: Launch): bigint | undefined {
    const gctx = snp ? this.#pages.small() : undefined;
    const status =
      gctx === undefined
        ? this.#activateLegacy(asid, launch)
        : this.#activateSnp(asid, gctx, launch);
    if (status !== Status.SUCCESS)
      throw new CheckFailed(`ACTIVATE of ASID ${asid}: status 0x${status.toString(16)}`);
    return gctx;
  }

  #activateLegacy(asid: number, launch: Launch): number {
    const buffer = new DataView(new ArrayBuffer(Activate.SIZE));
    buffer.setUint32(Activate.HANDLE, Number(launch.admit()), true);
    buffer.setUint32(Activate.ASID, asid, true);
    return this.mailbox.send(Command.ACTIVATE, new Uint8Array(buffer.buffer));
  }

  #activateSnp(asid: number, gctx: bigint, launch: Launch): number {
    makeFirmware(this.host, gctx);
    const buffer = new DataView(new ArrayBuffer(SnpActivate.SIZE));
    buffer.setBigUint64(SnpActivate.GCTX_PADDR, launch.admit(gctx), true);
    buffer.setUint32(SnpActivate.ASID, asid, true);
    return this.mailbox.send(Command.SNP_ACTIVATE, new Uint8Array(buffer.buffer));
  }
}
