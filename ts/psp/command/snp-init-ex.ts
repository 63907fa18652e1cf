// SNP_INIT_EX: the RMP is initialised and checked from now on; what BIOS and hypervisor chose is taken. AMD 56860, 8.
import * as Layout from "../../abi/psp/snp-init-ex.ts";
import * as Status from "../../abi/status.ts";
import { bitOf } from "../../layout.ts";
import { type CommandEntry, when } from "../command.ts";
import type { Psp } from "../firmware.ts";
import { fixPage } from "../page.ts";
import { SnpState } from "../platform.ts";
import { rangesAt } from "../ranges.ts";

export const snpInitEx: CommandEntry = {
  layout: Layout,
  platform: when.nothingInit,
  run(psp, buffer) {
    const flags = buffer.getUint32(Layout.FLAGS, true);
    const hiding = bitOf(flags, Layout.CIPHERTEXT_HIDING_EN_BIT);
    return initialise(psp, {
      initRmp: bitOf(flags, Layout.INIT_RMP_BIT),
      list: bitOf(flags, Layout.LIST_PADDR_EN_BIT)
        ? buffer.getBigUint64(Layout.LIST_PADDR, true)
        : undefined,
      raplDisabled: bitOf(flags, Layout.RAPL_DIS_BIT),
      maxSnpAsid: hiding ? buffer.getUint16(Layout.MAX_SNP_ASID, true) : undefined,
      tio: bitOf(flags, Layout.TIO_EN_BIT),
    });
  },
};

export interface InitOptions {
  initRmp: boolean;
  /** A RANGE_LIST's address. */
  list?: bigint | undefined;
  raplDisabled: boolean;
  /** Given with ciphertext hiding. */
  maxSnpAsid?: number | undefined;
  tio: boolean;
}

/** SNP_INIT is this with INIT_RMP alone. */
export function initialise(psp: Psp, options: InitOptions): number {
  const { platform, port } = psp;
  const { maxSnpAsid, list } = options;
  if (!platform.features.snp) return Status.INVALID_CONFIG;
  if (options.tio && !platform.features.tio) return Status.INVALID_PARAM;
  if (maxSnpAsid !== undefined && !mayHide(psp, maxSnpAsid)) return Status.INVALID_PARAM;
  if (!options.initRmp && !platform.rmpInitialised) return Status.RMP_INIT_REQUIRED;
  const fixed = list === undefined ? [] : rangesAt(psp, list);
  if (typeof fixed === "number") return fixed;
  if (options.initRmp) port.clearRmp();
  for (const spa of fixed) fixPage(port, spa);
  platform.rmpInitialised = true;
  platform.raplDisabled = options.raplDisabled;
  platform.ciphertextHiding = maxSnpAsid !== undefined;
  platform.tio = options.tio;
  platform.snp = SnpState.INIT;
  psp.asids.maxSnpAsid = maxSnpAsid ?? 0;
  port.hideCiphertext(platform.ciphertextHiding);
  port.enforceRmp(true);
  return Status.SUCCESS;
}

/** Ciphertext hiding came with Turin. It parts the ASIDs below minSevAsid in two. */
function mayHide({ platform: { chip } }: Psp, maxSnpAsid: number): boolean {
  return chip.newest === "sev-tio" && maxSnpAsid >= 1 && maxSnpAsid < chip.minSevAsid;
}
