// The hypervisor: the host's software, and the attacker. It has the host's view of memory and the mailbox, and nothing else.

import * as Init from "../abi/psp/init.ts";
import * as SevPolicy from "../abi/psp/sev-policy.ts";
import * as SnpInitEx from "../abi/psp/snp-init-ex.ts";
import { type Chip, featuresOf, type Generation } from "../chip/chip.ts";
import { Misuse } from "../error.ts";
import type { HostPort } from "../port.ts";
import { type LaunchParts, SnpLaunch, startSev } from "./launch.ts";
import { MailboxDriver, NO_BUFFER } from "./mailbox.ts";
import { NestedTables } from "./nested.ts";
import { makeFirmware } from "./page-state.ts";
import { Pages } from "./pages.ts";
import { Vm, type VmOptions } from "./vm.ts";

const TMR_BYTES = 0x10_0000;
const PAGE = 0x1000n;

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

  /** INIT, for SEV guests and where the part has them SEV-ES guests. With SNP it is done when the first such guest comes. */
  initialiseSev(): void {
    const { es } = featuresOf(this.#generation);
    if (!es) {
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

  /** Makes a VM: nested tables, an ASID from the pool, and an encrypted guest launched through the mailbox. */
  createVm(options: VmOptions): Vm {
    const { sme, sev, es, snp } = featuresOf(this.#generation);
    const { host } = this;
    const pages = this.#pages;
    const encrypted = sme ? 1n << BigInt(this.#chip.cBit) : 0n;
    const nested = new NestedTables(host, pages, encrypted);
    const asid = this.#takeAsid();
    if (snp) new SnpLaunch(this.parts, asid).finish();
    else if (sev) startSev(this.parts, asid, es ? 1 << SevPolicy.ES_BIT : 0);
    return new Vm({ host, pages, nested, asid, snp }, options);
  }

  /** What a launch needs of the hypervisor. */
  get parts(): LaunchParts {
    return { host: this.host, mailbox: this.mailbox, pages: this.#pages };
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
