// The hypervisor: the host's software, and the attacker. It has the host's view of memory and the mailbox, and nothing else.
import * as Activate from "../abi/activate.ts";
import * as Command from "../abi/command.ts";
import * as SnpActivate from "../abi/snp-activate.ts";
import * as Status from "../abi/status.ts";
import { type Chip, featuresOf, type Generation } from "../chip/chip.ts";
import { CheckFailed, Misuse } from "../error.ts";
import type { HostPort } from "../port.ts";
import { MailboxDriver } from "./mailbox.ts";
import { NestedTables } from "./nested.ts";
import { makeFirmware } from "./page-state.ts";
import { Pages } from "./pages.ts";
import { Vm, type VmOptions } from "./vm.ts";

/** How the firmware names a guest that it has admitted: a handle, or for SNP the context page it was offered. */
export type Admit = (context?: bigint) => bigint;

export class Hypervisor {
  readonly host: HostPort;
  readonly mailbox: MailboxDriver;
  readonly #chip: Chip;
  readonly #generation: Generation;
  readonly #pages: Pages;
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

  /** Makes a VM: nested tables, an ASID from the pool, and for an encrypted guest its activated key. */
  createVm(options: VmOptions, admit: Admit): Vm {
    const { sme, sev, snp } = featuresOf(this.#generation);
    const { host } = this;
    const pages = this.#pages;
    const encrypted = sme ? 1n << BigInt(this.#chip.cBit) : 0n;
    const nested = new NestedTables(host, pages, encrypted);
    const asid = this.#takeAsid();
    if (sev) this.#activate(asid, snp, admit);
    return new Vm({ host, pages, nested, asid, snp }, options);
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

  #activate(asid: number, snp: boolean, admit: Admit): void {
    const status = snp ? this.#activateSnp(asid, admit) : this.#activateLegacy(asid, admit);
    if (status !== Status.SUCCESS)
      throw new CheckFailed(`ACTIVATE of ASID ${asid}: status 0x${status.toString(16)}`);
  }

  #activateLegacy(asid: number, admit: Admit): number {
    const buffer = new DataView(new ArrayBuffer(Activate.SIZE));
    buffer.setUint32(Activate.HANDLE, Number(admit()), true);
    buffer.setUint32(Activate.ASID, asid, true);
    return this.mailbox.send(Command.ACTIVATE, new Uint8Array(buffer.buffer));
  }

  #activateSnp(asid: number, admit: Admit): number {
    const gctx = this.#pages.small();
    makeFirmware(this.host, gctx);
    const buffer = new DataView(new ArrayBuffer(SnpActivate.SIZE));
    buffer.setBigUint64(SnpActivate.GCTX_PADDR, admit(gctx), true);
    buffer.setUint32(SnpActivate.ASID, asid, true);
    return this.mailbox.send(Command.SNP_ACTIVATE, new Uint8Array(buffer.buffer));
  }
}
