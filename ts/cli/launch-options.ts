// The options of `cloister launch`, and what a command line or domain adds to them, to one launch.
import { presets, requirePolicyForm } from "../attest/policy.ts";
import { type ChipName, chipNames } from "../chip/chip.ts";
import { chips } from "../chip/index.ts";
import { BadInput, Misuse } from "../error.ts";
import { MOST_VCPUS } from "../launch/plan.ts";
import { readLibvirt } from "../launch/reader/libvirt.ts";
import { readQemu } from "../launch/reader/qemu.ts";
import type { LaunchRequest } from "../launch/reader/request.ts";
import { signatureOfType } from "../launch/vcpu-type.ts";
import { integerOption, readBytes, reading, wordOption } from "./attestation.ts";
import { readKernel, signatureFrom, type VcpuFlags } from "./launch-inputs.ts";
import { isSnp, type Launch, type LaunchGeneration } from "./launch-spec.ts";
import { parseXml } from "./xml.ts";

export interface LaunchFlags extends VcpuFlags {
  ovmf?: string;
  igvm?: string;
  kernel?: string;
  initrd?: string;
  append?: string;
  vcpus?: string;
  policy?: string;
  memory?: number;
  chip: ChipName;
  generation?: LaunchGeneration;
  seed: number;
  dialect: Launch["dialect"];
  qemu?: string;
  libvirt?: string;
  host?: string;
  state: string;
  json?: boolean;
}

const DEFAULT_MEMORY = 2n << 30n;
const DEFAULT_TYPE = "EPYC-v4";
/** The field guide's own choice among its presets. */
const GUIDE_POLICY = 0x00030001n;
const ABI_POLICY = 0x00030000n;
const SEV_POLICY = { sev: 0x1n, "sev-es": 0x5n } as const;

const note = (text: string) => process.stderr.write(`cloister: note: ${text}\n`);

/** What a command line or domain asks for; undefined when the options alone do. */
function requestOf({ qemu, libvirt }: LaunchFlags): LaunchRequest | undefined {
  if (qemu !== undefined && libvirt !== undefined) {
    throw new Misuse("expected --qemu or --libvirt, not both");
  }
  if (qemu !== undefined) return readQemu(qemu);
  if (libvirt === undefined) return undefined;
  return readLibvirt(parseXml(libvirt, new TextDecoder().decode(readBytes(libvirt))));
}

function requirePlace(request: LaunchRequest, chip: ChipName): void {
  const { cBit } = chips[chip];
  if (request.cbitpos === undefined || request.cbitpos === cBit) return;
  const others = chipNames.filter((name) => chips[name].cBit === request.cbitpos);
  throw new BadInput(
    `cbitpos: ${request.cbitpos}, ${chip} has its C-bit at ${cBit}; expected --chip ${others.join(" or ") || "of another kind"}`,
  );
}

function policyOf(
  text: string | undefined,
  request: LaunchRequest | undefined,
  flags: LaunchFlags,
  generation: LaunchGeneration,
): bigint {
  const { dialect } = flags;
  if (generation === "sev" || generation === "sev-es") {
    return text === undefined
      ? (request?.policy ?? SEV_POLICY[generation])
      : wordOption("--policy", text);
  }
  const given =
    text === undefined ? request?.policy : (presets[text]?.word ?? wordOption("--policy", text));
  const policy = given ?? (dialect === "abi" ? ABI_POLICY : GUIDE_POLICY);
  // The firmware would refuse it too; here it is said which bit.
  if (dialect === "abi") reading("policy", () => requirePolicyForm(policy));
  return policy;
}

function signatureOf(flags: LaunchFlags, request: LaunchRequest | undefined): number {
  const given = signatureFrom(flags);
  if (given !== undefined) return given;
  if (request === undefined) return signatureOfType(DEFAULT_TYPE);
  if (request.vcpuType === undefined) return chips[flags.chip].signature;
  return signatureOfType(request.vcpuType);
}

/** Options stand over what the command line or domain says. */
function imageOf(
  flags: LaunchFlags,
  request: LaunchRequest | undefined,
): { path: string; kind: Launch["imageKind"] } {
  const { ovmf, igvm } = flags;
  if (ovmf !== undefined && igvm !== undefined)
    throw new Misuse("expected --ovmf or --igvm, not both");
  if (igvm !== undefined) return { path: igvm, kind: "igvm" };
  if (ovmf !== undefined) return { path: ovmf, kind: "ovmf" };
  if (request?.igvm !== undefined) return { path: request.igvm, kind: "igvm" };
  if (request?.firmware !== undefined) return { path: request.firmware, kind: "ovmf" };
  throw new Misuse("expected --ovmf, the firmware's image");
}

/** The launch that the options, command line or domain ask for, and the image's file. Notes go to stderr. */
export function launchOf(flags: LaunchFlags): { launch: Launch; path: string } {
  const request = requestOf(flags);
  for (const line of request?.notes ?? []) note(line);
  if (request) requirePlace(request, flags.chip);
  if (request?.session) note("not emulated: the owner's session (dh-cert-file, session-file)");
  const generation = flags.generation ?? request?.generation ?? "sev-snp";
  const measured = request === undefined || request.kernelHashes ? request : undefined;
  const { path, kind } = imageOf(flags, request);
  const vcpus =
    flags.vcpus === undefined ? undefined : integerOption("--vcpus", flags.vcpus, MOST_VCPUS);
  if (request?.idBlock && !request.idAuth) throw new Misuse("id-block: expected id-auth with it");
  const launch: Launch = {
    chip: flags.chip,
    generation,
    seed: BigInt(flags.seed),
    dialect: flags.dialect,
    image: readBytes(path),
    imageKind: kind,
    kernel: readKernel({ ...measured, ...flags }),
    vcpus: vcpus ?? request?.vcpus ?? 1,
    signature: signatureOf(flags, request),
    features: request?.features ?? (isSnp(generation) ? 1n : 0n),
    vmm: "QEMU",
    policy: policyOf(flags.policy, request, flags, generation),
    memory: flags.memory === undefined ? (request?.memory ?? DEFAULT_MEMORY) : BigInt(flags.memory),
    hostData: request?.hostData,
    idBlock: request?.idBlock,
    idAuth: request?.idAuth,
    authorKey: request?.authorKey ?? false,
    vcekDisabled: request?.vcekDisabled ?? false,
    workarounds: request?.workarounds,
  };
  return { launch, path };
}
