// A libvirt domain: what it launches. libvirt's formatdomain, launchSecurity; and the field guide's own <confidential>.
import { Misuse } from "../../error.ts";
import {
  bytesOf,
  countOf,
  type GuestPart,
  type LaunchRequest,
  legacyGeneration,
  numberOf,
  UNMEASURED_KERNEL,
} from "./request.ts";
import { switchOf } from "./words.ts";

/** An element of XML as any parser can give it. */
export interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly XmlElement[];
  /** Text directly within, trimmed. */
  readonly text: string;
}

export const CONFIDENTIAL_NOTE =
  "<features><confidential> is not in libvirt's schema, which would drop it: libvirt has <launchSecurity type='sev-snp'>";

const child = (element: XmlElement | undefined, name: string): XmlElement | undefined =>
  element?.children.find((one) => one.name === name);
const textOf = (element: XmlElement | undefined, name: string): string | undefined =>
  child(element, name)?.text;

const UNITS: Readonly<Record<string, bigint>> = {
  b: 1n,
  bytes: 1n,
  KB: 1000n,
  k: 1n << 10n,
  KiB: 1n << 10n,
  MB: 1000n ** 2n,
  M: 1n << 20n,
  MiB: 1n << 20n,
  GB: 1000n ** 3n,
  G: 1n << 30n,
  GiB: 1n << 30n,
  T: 1n << 40n,
  TiB: 1n << 40n,
};

/** Memory in bytes; KiB is libvirt's unit when none is named. */
function memoryOf(domain: XmlElement): bigint | undefined {
  const memory = child(domain, "memory");
  if (memory === undefined) return undefined;
  const unit = memory.attributes["unit"] ?? "KiB";
  const bytes = UNITS[unit];
  if (bytes === undefined) throw new Misuse(`<memory unit='${unit}'>: unknown unit`);
  return numberOf("<memory>", memory.text) * bytes;
}

function placeOf(element: XmlElement) {
  const count = (name: string) => {
    const text = textOf(element, name);
    return text === undefined ? undefined : countOf(`<${name}>`, text);
  };
  return { cbitpos: count("cbitpos"), reducedPhysBits: count("reducedPhysBits") };
}

const yes = (element: XmlElement, name: string, otherwise: string) =>
  switchOf(`${element.name} ${name}`, element.attributes[name] ?? otherwise);

function snpSecurity(element: XmlElement): GuestPart {
  const bytes = (name: string, length: number) => {
    const text = textOf(element, name);
    return text === undefined ? undefined : bytesOf(`<${name}>`, text, length);
  };
  return {
    ...placeOf(element),
    generation: "sev-snp",
    kernelHashes: yes(element, "kernelHashes", "no"),
    policy: numberOf("<policy>", textOf(element, "policy") ?? "0x30000"),
    features: 1n,
    idBlock: bytes("idBlock", 96),
    idAuth: bytes("idAuth", 4096),
    authorKey: yes(element, "authorKey", "no"),
    vcekDisabled: !yes(element, "vcek", "yes"),
    hostData: bytes("hostData", 32),
    workarounds: bytes("guestVisibleWorkarounds", 16),
    dhCert: undefined,
    session: undefined,
  };
}

function sevSecurity(element: XmlElement): GuestPart {
  const text = textOf(element, "policy");
  if (text === undefined) throw new Misuse("<launchSecurity type='sev'>: expected <policy>");
  const policy = numberOf("<policy>", text);
  return {
    ...placeOf(element),
    generation: legacyGeneration(policy),
    kernelHashes: yes(element, "kernelHashes", "no"),
    policy,
    features: 0n,
    idBlock: undefined,
    idAuth: undefined,
    authorKey: false,
    vcekDisabled: false,
    hostData: undefined,
    workarounds: undefined,
    dhCert: textOf(element, "dhCert"),
    session: textOf(element, "session"),
  };
}

