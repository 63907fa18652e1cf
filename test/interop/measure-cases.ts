// Guests that sev-snp-measure and Cloister are both asked about.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { imageOf, SVSM_INFO, words } from "../launch/image.ts";
import { CACHE } from "./tools.ts";

export const OVMF = "/usr/share/ovmf/OVMF.fd";
export const OVMF_CODE = "/usr/share/OVMF/OVMF_CODE.fd";
export const AMDSEV = "../shared/vectors/ovmf_AmdSev_suffix.bin";

/** A guest, in the options of either tool. */
export interface Case {
  mode: "snp" | "seves" | "sev" | "snp:ovmf-hash" | "snp:svsm";
  ovmf: string;
  vcpus?: number;
  type?: string;
  features?: string;
  vmm?: string;
  /** Kernel, initrd, command line. */
  boot?: readonly [string, (string | undefined)?, string?];
  svsm?: string;
}

const types = ["EPYC-v4", "EPYC-Milan", "EPYC-Genoa"];
const counts = [1, 4, 64];

/** The images without a kernel: every mode, vCPU count and type that the mode looks at. */
export function debianCases(): Case[] {
  const cases: Case[] = [];
  for (const ovmf of [OVMF, OVMF_CODE]) {
    cases.push({ mode: "sev", ovmf }, { mode: "snp:ovmf-hash", ovmf });
    for (const mode of ["snp", "seves"] as const) {
      for (const vcpus of counts) for (const type of types) cases.push({ mode, ovmf, vcpus, type });
    }
  }
  return cases;
}

/** Files that stand for a kernel and an initrd. */
export function bootFiles(): readonly [string, string] {
  const dir = join(CACHE, "boot");
  mkdirSync(dir, { recursive: true });
  const [kernel, initrd] = [join(dir, "vmlinuz"), join(dir, "initrd")];
  writeFileSync(kernel, "a kernel".repeat(9999));
  writeFileSync(initrd, "an initrd");
  return [kernel, initrd];
}

/** The AmdSev image with kernel, initrd and command line. */
export function amdSevCases(): Case[] {
  const [kernel, initrd] = bootFiles();
  const boots = [
    [kernel],
    [kernel, initrd],
    [kernel, initrd, "console=ttyS0 ro"],
    [kernel, undefined, "ro"],
  ] as const;
  const cases: Case[] = [];
  for (const boot of boots) {
    for (const type of types) {
      cases.push({ mode: "snp", ovmf: AMDSEV, vcpus: 4, type, boot, features: "0x21" });
      cases.push({ mode: "seves", ovmf: AMDSEV, vcpus: 2, type, boot });
    }
    cases.push({ mode: "sev", ovmf: AMDSEV, boot });
    for (const vmm of ["ec2", "gce"]) {
      cases.push({ mode: "snp", ovmf: AMDSEV, vcpus: 2, type: "EPYC-v4", vmm, boot });
    }
  }
  return cases;
}

export function svsmCases(): Case[] {
  const svsm = join(CACHE, "svsm.bin");
  const sections = [
    [0, 0x9000, 1],
    [0x9000, 0x1000, 2],
    [0xa000, 0x1000, 3],
  ] as const;
  writeFileSync(
    svsm,
    imageOf({
      entries: [[SVSM_INFO, words(0x10)]],
      sections: [...sections].map((row) => [...row]),
    }),
  );
  return counts.map((vcpus) => ({ mode: "snp:svsm", ovmf: OVMF, vcpus, type: "EPYC-v4", svsm }));
}

/** Options that both tools spell alike. */
export function argumentsOf(one: Case): string[] {
  const { mode, ovmf, vcpus, type, features, vmm, boot, svsm } = one;
  const [kernel, initrd, append] = boot ?? [];
  const given: [string, string | undefined][] = [
    ["--mode", mode],
    ["--ovmf", ovmf],
    ["--vcpus", vcpus?.toString()],
    ["--vcpu-type", type],
    ["--guest-features", features],
    ["--vmm-type", vmm],
    ["--kernel", kernel],
    ["--initrd", initrd],
    ["--append", append],
    ["--svsm", svsm],
    ["--vars-size", svsm && "16384"],
  ];
  return given.flatMap(([flag, value]) => (value === undefined ? [] : [flag, value]));
}
