// cloister launch: a guest through the whole of a launch, and the state directory that other verbs go on from.
import type { Command } from "commander";
import { hex } from "../attest/bytes.ts";
import { presets, requirePolicyForm } from "../attest/policy.ts";
import { type ChipName, chipNames } from "../chip/chip.ts";
import { chips } from "../chip/index.ts";
import { BadInput, Misuse } from "../error.ts";
import { CommandRefused } from "../hypervisor/mailbox.ts";
import { type Host, missesOf, missLine, requireHost } from "../launch/host.ts";
import { MOST_VCPUS } from "../launch/plan.ts";
import { readLibvirt } from "../launch/reader/libvirt.ts";
import { readQemu } from "../launch/reader/qemu.ts";
import type { LaunchRequest } from "../launch/reader/request.ts";
import { signatureOfType } from "../launch/vcpu-type.ts";
import { buildMachine, type Machine } from "../machine.ts";
import type { CommandRecord } from "../psp/log.ts";
import { integerOption, readBytes, reading, sayEmulated, wordOption } from "./attestation.ts";
import { naming, readKernel, signatureFrom, type VcpuFlags, vcpuFlags } from "./launch-inputs.ts";
import {
  dialectNames,
  isSnp,
  type Launch,
  type LaunchGeneration,
  launchGenerations,
  specOf,
} from "./launch-spec.ts";
import { oneOf, size, whole } from "./option.ts";
import { print } from "./output.ts";
import { DEFAULT_DIRECTORY, writeState } from "./state.ts";
import { parseXml } from "./xml.ts";

interface Flags extends VcpuFlags {
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
function requestOf({ qemu, libvirt }: Flags): LaunchRequest | undefined {
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
  flags: Flags,
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

function signatureOf(flags: Flags, request: LaunchRequest | undefined): number {
  const given = signatureFrom(flags);
  if (given !== undefined) return given;
  if (request === undefined) return signatureOfType(DEFAULT_TYPE);
  if (request.vcpuType === undefined) return chips[flags.chip].signature;
  return signatureOfType(request.vcpuType);
}

/** Options stand over what the command line or domain says. */
function imageOf(
  flags: Flags,
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

function launchOf(flags: Flags): { launch: Launch; path: string } {
  const request = requestOf(flags);
  for (const line of request?.notes ?? []) note(line);
  if (request) requirePlace(request, flags.chip);
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

/** The host of a file, and a line on stderr for each minimum that it misses. */
export function readHost(path: string | undefined, generation: LaunchGeneration): Host | undefined {
  if (path === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(readBytes(path)));
  } catch (error) {
    if (error instanceof BadInput) throw error;
    throw new BadInput(`${path}: ${(error as Error).message}`);
  }
  const host = naming(path, () => requireHost(value));
  const misses = naming(path, () =>
    missesOf(host, generation === "sev-tio" ? "sev-tio" : "sev-snp"),
  );
  for (const miss of misses) process.stderr.write(`cloister: ${path}: ${missLine(miss)}\n`);
  if (misses.length > 0) throw new BadInput(`${path}: ${misses.length} minima missed`);
  return host;
}

/** A refusal by the firmware is the input's fault: a policy, an ID block. */
function built(launch: Launch, path: string, records: CommandRecord[]): Machine {
  try {
    const spec = naming(path, () => specOf(launch));
    return buildMachine(spec, { onCommand: (record) => records.push(record) });
  } catch (error) {
    if (error instanceof CommandRefused)
      throw new BadInput(`the firmware refused ${error.message}`);
    throw error;
  }
}

async function act(flags: Flags): Promise<void> {
  const { launch, path } = launchOf(flags);
  const { chip, generation, policy } = launch;
  const host = readHost(flags.host, generation);
  const records: CommandRecord[] = [];
  const machine = built(launch, path, records);
  const measurement = hex(machine.measurement);
  const { pages } = machine;
  writeState(flags.state, { launch, measurement, pages, host }, records);
  sayEmulated(`launch of ${chip}`);
  const shown = { measurement, policy: `0x${policy.toString(16)}`, chip, generation, pages };
  if (flags.json) return print(JSON.stringify(shown, null, 2));
  const rows = Object.entries({ ...shown, state: flags.state });
  await print(rows.map(([name, value]) => `${name.padEnd(12)} ${value}`).join("\n"));
}

export function launch(program: Command): void {
  const verb = program
    .command("launch")
    .description("launch a guest through the secure processor, and print what it measured")
    .option("-o, --ovmf <file>", "the firmware's image")
    .option("--igvm <file>", "an IGVM file instead")
    .option("-k, --kernel <file>", "kernel that QEMU starts, measured through its hash")
    .option("-i, --initrd <file>", "its initrd")
    .option("-a, --append <text>", "its command line")
    .option("-v, --vcpus <n>", "how many vCPUs; default 1");
  vcpuFlags(verb)
    .option("-p, --policy <word>", `guest policy, or ${Object.keys(presets).join(", ")}`)
    .option("-m, --memory <size>", "of the guest; default 2GiB", size("--memory"))
    .option("--chip <name>", chipNames.join(", "), oneOf("--chip", chipNames), "turin")
    .option(
      "--generation <name>",
      launchGenerations.join(", "),
      oneOf("--generation", launchGenerations),
    )
    .option("--seed <n>", "everything random follows from it", whole("--seed", 0), 1)
    .option("--dialect <name>", dialectNames.join(" or "), oneOf("--dialect", dialectNames), "abi")
    .option("--qemu <command line>", "launch what QEMU would; the options above stand over it")
    .option("--libvirt <file>", "launch what libvirt would, from a domain's XML")
    .option(
      "--host <file>",
      "JSON {part, microcode, firmware, kernel, qemu, libvirt, ovmf} to check against minima",
    )
    .option("--state <dir>", "where the launch is left for other verbs", DEFAULT_DIRECTORY)
    .option("--json", "{measurement, policy, chip, generation, pages}")
    .action(act);
}
