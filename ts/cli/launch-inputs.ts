// What `launch` and `generate` share: files of a launch, a vCPU's signature by any of its names, hexadecimal or base64.
import type { Command } from "commander";
import { base64, hex, unbase64, unhex } from "../attest/bytes.ts";
import { BadInput, Misuse } from "../error.ts";
import { type PrivateKey, parsePrivateKey } from "../launch/identity/private-key.ts";
import { hashKernel, type KernelHashes } from "../launch/image/kernel-hashes.ts";
import { type FirmwareImage, parseOvmf } from "../launch/image/ovmf.ts";
import { signatureOf, signatureOfType } from "../launch/vcpu-type.ts";
import { integerOption, readBytes } from "./attestation.ts";

/** Runs what may refuse a file's contents; the complaint gets the file's name in front. */
export function naming<T>(path: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (error instanceof BadInput) error.message = `${path}: ${error.message}`;
    throw error;
  }
}

/** Reads a file with a reader of bytes. */
export function ofFile<T>(path: string, read: (bytes: Uint8Array) => T): T {
  const bytes = readBytes(path);
  return naming(path, () => read(bytes));
}

export const readFirmware = (path: string): FirmwareImage => ofFile(path, (all) => parseOvmf(all));
export const readKey = (path: string): PrivateKey => ofFile(path, parsePrivateKey);

/** The hashes of a kernel and what goes with it. Throws Misuse for what goes with none. */
export function readKernel(files: {
  kernel?: string | undefined;
  initrd?: string | undefined;
  append?: string | undefined;
}): KernelHashes | undefined {
  const { kernel, initrd, append } = files;
  if (kernel === undefined) {
    if (initrd !== undefined) throw new Misuse("--kernel required when using --initrd");
    if (append !== undefined) throw new Misuse("--kernel required when using --append");
    return undefined;
  }
  return hashKernel(
    readBytes(kernel),
    initrd === undefined ? undefined : readBytes(initrd),
    append,
  );
}

export interface VcpuFlags {
  vcpuType?: string;
  vcpuSig?: string;
  vcpuFamily?: string;
  vcpuModel?: string;
  vcpuStepping?: string;
}

/** snpguest's flags for a vCPU. */
export function vcpuFlags(verb: Command): Command {
  return verb
    .option("--vcpu-type <name>", "QEMU's name of the CPU, like EPYC-v4 or EPYC-Milan")
    .option("--vcpu-sig <n>", "its signature, CPUID Fn0000_0001 EAX")
    .option("--vcpu-family <n>", "its family, with model and stepping")
    .option("--vcpu-model <n>", "its model")
    .option("--vcpu-stepping <n>", "its stepping");
}

/** The signature that the flags name, one way only; undefined when they name none. */
export function signatureFrom(flags: VcpuFlags): number | undefined {
  const { vcpuType, vcpuSig, vcpuFamily, vcpuModel, vcpuStepping } = flags;
  const numbers = [vcpuFamily, vcpuModel, vcpuStepping];
  const ways = [vcpuType, vcpuSig, vcpuFamily ?? vcpuModel ?? vcpuStepping];
  if (ways.filter((way) => way !== undefined).length > 1) {
    throw new Misuse("expected one of --vcpu-type, --vcpu-sig, or --vcpu-family with its kin");
  }
  if (vcpuType !== undefined) return signatureOfType(vcpuType);
  if (vcpuSig !== undefined) return integerOption("--vcpu-sig", vcpuSig, 0xffffffff);
  if (numbers.every((one) => one === undefined)) return undefined;
  if (numbers.some((one) => one === undefined)) {
    throw new Misuse("expected --vcpu-family, --vcpu-model and --vcpu-stepping together");
  }
  const [family, model, stepping] = [
    integerOption("--vcpu-family", vcpuFamily as string, 0x10e),
    integerOption("--vcpu-model", vcpuModel as string, 0xff),
    integerOption("--vcpu-stepping", vcpuStepping as string, 0xf),
  ];
  return signatureOf(family, model, stepping);
}

export type OutputFormat = "hex" | "base64";

export function outputFormat(text: string): OutputFormat {
  const format = text.toLowerCase();
  if (format === "hex" || format === "base64") return format;
  throw new Misuse(`--output-format: "${text}", expected hex or base64`);
}

export const encoded = (bytes: Uint8Array, format: OutputFormat): string =>
  format === "hex" ? hex(bytes) : base64(bytes);

/** A launch digest as any tool prints it: hexadecimal with or without 0x, or base64. */
export function digestOption(name: string, text: string): Uint8Array {
  const digits = text.replace(/^0x/, "");
  const value = unhex(digits) ?? (text.startsWith("0x") ? undefined : unbase64(text));
  if (value === undefined) throw new Misuse(`${name}: "${text}", expected hexadecimal or base64`);
  if (value.length !== 48) throw new Misuse(`${name}: ${value.length} bytes, expected 48`);
  return value;
}