const children: Readonly<Record<string, readonly string[]>> = {
  "sev-snp": [
    "policy",
    "cbitpos",
    "reducedPhysBits",
    "guestVisibleWorkarounds",
    "idBlock",
    "idAuth",
    "hostData",
  ],
  sev: ["policy", "cbitpos", "reducedPhysBits", "dhCert", "session"],
  confidential: ["type", "policy", "cbitpos", "reducedPhysBits"],
};

function requireKnown(element: XmlElement, kind: string): void {
  for (const { name } of element.children) {
    const known = children[kind] as readonly string[];
    if (known.includes(name)) continue;
    throw new Misuse(`<${element.name}>: unknown <${name}>, expected ${known.join(", ")}`);
  }
}

function securityOf(domain: XmlElement, notes: string[]): GuestPart {
  const element = child(domain, "launchSecurity");
  const guide = child(child(domain, "features"), "confidential");
  if (element && guide) throw new Misuse("<launchSecurity> and <confidential>: expected one");
  if (guide) notes.push(CONFIDENTIAL_NOTE);
  const found = element ?? guide;
  if (found === undefined)
    throw new Misuse("<domain>: no <launchSecurity>: not a confidential guest");
  const type = guide ? textOf(guide, "type") : element?.attributes["type"];
  if (type !== "sev" && type !== "sev-snp") {
    const seen = type === undefined ? "no type" : `type "${type}"`;
    throw new Misuse(`<${found.name}>: ${seen}, expected sev or sev-snp`);
  }
  requireKnown(found, guide ? "confidential" : type);
  return type === "sev" ? sevSecurity(found) : snpSecurity(found);
}

function firmwareOf(os: XmlElement | undefined): string | undefined {
  const loader = child(os, "loader")?.text;
  if (loader) return loader;
  if (os?.attributes["firmware"] === undefined) return undefined;
  throw new Misuse(
    "<os firmware='efi'>: libvirt would choose an image of its own, expected <loader> with a path",
  );
}

/** The model of a custom CPU; undefined for host-model and host-passthrough. */
function vcpuTypeOf(domain: XmlElement): string | undefined {
  const cpu = child(domain, "cpu");
  const mode = cpu?.attributes["mode"] ?? (child(cpu, "model") ? "custom" : "host-model");
  if (mode === "host-model" || mode === "host-passthrough" || mode === "maximum") return undefined;
  if (mode !== "custom") throw new Misuse(`<cpu mode='${mode}'>: unknown mode`);
  return textOf(cpu, "model");
}

const read = ["name", "uuid", "memory", "currentMemory", "vcpu", "os", "features", "cpu"];
const silent = [
  "title",
  "description",
  "metadata",
  "clock",
  "on_poweroff",
  "on_reboot",
  "on_crash",
];

/** What a domain launches. Throws Misuse for one that libvirt would refuse or that is no SEV guest. */
export function readLibvirt(domain: XmlElement): LaunchRequest {
  if (domain.name !== "domain") throw new Misuse(`<${domain.name}>, expected <domain>`);
  const notes: string[] = [];
  const security = securityOf(domain, notes);
  const os = child(domain, "os");
  const kernel = textOf(os, "kernel");
  if (kernel !== undefined && !security.kernelHashes) notes.push(UNMEASURED_KERNEL);
  if (child(os, "nvram")) notes.push("not loaded: firmware variables (<nvram>)");
  const known = [...read, ...silent, "launchSecurity"];
  for (const element of domain.children) {
    const parts = element.children.map(({ name }) => name).filter((name) => name !== "emulator");
    if (known.includes(element.name) || (element.name === "devices" && parts.length === 0))
      continue;
    const inside = [...new Set(parts)].join(", ");
    notes.push(`not emulated: <${element.name}>${inside && ` (${inside})`}`);
  }
  return {
    ...security,
    vcpus: countOf("<vcpu>", textOf(domain, "vcpu") ?? "1"),
    vcpuType: vcpuTypeOf(domain),
    memory: memoryOf(domain),
    firmware: firmwareOf(os),
    igvm: undefined,
    kernel,
    initrd: textOf(os, "initrd"),
    append: textOf(os, "cmdline"),
    notes,
  };
}
