// A report as people read it: snpguest's `display report` (sev crate 8.0.0), and JSON.
import { hex } from "./bytes.ts";
import { decodePolicy } from "./policy.ts";
import type { Firmware, Report } from "./report.ts";
import type { Tcb } from "./tcb.ts";

function lines(bytes: Uint8Array): string {
  let text = "";
  bytes.forEach((byte, i) => {
    text += i % 16 === 0 ? "\n" : " ";
    text += byte.toString(16).padStart(2, "0").toUpperCase();
  });
  return text;
}

const tcbText = (tcb: Tcb) => `TCB Version:
  Microcode:   ${tcb.microcode}
  SNP:         ${tcb.snp}
  TEE:         ${tcb.tee}
  Boot Loader: ${tcb.bootloader}
  FMC:         ${tcb.fmc ?? "None"}`;

function policyText(word: bigint): string {
  const policy = decodePolicy(word);
  // "AEX" and "RAPL Allowed" are the sev crate's own words for MEM_AES_256_XTS and RAPL_DIS.
  return `Guest Policy (0x${word.toString(16)}):
  ABI Major:     ${policy.abiMajor}
  ABI Minor:     ${policy.abiMinor}
  SMT Allowed:   ${policy.smt}
  Migrate MA:    ${policy.migrateMa}
  Debug Allowed: ${policy.debug}
  Single Socket: ${policy.singleSocket}
  CXL Allowed:   ${policy.cxlAllow}
  AEX 256 XTS:   ${policy.memAes256Xts}
  RAPL Allowed:  ${policy.raplDis}
  Ciphertext hiding: ${policy.ciphertextHidingDram}
  Page Swap Disable: ${policy.pageSwapDisable}`;
}

function platformText(word: bigint): string {
  const bit = (position: number) => ((word >> BigInt(position)) & 1n) === 1n;
  return `Platform Info (${word}):
  SMT Enabled:               ${bit(0)}
  TSME Enabled:              ${bit(1)}
  ECC Enabled:               ${bit(2)}
  RAPL Disabled:             ${bit(3)}
  Ciphertext Hiding Enabled: ${bit(4)}
  Alias Check Complete:      ${bit(5)}
  SEV-TIO Enabled:           ${bit(7)}`;
}

const keyText = (report: Report) => `Key Information:
    author key enabled: ${report.authorKeyEn}
    mask chip key:      ${report.maskChipKey}
    signing key:        ${report.signingKey.toLowerCase()}`;

const versionText = ({ major, minor, build }: Firmware) => `${major}.${minor}.${build}`;

/** The text `snpguest display report` prints for the same report. */
export function displayReport(report: Report): string {
  const blocks = [
    "Attestation Report:",
    `Version:                      ${report.version}`,
    `Guest SVN:                    ${report.guestSvn}`,
    policyText(report.policy),
    `Family ID:${lines(report.familyId)}`,
    `Image ID:${lines(report.imageId)}`,
    `VMPL:                         ${report.vmpl}`,
    `Signature Algorithm:          ${report.signatureAlgo}`,
    `Current TCB:\n\n${tcbText(report.currentTcb)}`,
    platformText(report.platformInfo),
    keyText(report),
    `Report Data:${lines(report.reportData)}`,
    `Measurement:${lines(report.measurement)}`,
    `Host Data:${lines(report.hostData)}`,
    `ID Key Digest:${lines(report.idKeyDigest)}`,
    `Author Key Digest:${lines(report.authorKeyDigest)}`,
    `Report ID:${lines(report.reportId)}`,
    `Report ID Migration Agent:${lines(report.reportIdMa)}`,
    `Reported TCB:\n\n${tcbText(report.reportedTcb)}`,
    `CPUID Family ID:              ${report.cpuid?.family ?? "None"}`,
    `CPUID Model ID:               ${report.cpuid?.model ?? "None"}`,
    `CPUID Stepping:               ${report.cpuid?.stepping ?? "None"}`,
    `Chip ID:${lines(report.chipId)}`,
    `Committed TCB:\n\n${tcbText(report.committedTcb)}`,
    `Current Version:              ${versionText(report.current)}`,
    `Committed Version:            ${versionText(report.committed)}`,
    `Launch TCB:\n\n${tcbText(report.launchTcb)}`,
    `Launch Mitigation Vector:     ${report.launchMitVector ?? "None"}`,
    `Current Mitigation Vector:    ${report.currentMitVector ?? "None"}`,
    `Signature:\n  R:${lines(report.signatureR)}\n  S:${lines(report.signatureS)}`,
  ];
  return blocks.join("\n\n");
}

/** Every field by name: bytes in hexadecimal, 64-bit words as "0x" strings, TCBs by component. */
export function reportJson(report: Report): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(report).map(([name, value]) => {
      if (value instanceof Uint8Array) return [name, hex(value)];
      if (typeof value === "bigint") return [name, `0x${value.toString(16)}`];
      return [name, value];
    }),
  );
}
