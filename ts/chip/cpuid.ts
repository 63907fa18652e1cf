// CPUID of a part: what the instruction answers on the host, and what a hypervisor tells a guest. APM vol. 3, appendix E; spec
// digest cpuid-msr.md 1 and 2.
import * as Capability from "../abi/sev-capability.ts";
import { type Chip, featuresOf, type Generation } from "./chip.ts";

export interface CpuidValues {
  eax: number;
  ebx: number;
  ecx: number;
  edx: number;
}

export type Cpuid = (leaf: number, subleaf: number) => CpuidValues;

const NOTHING: CpuidValues = { eax: 0, ebx: 0, ecx: 0, edx: 0 };
/** "AuthenticAMD". */
const VENDOR = { ebx: 0x68747541, ecx: 0x444d4163, edx: 0x69746e65 };
const LAST = 0x10;
const LAST_EXTENDED = 0x8000_0028;
export const ENCRYPTION = 0x8000_001f;

// Feature words that all parts share: FPU to SSE2; SSE3 to POPCNT, AES, XSAVE, AVX, F16C, RDRAND; and the extended ones.
const FEATURES_EDX = 0x178bfbff;
const FEATURES_ECX = 0x7ed8320b;
const HYPERVISOR = 0x8000_0000;
const EXTENDED_EDX = 0x2fd3fbff;
const EXTENDED_ECX = 0x75c237ff;
const STRUCTURED_EBX = 0x219c91a9;
// XSAVE area: x87 and SSE 576 bytes, AVX 256 more.
const XCR0_LOW = 7;
const XSAVE_BYTES = 832;
const AVX_BYTES = 256;
const AVX_AT = 576;
const XSAVE_FEATURES = 0xf;
// SVM: NP, LBR, SVML, NRIPS, TSC rate, VMCB clean, flush by ASID, decode assists, PAUSE filter and threshold, AVIC,
// VMSAVE virtualisation, VGIF.
const SVM_FEATURES = 0x0001bcff;
const SVM_ASIDS = 0x8000;
const LINEAR_BITS = 48;
const VMPLS = 4;
const SUPPORTED_XCR0 = { eax: XCR0_LOW, ebx: XSAVE_BYTES, ecx: XSAVE_BYTES, edx: 0 };

type Leaf = CpuidValues | ((subleaf: number) => CpuidValues);

const brand = ({ product }: Chip): CpuidValues[] => {
  const text = new DataView(new ArrayBuffer(48));
  [...`AMD ${product}`].slice(0, 47).forEach((letter, i) => {
    text.setUint8(i, letter.charCodeAt(0));
  });
  const word = (at: number) => text.getUint32(at, true);
  return [0, 16, 32].map((at) => ({
    eax: word(at),
    ebx: word(at + 4),
    ecx: word(at + 8),
    edx: word(at + 12),
  }));
};

function xsave(subleaf: number): CpuidValues {
  if (subleaf === 0) return SUPPORTED_XCR0;
  if (subleaf === 1) return { ...NOTHING, eax: XSAVE_FEATURES, ebx: XSAVE_BYTES };
  return subleaf === 2 ? { ...NOTHING, eax: AVX_BYTES, ebx: AVX_AT } : NOTHING;
}

/** Fn8000_001F of the part itself: without SNP switched on in the BIOS there are no VMPLs. */
function encryptionOf(chip: Chip, generation: Generation): CpuidValues {
  const { snp } = featuresOf(generation);
  return {
    eax: chip.sevCapabilities,
    ebx: chip.cBit | (chip.reducedBits << 6) | ((snp ? VMPLS : 0) << 12),
    ecx: chip.asids,
    edx: chip.minSevAsid,
  };
}

/** What the part's CPUID instruction answers with a generation switched on. */
export function cpuidOf(chip: Chip, generation: Generation): Cpuid {
  const [first, second, third] = brand(chip) as [CpuidValues, CpuidValues, CpuidValues];
  const leaves: Record<number, Leaf> = {
    0: { eax: LAST, ...VENDOR },
    1: { eax: chip.signature, ebx: 0x800, ecx: FEATURES_ECX, edx: FEATURES_EDX },
    7: (subleaf) => (subleaf === 0 ? { ...NOTHING, ebx: STRUCTURED_EBX } : NOTHING),
    13: xsave,
    2147483648: { eax: LAST_EXTENDED, ...VENDOR },
    2147483649: { eax: chip.signature, ebx: 0, ecx: EXTENDED_ECX, edx: EXTENDED_EDX },
    2147483650: first,
    2147483651: second,
    2147483652: third,
    2147483656: { ...NOTHING, eax: chip.physicalBits | (LINEAR_BITS << 8) },
    2147483658: { ...NOTHING, eax: 1, ebx: SVM_ASIDS, edx: SVM_FEATURES },
    [ENCRYPTION]: encryptionOf(chip, generation),
  };
  return (leaf, subleaf) => {
    const found = leaves[leaf] ?? NOTHING;
    return typeof found === "function" ? found(subleaf) : found;
  };
}

// What a guest may know of EAX: which of the three it is; and whether it must flush what it validates.
const SEV = 2 ** Capability.SEV_BIT;
const SEV_ES = 2 ** Capability.SEV_ES_BIT;
const SEV_SNP = 2 ** Capability.SEV_SNP_BIT;
const GUEST_REDUCTION = 1;
/** CPUID Fn8000_0001 ECX: SVM. A guest has none: nested virtualisation is refused. */
const SVM = 2 ** 2;

/** What a hypervisor tells a guest: as the part has it, but of SEV only what this guest has. QEMU target/i386/cpu.c. */
export function guestCpuid(chip: Chip, generation: Generation): Cpuid {
  const { sev, es, snp } = featuresOf(generation);
  const host = cpuidOf(chip, generation);
  const eax = (sev ? SEV : 0) | (es ? SEV_ES : 0) | (snp ? SEV_SNP : 0);
  const encryption = { ...NOTHING, eax, ebx: sev ? chip.cBit | (GUEST_REDUCTION << 6) : 0 };
  return (leaf, subleaf) => {
    const values = host(leaf, subleaf);
    if (leaf === ENCRYPTION) return encryption;
    if (leaf === 0x0000_0001) return { ...values, ecx: (values.ecx | HYPERVISOR) >>> 0 };
    if (leaf === 0x8000_0001) return { ...values, ecx: values.ecx & ~SVM };
    return leaf === 0x8000_000a ? NOTHING : values;
  };
}
