// The MSRs that a guest has in its own state, where nobody intercepts them. APM vol. 2, appendix A; spec digest cpuid-msr.md 3.
import * as Msr from "../abi/msr.ts";
import * as Segment from "../abi/segment.ts";
import * as Feature from "../abi/sev-features.ts";
import * as Vmsa from "../abi/vmsa.ts";
import * as World from "../abi/world.ts";
import type { CpuPort } from "../port.ts";
import type { Registers } from "./registers.ts";

/** Where the state has a 64-bit MSR. */
const HELD: Readonly<Record<number, number>> = {
  [Msr.STAR]: Vmsa.STAR,
  [Msr.LSTAR]: Vmsa.LSTAR,
  [Msr.CSTAR]: Vmsa.CSTAR,
  [Msr.SFMASK]: Vmsa.SFMASK,
  [Msr.FS_BASE]: Vmsa.FS + Segment.BASE,
  [Msr.GS_BASE]: Vmsa.GS + Segment.BASE,
  [Msr.KERNEL_GS_BASE]: Vmsa.KERNEL_GS_BASE,
  [Msr.SYSENTER_CS]: Vmsa.SYSENTER_CS,
  [Msr.SYSENTER_ESP]: Vmsa.SYSENTER_ESP,
  [Msr.SYSENTER_EIP]: Vmsa.SYSENTER_EIP,
  [Msr.PAT]: Vmsa.G_PAT,
  [Msr.XSS]: Vmsa.XSS,
};

const SVME = 1n << BigInt(Vmsa.EFER_SVME_BIT);
const ES = 2n;
const SECURE_TSC = 1n << BigInt(Feature.SECURE_TSC_BIT + Feature.STATUS_FEATURES_LSB);

/** The value, or undefined for #GP. */
export function readMsr(
  cpu: CpuPort,
  registers: Registers,
  msr: number,
  tscMhz: number,
): bigint | undefined {
  const held = HELD[msr];
  if (held !== undefined) return cpu.words[held / 8];
  if (msr === Msr.EFER) return registers.efer;
  if (msr === Msr.TSC) return cpu.tsc();
  if (msr === Msr.TSC_AUX) return BigInt(cpu.file.getUint32(Vmsa.TSC_AUX, true));
  const status = cpu.sevStatus();
  if (msr === Msr.SEV_STATUS && status !== 0n) return status;
  if (msr === Msr.SEV_ES_GHCB && status & ES) return cpu.world.getBigUint64(World.GHCB, true);
  // APM vol. 2, 15.36.18.
  if (msr === Msr.GUEST_TSC_FREQ && status & SECURE_TSC) return BigInt(tscMhz);
  return undefined;
}

/** False for #GP. */
export function writeMsr(cpu: CpuPort, registers: Registers, msr: number, value: bigint): boolean {
  const held = HELD[msr];
  if (held !== undefined) {
    cpu.words[held / 8] = value;
    return true;
  }
  const es = (cpu.sevStatus() & ES) !== 0n;
  if (msr === Msr.EFER) {
    // The state of a guest with encrypted registers keeps SVME set, whatever it writes. APM vol. 2, 15.35.11.
    registers.efer = es ? value | SVME : value;
    return true;
  }
  if (msr === Msr.TSC_AUX) {
    cpu.file.setUint32(Vmsa.TSC_AUX, Number(value & 0xffffffffn), true);
    return true;
  }
  if (msr !== Msr.SEV_ES_GHCB || !es) return false;
  cpu.world.setBigUint64(World.GHCB, value, true);
  return true;
}
