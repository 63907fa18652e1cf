// What a hypervisor loads into a guest before its first instruction, in order: a launch does it, a digest hashes it.
import { Misuse } from "../error.ts";
import { hashPage, hashTable, type KernelHashes } from "./image/kernel-hashes.ts";
import type { Section } from "./image/metadata.ts";
import {
  type FirmwareImage,
  requireHashSection,
  requireHashTable,
  requirePages,
  requireResetEip,
} from "./image/ovmf.ts";
import { requireSvsm, type SvsmImage } from "./image/svsm.ts";
import { RESET_EIP, svsmVmsaPage, type VmmType, vmsaPage } from "./vmsa.ts";

export type RegionType = "normal" | "vmsa" | "zero" | "unmeasured" | "secrets" | "cpuid";

/** Guest memory of one kind. Without contents it is what the type says: zeros, or what the firmware writes. */
export interface Region {
  readonly type: RegionType;
  readonly gpa: bigint;
  readonly bytes: number;
  readonly contents?: Uint8Array;
  /** Permissions of VMPL1 to 3, as an RMP entry has them; default none. */
  readonly permissions?: readonly [number, number, number];
}

export type LaunchMode = "sev" | "seves" | "snp";

export interface LaunchOptions {
  readonly mode: LaunchMode;
  readonly firmware: FirmwareImage;
  /** Hashes of a kernel that QEMU starts itself, with kernel-hashes=on. */
  readonly kernel?: KernelHashes;
  readonly vcpus: number;
  /** CPUID Fn0000_0001 EAX of a vCPU. */
  readonly signature: number;
  /** SEV_FEATURES of an SNP guest; default 1, SNPActive. */
  readonly features?: bigint;
  readonly vmm?: VmmType;
  /** Coconut's SVSM below the firmware. SNP with QEMU only. */
  readonly svsm?: SvsmImage;
}

const PAGE = 0x1000;
/** Where KVM says that every VMSA is. arch/x86/kvm/svm/sev.c. */
export const VMSA_GPA = 0xfffffffff000n;
/** QEMU's q35 refuses more. hw/i386/pc_q35.c. */
export const MOST_VCPUS = 4096;

const region = (type: RegionType, gpa: number, contents: Uint8Array): Region => ({
  type,
  gpa: BigInt(gpa),
  bytes: contents.length,
  contents,
});

function sectionRegion(section: Section, options: LaunchOptions): Region {
  const at = { gpa: BigInt(section.gpa), bytes: section.bytes };
  const { kernel, firmware } = options;
  switch (section.type) {
    case "SEC_MEM":
      return { type: options.vmm === "GCE" ? "unmeasured" : "zero", ...at };
    case "SECRETS":
      return { type: "secrets", ...at };
    case "CPUID":
      return { type: "cpuid", ...at };
    case "SVSM_CAA":
      return { type: "zero", ...at };
    case "KERNEL_HASHES":
      if (kernel === undefined) return { type: "zero", ...at };
      return region("normal", section.gpa, hashPage(kernel, requireHashTable(firmware)));
  }
}

/** Sections in the order of their table; EC2 leaves the CPUID page for the end. */
function sectionRegions(sections: readonly Section[], options: LaunchOptions): Region[] {
  const regions = sections.map((section) => sectionRegion(section, options));
  if (options.vmm !== "EC2") return regions;
  const isCpuid = ({ type }: Region) => type === "cpuid";
  return [...regions.filter((one) => !isCpuid(one)), ...regions.filter(isCpuid)];
}

function vmsaRegions(options: LaunchOptions): Region[] {
  const { vcpus, firmware, signature, vmm = "QEMU", mode } = options;
  const features = mode === "snp" ? (options.features ?? 1n) : 0n;
  const restEip = requireResetEip(firmware);
  const page = (eip: number) => vmsaPage({ vmm, eip, signature, features });
  const [first, rest] = [page(RESET_EIP), page(restEip)];
  return Array.from({ length: vcpus }, (_, i) => vmsaRegion(i === 0 ? first : rest));
}

const vmsaRegion = (contents: Uint8Array): Region => ({
  type: "vmsa",
  gpa: VMSA_GPA,
  bytes: PAGE,
  contents,
});

function snpPlan(options: LaunchOptions): Region[] {
  const { firmware, kernel } = options;
  requirePages(firmware.bytes, "firmware");
  if (kernel !== undefined) requireHashSection(firmware);
  return [
    region("normal", firmware.gpa, firmware.bytes),
    ...sectionRegions(firmware.sections ?? [], options),
    ...vmsaRegions(options),
  ];
}

function svsmPlan(options: LaunchOptions, svsm: SvsmImage): Region[] {
  const { firmware, kernel, signature, vcpus, mode, vmm = "QEMU" } = options;
  if (mode !== "snp" || vmm !== "QEMU") {
    throw new Misuse(`SVSM: ${mode} with ${vmm}, expected snp with QEMU`);
  }
  if (kernel !== undefined) throw new Misuse("SVSM: kernel hashes go with no SVSM layout of QEMU");
  const { image, eip, sections } = requireSvsm(svsm);
  requirePages(firmware.bytes, "firmware");
  requirePages(image.bytes, "SVSM image");
  const vmsa = vmsaRegion(svsmVmsaPage(eip, signature));
  return [
    region("normal", firmware.gpa, firmware.bytes),
    region("normal", image.gpa, image.bytes),
    ...sectionRegions(sections, options),
    ...Array.from({ length: vcpus }, () => vmsa),
  ];
}

/** SEV and SEV-ES: firmware, the table of hashes where the firmware looks for it, and with ES the save areas. */
function legacyPlan(options: LaunchOptions): Region[] {
  const { firmware, kernel, mode } = options;
  const table = kernel && region("normal", requireHashTable(firmware), hashTable(kernel));
  return [
    region("normal", firmware.gpa, firmware.bytes),
    ...(table ? [table] : []),
    ...(mode === "seves" ? vmsaRegions(options) : []),
  ];
}

/** The plan. Throws Misuse for options that do not fit together, ImageRefused for an image that cannot do it. */
export function launchPlan(options: LaunchOptions): Region[] {
  const { vcpus, svsm, mode } = options;
  if (!Number.isInteger(vcpus) || vcpus < 1 || vcpus > MOST_VCPUS) {
    throw new Misuse(`vCPUs: ${vcpus}, expected 1 to ${MOST_VCPUS}`);
  }
  if (svsm !== undefined) return svsmPlan(options, svsm);
  return mode === "snp" ? snpPlan(options) : legacyPlan(options);
}

/** The plan cut at page boundaries, in the order in which LAUNCH_UPDATE takes it. Under SNP every piece is a page. */
export function* pagesOf(plan: readonly Region[]): Generator<Region> {
  for (const whole of plan) {
    for (let at = 0; at < whole.bytes; ) {
      const gpa = whole.gpa + BigInt(at);
      const bytes = Math.min(PAGE - Number(gpa % BigInt(PAGE)), whole.bytes - at);
      const contents = whole.contents?.subarray(at, at + bytes);
      yield { ...whole, gpa, bytes, ...(contents && { contents }) };
      at += bytes;
    }
  }
}
