// CPU models by name, as QEMU's -cpu takes them, and the signature that RDX holds at reset. QEMU target/i386/cpu.c; AMD 25481.
import { Misuse } from "../error.ts";

/** CPUID Fn0000_0001 EAX of a family, model and stepping; each as a whole number. */
export function signatureOf(family: number, model: number, stepping: number): number {
  const limits: [string, number, number][] = [
    ["family", family, 0xf + 0xff],
    ["model", model, 0xff],
    ["stepping", stepping, 0xf],
  ];
  for (const [name, value, most] of limits) {
    if (!Number.isInteger(value) || value < 0 || value > most) {
      throw new Misuse(`vCPU ${name}: ${value}, expected 0 to ${most}`);
    }
  }
  const base = Math.min(family, 0xf);
  const extended = family - base;
  return extended * 2 ** 20 + ((model >> 4) << 16) + (base << 8) + ((model & 0xf) << 4) + stepping;
}

const EPYC = signatureOf(0x17, 0x01, 2);
const ROME = signatureOf(0x17, 0x31, 0);
const MILAN = signatureOf(0x19, 0x01, 1);
const GENOA = signatureOf(0x19, 0x11, 0);
const TURIN = signatureOf(0x1a, 0x00, 0);

export const vcpuTypes: Readonly<Record<string, number>> = {
  EPYC: EPYC,
  "EPYC-v1": EPYC,
  "EPYC-v2": EPYC,
  "EPYC-v3": EPYC,
  "EPYC-v4": EPYC,
  "EPYC-IBPB": EPYC,
  "EPYC-Rome": ROME,
  "EPYC-Rome-v1": ROME,
  "EPYC-Rome-v2": ROME,
  "EPYC-Rome-v3": ROME,
  "EPYC-Milan": MILAN,
  "EPYC-Milan-v1": MILAN,
  "EPYC-Milan-v2": MILAN,
  "EPYC-Genoa": GENOA,
  "EPYC-Genoa-v1": GENOA,
  "EPYC-Turin": TURIN,
};

/** The signature of a model, whatever the case of its letters. */
export function signatureOfType(name: string): number {
  const known = Object.keys(vcpuTypes).find((type) => type.toLowerCase() === name.toLowerCase());
  if (known !== undefined) return vcpuTypes[known] as number;
  throw new Misuse(`vCPU type: "${name}", expected one of ${Object.keys(vcpuTypes).join(", ")}`);
}
