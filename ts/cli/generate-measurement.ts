// cloister generate measurement: the launch digest that a guest must have, by snpguest's flags and sev-snp-measure's modes.
import type { Command } from "commander";
import { type BadInput, Misuse } from "../error.ts";
import { launchDigest, ovmfHash, snpDigest } from "../launch/digest.ts";
import { parseIgvm } from "../launch/image/igvm.ts";
import { type FirmwareImage, requireSnp } from "../launch/image/ovmf.ts";
import { parseSvsm, type SvsmImage } from "../launch/image/svsm.ts";
import { type LaunchOptions, MOST_VCPUS } from "../launch/plan.ts";
import { type VmmType, vmmTypeOf, vmmTypes } from "../launch/vmsa.ts";
import { integerOption, readBytes, wordOption, writeBytes } from "./attestation.ts";
import { generateCommand } from "./generate.ts";
import {
  digestOption,
  encoded,
  naming,
  ofFile,
  outputFormat,
  readFirmware,
  readKernel,
  signatureFrom,
  type VcpuFlags,
  vcpuFlags,
} from "./launch-inputs.ts";
import { oneOf } from "./option.ts";
import { print } from "./output.ts";

const modes = ["snp", "snp:ovmf-hash", "snp:svsm", "seves", "sev"] as const;

interface Flags extends VcpuFlags {
  mode: (typeof modes)[number];
  vcpus: string;
  vmmType: string;
  ovmf?: string;
  igvm?: string;
  ovmfHash?: string;
  kernel?: string;
  initrd?: string;
  append?: string;
  guestFeatures: string;
  svsm?: string;
  varsSize?: string;
  varsFile?: string;
  outputFormat: string;
  measurementFile?: string;
  quiet?: boolean;
}

function vmmOf(flags: Flags): VmmType {
  const vmm = vmmTypeOf(flags.vmmType);
  if (vmm !== undefined) return vmm;
  throw new Misuse(`--vmm-type: "${flags.vmmType}", expected one of ${vmmTypes.join(", ")}`);
}

function svsmOf(flags: Flags, firmware: FirmwareImage): SvsmImage | undefined {
  if (flags.mode !== "snp:svsm") return undefined;
  const { svsm, varsSize, varsFile } = flags;
  if (svsm === undefined) throw new Misuse("snp:svsm mode requires --svsm");
  if ((varsSize === undefined) === (varsFile === undefined)) {
    throw new Misuse("snp:svsm mode requires --vars-size or --vars-file");
  }
  const bytes = varsFile
    ? readBytes(varsFile).length
    : integerOption("--vars-size", varsSize ?? "", 2 ** 24);
  return ofFile(svsm, (all) => parseSvsm(all, firmware, bytes));
}

function signatureOf(flags: Flags, vmm: VmmType): number {
  const signature = signatureFrom(flags);
  if (signature !== undefined) return signature;
  if (flags.mode === "sev" || vmm !== "QEMU") return 0;
  throw new Misuse("missing --vcpu-type or --vcpu-sig or --vcpu-family");
}

/** An image that no SNP guest starts from is measured all the same, as sev-snp-measure does; but it is said. */
function warnOf(firmware: FirmwareImage, path: string): void {
  try {
    requireSnp(firmware);
  } catch (error) {
    process.stderr.write(`cloister: ${path}: ${(error as BadInput).message}\n`);
  }
}

/** Everything of a launch but the firmware's hash. */
function optionsOf(flags: Flags, firmware: FirmwareImage): LaunchOptions {
  const vmm = vmmOf(flags);
  const svsm = svsmOf(flags, firmware);
  const kernel = readKernel(flags);
  return {
    mode: flags.mode === "seves" || flags.mode === "sev" ? flags.mode : "snp",
    firmware,
    vcpus: integerOption("--vcpus", flags.vcpus, MOST_VCPUS),
    signature: signatureOf(flags, vmm),
    features: wordOption("--guest-features", flags.guestFeatures),
    vmm,
    ...(kernel && { kernel }),
    ...(svsm && { svsm }),
  };
}

function measure(flags: Flags): Uint8Array {
  const { igvm, ovmf, mode } = flags;
  if (igvm !== undefined) {
    if (ovmf !== undefined) throw new Misuse("expected --ovmf or --igvm, not both");
    return ofFile(igvm, (all) => snpDigest(parseIgvm(all).plan));
  }
  if (ovmf === undefined) throw new Misuse("expected --ovmf, the firmware's image");
  const firmware = readFirmware(ovmf);
  if (mode === "snp:ovmf-hash") return naming(ovmf, () => ovmfHash(firmware));
  if (mode === "snp") warnOf(firmware, ovmf);
  const options = optionsOf(flags, firmware);
  const hash = flags.ovmfHash ? digestOption("--ovmf-hash", flags.ovmfHash) : undefined;
  return naming(ovmf, () => launchDigest(options, hash));
}

async function act(flags: Flags): Promise<void> {
  const format = outputFormat(flags.outputFormat);
  const text = encoded(measure(flags), format);
  if (flags.measurementFile) writeBytes(flags.measurementFile, text);
  if (!flags.quiet) await print(text);
}

export function generateMeasurement(program: Command): void {
  const verb = generateCommand(program)
    .command("measurement")
    .description("the launch digest that a guest must have")
    .option("-v, --vcpus <n>", "how many vCPUs", "1");
  vcpuFlags(verb)
    .option("-t, --vmm-type <name>", vmmTypes.join(", "), "QEMU")
    .option("-o, --ovmf <file>", "the firmware's image")
    .option("--igvm <file>", "an IGVM file instead, for SNP")
    .option("--ovmf-hash <digest>", "digest after the image alone, as generate ovmf-hash prints it")
    .option("-k, --kernel <file>", "kernel that QEMU starts, measured through its hash")
    .option("-i, --initrd <file>", "its initrd")
    .option("-a, --append <text>", "its command line")
    .option("-g, --guest-features <word>", "SEV_FEATURES", "0x1")
    .option("--mode <name>", modes.join(", "), oneOf("--mode", modes), "snp")
    .option("--svsm <file>", "Coconut's SVSM image, for snp:svsm")
    .option("--vars-size <bytes>", "size of the firmware's variables, for snp:svsm")
    .option("--vars-file <file>", "the variables themselves, for their size")
    .option("-f, --output-format <name>", "hex or base64", "hex")
    .option("-m, --measurement-file <file>", "write it here as well")
    .option("-q, --quiet", "print nothing")
    .action(act);
}
