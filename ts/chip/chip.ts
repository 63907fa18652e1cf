// What a table of this folder says of a part. Sources: spec digest cpuid-msr.md 1 and 4 unless a row names its own.

/** The five steps of AMD's confidential computing, and none. */
export const generations = ["none", "sme", "sev", "sev-es", "sev-snp", "sev-tio"] as const;
export type Generation = (typeof generations)[number];

export const chipNames = ["naples", "rome", "milan", "genoa", "turin"] as const;
export type ChipName = (typeof chipNames)[number];

export interface Chip {
  name: ChipName;
  /** Marketing name and microarchitecture. */
  product: string;
  /** CPUID Fn0000_0001 EAX. */
  signature: number;
  /** CPUID Fn8000_001F EBX[5:0]: the C-bit's position in a page-table entry. */
  cBit: number;
  /** CPUID Fn8000_0008 EAX[7:0]. */
  physicalBits: number;
  /** CPUID Fn8000_001F EBX[11:6]: address bits that memory encryption takes. */
  reducedBits: number;
  /** CPUID Fn8000_001F ECX: how many guests may be encrypted. */
  asids: number;
  /** CPUID Fn8000_001F EDX: the lowest ASID of a SEV guest without SEV-ES. A BIOS setting. */
  minSevAsid: number;
  /** CPUID Fn8000_001F EAX: what of SME and SEV the part has, as ts/abi/sev-capability.ts. */
  sevCapabilities: number;
  /** A guest may require AES-256-XTS of the memory engine (policy bit 22). Spec digest aes-engine.md 1. */
  memAes256Xts?: boolean;
  /** Frequency of the time-stamp counter, in kHz: that of P0. */
  tscKhz: number;
  /** CPUID Fn8000_0025, on parts with a segmented RMP: the span of a segment as a shift, and how many entries of the segment
   *  table count (with NumCachedReduction those that are cached, else all 512). */
  rmpSegments?: { minShift: number; maxShift: number; limit: number };
  /** The newest generation it has. */
  newest: Generation;
  /** Tweak constants of the memory engine known from silicon: 4 bytes, repeated, by address bit. */
  tweaks?: Record<number, string>;
}

/** Whether a part has a capability of ts/abi/sev-capability.ts. */
export function isCapable({ sevCapabilities }: Chip, position: number): boolean {
  return ((sevCapabilities >>> position) & 1) === 1;
}

/** What a generation switches on. Each includes those before it, but that SEV guests do without the host's SME key. */
export interface Features {
  /** Memory encryption: SYSCFG.MemEncryptionModEn. */
  encryption: boolean;
  /** The host encrypts its own memory, and so its guests', under one key. */
  sme: boolean;
  /** A key for each guest. */
  sev: boolean;
  /** Encrypted register state: exits by VMGEXIT. */
  es: boolean;
  /** The RMP is checked: SYSCFG.SecureNestedPagingEn. */
  snp: boolean;
  /** Devices reach private memory. */
  tio: boolean;
}

/** The features of a generation. */
export function featuresOf(generation: Generation): Features {
  const has = (step: Generation) => generations.indexOf(generation) >= generations.indexOf(step);
  return {
    encryption: has("sme"),
    sme: generation === "sme",
    sev: has("sev"),
    es: has("sev-es"),
    snp: has("sev-snp"),
    tio: has("sev-tio"),
  };
}

/** Why a part cannot run a generation, or undefined when it can. */
export function lacks(chip: Chip, generation: Generation): string | undefined {
  if (generations.indexOf(generation) <= generations.indexOf(chip.newest)) return undefined;
  const first = { none: "", sme: "Naples", sev: "Naples", "sev-es": "Rome" };
  const since = { ...first, "sev-snp": "Milan", "sev-tio": "Turin" }[generation];
  return `${chip.product} has no ${generation.toUpperCase()}; it came with ${since}`;
}
