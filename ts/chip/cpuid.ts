// CPUID of a part. APM vol. 3, appendix E; spec digest cpuid-msr.md 1 and 2.
import type { Chip, Generation } from "./chip.ts";
import { featuresOf } from "./chip.ts";

export interface CpuidValues {
  eax: number;
  ebx: number;
  ecx: number;
  edx: number;
}

const NOTHING: CpuidValues = { eax: 0, ebx: 0, ecx: 0, edx: 0 };
/** "AuthenticAMD". */
const VENDOR = { ebx: 0x68747541, ecx: 0x444d4163, edx: 0x69746e65 };
const VMPLS = 4;

/** What the part's CPUID instruction answers with a generation switched on. */
export function cpuidOf(
  chip: Chip,
  generation: Generation,
): (leaf: number, subleaf: number) => CpuidValues {
  const { snp } = featuresOf(generation);
  const leaves: Record<number, CpuidValues> = {
    0: { eax: 0xd, ...VENDOR },
    1: { ...NOTHING, eax: chip.signature },
    2147483648: { eax: 0x8000_0028, ...VENDOR },
    2147483656: { ...NOTHING, eax: chip.physicalBits | (48 << 8) },
    2147483658: { ...NOTHING, eax: 1, ebx: 0x8000, edx: 0x1b },
    2147483679: {
      eax: chip.sevCapabilities,
      ebx: chip.cBit | (chip.reducedBits << 6) | ((snp ? VMPLS : 0) << 12),
      ecx: chip.asids,
      edx: chip.minSevAsid,
    },
  };
  return (leaf) => leaves[leaf] ?? NOTHING;
}

const GUEST_REDUCTION = 1;
const SEV = 0b0010;
const SEV_ES = 0b1000;
const SEV_SNP = 0b1_0000;

/** What a hypervisor tells a guest: as the part has it, but of SEV only what this guest has. QEMU target/i386/cpu.c. */
export function guestCpuid(chip: Chip, generation: Generation): ReturnType<typeof cpuidOf> {
  const { sev, es, snp } = featuresOf(generation);
  const host = cpuidOf(chip, generation);
  const eax = (sev ? SEV : 0) | (es ? SEV_ES : 0) | (snp ? SEV_SNP : 0);
  const encryption = { ...NOTHING, eax, ebx: sev ? chip.cBit | (GUEST_REDUCTION << 6) : 0 };
  return (leaf, subleaf) => (leaf === 0x8000_001f ? encryption : host(leaf, subleaf));
}
