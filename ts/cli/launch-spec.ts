// A launch as a value: from options or a state directory, to the machine that it describes.
import { base64, hex, unbase64, unhex } from "../attest/bytes.ts";
import { type ChipName, chipNames } from "../chip/chip.ts";
import { BadInput, Misuse } from "../error.ts";
import { parseIgvm } from "../launch/image/igvm.ts";
import type { KernelHashes } from "../launch/image/kernel-hashes.ts";
import { parseOvmf, requireSnp } from "../launch/image/ovmf.ts";
import { launchPlan, type Region } from "../launch/plan.ts";
import { type VmmType, vmmTypes } from "../launch/vmsa.ts";
import type { MachineSpec } from "../machine.ts";

export const launchGenerations = ["sev", "sev-es", "sev-snp", "sev-tio"] as const;
export type LaunchGeneration = (typeof launchGenerations)[number];
export const dialectNames = ["abi", "field-guide"] as const;

export interface Launch {
  readonly chip: ChipName;
  readonly generation: LaunchGeneration;
  readonly seed: bigint;
  readonly dialect: (typeof dialectNames)[number];
  readonly image: Uint8Array;
  readonly imageKind: "ovmf" | "igvm";
  readonly kernel?: KernelHashes | undefined;
  readonly vcpus: number;
  /** CPUID Fn0000_0001 EAX of a vCPU. */
  readonly signature: number;
  readonly features: bigint;
  readonly vmm: VmmType;
  readonly policy: bigint;
  /** Bytes of guest memory. */
  readonly memory: bigint;
  readonly hostData?: Uint8Array | undefined;
  readonly idBlock?: Uint8Array | undefined;
  readonly idAuth?: Uint8Array | undefined;
  readonly authorKey: boolean;
  readonly vcekDisabled: boolean;
  readonly workarounds?: Uint8Array | undefined;
}

export const isSnp = (generation: LaunchGeneration): boolean =>
  generation === "sev-snp" || generation === "sev-tio";

const modes = { sev: "sev", "sev-es": "seves", "sev-snp": "snp", "sev-tio": "snp" } as const;

/** What the launch loads. Throws ImageRefused for an image that the guest cannot start from. */
export function planOf(launch: Launch): readonly Region[] {
  if (launch.imageKind === "igvm") {
    if (isSnp(launch.generation)) return parseIgvm(launch.image).plan;
    throw new Misuse(`IGVM with ${launch.generation}: expected sev-snp or sev-tio`);
  }
  const firmware = parseOvmf(launch.image);
  if (isSnp(launch.generation)) requireSnp(firmware);
  const { vcpus, signature, features, vmm, kernel, generation } = launch;
  const mode = modes[generation];
  return launchPlan({ mode, firmware, vcpus, signature, features, vmm, ...(kernel && { kernel }) });
}

/** The machine that the launch describes. */
export function specOf(launch: Launch): MachineSpec {
  const { chip, generation, seed, dialect, policy, memory, idBlock, idAuth, authorKey } = launch;
  return {
    chip,
    generation,
    seed,
    dialect,
    guest: {
      plan: planOf(launch),
      policy,
      memory,
      hostData: launch.hostData,
      id: idBlock && idAuth && { block: idBlock, auth: idAuth, authorKey },
      vcekDisable: launch.vcekDisabled,
      gosvw: launch.workarounds,
    },
  };
}

type Json = Record<string, unknown>;
const word = (value: bigint | number) => `0x${value.toString(16)}`;

/** As state.json has it; the image lies beside it under a name. */
export function launchToJson(launch: Launch, image: string): Json {
  const { kernel, hostData, idBlock, idAuth, workarounds } = launch;
  return {
    chip: launch.chip,
    generation: launch.generation,
    seed: String(launch.seed),
    dialect: launch.dialect,
    image,
    imageKind: launch.imageKind,
    kernel: kernel && {
      kernel: hex(kernel.kernel),
      initrd: hex(kernel.initrd),
      cmdline: hex(kernel.cmdline),
    },
    vcpus: launch.vcpus,
    signature: word(launch.signature),
    features: word(launch.features),
    vmm: launch.vmm,
    policy: word(launch.policy),
    memory: String(launch.memory),
    hostData: hostData && hex(hostData),
    idBlock: idBlock && base64(idBlock),
    idAuth: idAuth && base64(idAuth),
    authorKey: launch.authorKey,
    vcekDisabled: launch.vcekDisabled,
    workarounds: workarounds && hex(workarounds),
  };
}

const wrong = (key: string, value: unknown, expected: string) =>
  new BadInput(`${key}: ${JSON.stringify(value)}, expected ${expected}`);

/** Readers of one JSON object's keys, each of which refuses what it does not expect. */
function fieldsOf(json: Json) {
  const text = (key: string): string => {
    const value = json[key];
    if (typeof value !== "string") throw wrong(key, value, "a string");
    return value;
  };
  return {
    text,
    choice: <Word extends string>(key: string, words: readonly Word[]): Word => {
      const value = text(key) as Word;
      if (!words.includes(value)) throw wrong(key, value, words.join(", "));
      return value;
    },
    number: (key: string): bigint => {
      const value = text(key);
      if (!/^(0x[0-9a-f]+|[0-9]+)$/.test(value)) throw wrong(key, value, "a number in a string");
      return BigInt(value);
    },
    flag: (key: string): boolean => {
      if (typeof json[key] !== "boolean") throw wrong(key, json[key], "true or false");
      return json[key] as boolean;
    },
    bytes: (key: string, read: (text: string) => Uint8Array | undefined, length: number) => {
      if (json[key] === undefined) return undefined;
      const value = read(text(key));
      if (value?.length !== length) throw wrong(key, json[key], `${length} bytes`);
      return value;
    },
  };
}

function kernelOf(json: Json): KernelHashes | undefined {
  const value = json["kernel"];
  if (value === undefined) return undefined;
  if (typeof value !== "object" || value === null) throw wrong("kernel", value, "three hashes");
  const { bytes } = fieldsOf(value as Json);
  const hash = (key: string) => {
    const found = bytes(key, unhex, 32);
    if (found === undefined) throw wrong(`kernel.${key}`, undefined, "32 bytes");
    return found;
  };
  return { kernel: hash("kernel"), initrd: hash("initrd"), cmdline: hash("cmdline") };
}

/** The launch that state.json describes. Throws BadInput that names the key. */
export function launchFromJson(json: Json, readImage: (name: string) => Uint8Array): Launch {
  const { text, choice, number, flag, bytes } = fieldsOf(json);
  const name = text("image");
  if (!/^[0-9a-f]{32}\.image$/.test(name)) throw wrong("image", name, "a file's name by its hash");
  const vcpus = json["vcpus"];
  if (typeof vcpus !== "number") throw wrong("vcpus", vcpus, "a number");
  return {
    chip: choice("chip", chipNames),
    generation: choice("generation", launchGenerations),
    seed: number("seed"),
    dialect: choice("dialect", dialectNames),
    image: readImage(name),
    imageKind: choice("imageKind", ["ovmf", "igvm"] as const),
    kernel: kernelOf(json),
    vcpus,
    signature: Number(number("signature")),
    features: number("features"),
    vmm: choice("vmm", vmmTypes),
    policy: number("policy"),
    memory: number("memory"),
    hostData: bytes("hostData", unhex, 32),
    idBlock: bytes("idBlock", unbase64, 96),
    idAuth: bytes("idAuth", unbase64, 4096),
    authorKey: flag("authorKey"),
    vcekDisabled: flag("vcekDisabled"),
    workarounds: bytes("workarounds", unhex, 16),
  };
}
