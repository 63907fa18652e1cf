// What Linux makes of a part and of what is switched on: the flags in /proc/cpuinfo and the parameters of kvm_amd, which
// people grep to see what a machine can do. arch/x86/kernel/cpu/amd.c (early_detect_mem_encrypt) and arch/x86/kvm/svm/sev.c.
import * as Capability from "../abi/sev-capability.ts";
import { type Chip, featuresOf, type Generation } from "./chip.ts";
import { type Cpuid, cpuidOf, ENCRYPTION } from "./cpuid.ts";

/** Flags of Fn8000_001F EAX, by bit. arch/x86/include/asm/cpufeatures.h, word 19. */
const FLAGS: readonly [name: string, position: number][] = [
  ["sme", Capability.SME_BIT],
  ["sev", Capability.SEV_BIT],
  ["vm_page_flush", Capability.PAGE_FLUSH_MSR_BIT],
  ["sev_es", Capability.SEV_ES_BIT],
  ["sev_snp", Capability.SEV_SNP_BIT],
  ["v_tsc_aux", Capability.TSC_AUX_BIT],
  ["sme_coherent", Capability.COHERENCY_BIT],
  ["debug_swap", Capability.DEBUG_SWAP_BIT],
];

/** Of what needs SYSCFG.MemEncryptionModEn, or SNP, nothing is shown while it is off. */
function isShown(name: string, generation: Generation): boolean {
  const { encryption, snp } = featuresOf(generation);
  if (name === "sev_snp") return snp;
  return encryption;
}

/** The memory encryption flags of /proc/cpuinfo on a host. */
export function cpuinfoFlags(chip: Chip, generation: Generation): string[] {
  return flagsOf(cpuidOf(chip, generation)).filter((name) => isShown(name, generation));
}

/** Those that a CPUID announces: also a guest's. */
export function flagsOf(cpuid: Cpuid): string[] {
  const { eax } = cpuid(ENCRYPTION, 0);
  return FLAGS.filter(([, position]) => ((eax >>> position) & 1) === 1).map(([name]) => name);
}

/** /sys/module/kvm_amd/parameters: Y or N. Linux needs ASIDs for a kind of guest before it offers it. */
export function kvmAmdParameters(
  chip: Chip,
  generation: Generation,
): Record<"sev" | "sev_es" | "sev_snp", "Y" | "N"> {
  const { sev, es, snp } = featuresOf(generation);
  const { eax, ecx, edx } = cpuidOf(chip, generation)(ENCRYPTION, 0);
  const has = (position: number) => ((eax >>> position) & 1) === 1;
  const below = edx > 1;
  const answer = (yes: boolean) => (yes ? "Y" : "N");
  return {
    sev: answer(sev && has(Capability.SEV_BIT) && edx <= ecx),
    sev_es: answer(es && has(Capability.SEV_ES_BIT) && below),
    sev_snp: answer(snp && has(Capability.SEV_SNP_BIT) && below),
  };
}
