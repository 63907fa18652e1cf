// The field guide's minima for a host, and which of them a host misses. Versions are the user's word: nothing is probed.
import { BadInput } from "../error.ts";

/** A host as its owner describes it. What is left out is not checked. */
export interface Host {
  /** The part: "EPYC 9004", "Genoa", "genoa". */
  readonly part?: string;
  readonly microcode?: string;
  /** SEV firmware, MAJOR.MINOR. */
  readonly firmware?: string;
  readonly kernel?: string;
  readonly qemu?: string;
  readonly libvirt?: string;
  /** edk2's release: "2024.05" or "edk2-stable202405". */
  readonly ovmf?: string;
}

/** A minimum that a host misses. */
export interface Miss {
  readonly what: string;
  readonly seen: string;
  readonly needed: string;
  readonly why: string;
}

type HostKey = keyof Host;
const keys: readonly HostKey[] = [
  "part",
  "microcode",
  "firmware",
  "kernel",
  "qemu",
  "libvirt",
  "ovmf",
];

type Part = "naples" | "rome" | "milan" | "genoa" | "turin";
const parts: readonly [Part, RegExp][] = [
  ["naples", /naples|\b7001\b|\b7[0-9]{2}1/i],
  ["rome", /rome|\b7002\b|\b7[0-9a-z]{2}2/i],
  ["milan", /milan|\b7003\b|\b7[0-9a-z]{2}3/i],
  ["genoa", /genoa|bergamo|siena|\b[89]004\b|\b[89][0-9a-z]{2}4/i],
  ["turin", /turin|\b9005\b|\b9[0-9a-z]{2}5/i],
];

interface Minimum {
  readonly key: HostKey;
  readonly needed: string;
  readonly why: string;
  /** Which parts; default all. */
  readonly on?: readonly Part[];
  /** For which generation only; default all of SEV-SNP and later. */
  readonly tio?: boolean;
}

// The field guide, "Version Requirements"; the firmware's is Linux's own (spec digest cpuid-msr.md).
const minima: readonly Minimum[] = [
  { key: "kernel", needed: "6.11", why: "field guide" },
  { key: "kernel", needed: "6.19", why: "field guide, SEV-TIO phase 1", tio: true },
  { key: "qemu", needed: "8.2", why: "field guide" },
  { key: "qemu", needed: "9.0", why: "field guide, Turin", on: ["turin"] },
  { key: "libvirt", needed: "9.0", why: "field guide" },
  { key: "libvirt", needed: "11.0", why: "field guide, Turin", on: ["turin"] },
  { key: "ovmf", needed: "2024.05", why: "field guide, the AmdSev build" },
  { key: "microcode", needed: "1.61.02", why: "field guide, Genoa", on: ["genoa"] },
  { key: "microcode", needed: "1.07.02", why: "field guide, Turin", on: ["turin"] },
  { key: "firmware", needed: "1.51", why: "Linux, for SEV-SNP" },
];

/** The numbers of a version, in order: "6.11.0-21-generic" is 6, 11, 0; "edk2-stable202405" is 2024, 5. */
function numbersOf(key: HostKey, text: string): number[] {
  const edk2 = key === "ovmf" ? /(?:stable)?(20[0-9]{2})\.?(0[1-9]|1[0-2])/.exec(text) : null;
  const found = edk2 ? edk2.slice(1) : /[0-9]+(?:\.[0-9]+)+/.exec(text)?.[0].split(".");
  if (found === undefined)
    throw new BadInput(`host ${key}: "${text}", expected a version like 6.11`);
  return found.map(Number);
}

function isBelow(seen: readonly number[], needed: readonly number[]): boolean {
  for (const [i, least] of needed.entries()) {
    const have = seen[i] ?? 0;
    if (have !== least) return have < least;
  }
  return false;
}

/** The part that a name means; a description of two is none. */
export function partOf(text: string): Part {
  const found = parts.filter(([, pattern]) => pattern.test(text));
  const [first] = found;
  if (first === undefined || found.length > 1) {
    const names = parts.map(([name]) => name).join(", ");
    throw new BadInput(`host part: "${text}", expected one of ${names} or its series`);
  }
  return first[0];
}

/** Checks a host read from JSON: its keys, that the part is one, that versions are versions. Throws BadInput that names the key. */
export function requireHost(value: unknown): Host {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new BadInput("host: expected a JSON object");
  }
  for (const [key, text] of Object.entries(value)) {
    if (!keys.includes(key as HostKey)) {
      throw new BadInput(`host: unknown key "${key}", expected ${keys.join(", ")}`);
    }
    if (typeof text !== "string") throw new BadInput(`host ${key}: expected a string`);
    if (key === "part") partOf(text);
    else numbersOf(key as HostKey, text);
  }
  return value as Host;
}

/** What the host misses, a minimum each; the higher of two for the same thing. */
export function missesOf(host: Host, generation: "sev-snp" | "sev-tio" = "sev-snp"): Miss[] {
  const part = host.part === undefined ? undefined : partOf(host.part);
  const tio = generation === "sev-tio";
  const misses = new Map<string, Miss>();
  if (part === "naples" || part === "rome") {
    const why = "SEV-SNP came with Milan";
    misses.set("part", { what: "part", seen: host.part as string, needed: "Milan", why });
  }
  if (tio && part !== undefined && part !== "turin") {
    const why = "field guide, SEV-TIO";
    misses.set("part", { what: "part", seen: host.part as string, needed: "Turin", why });
  }
  for (const { key, needed, why, on, tio: only } of minima) {
    const seen = host[key];
    if (seen === undefined || (on && !(part && on.includes(part))) || (only && !tio)) continue;
    if (isBelow(numbersOf(key, seen), numbersOf(key, needed))) {
      misses.set(key, { what: key, seen, needed, why });
    }
  }
  return [...misses.values()];
}

/** One line a miss. */
export const missLine = ({ what, seen, needed, why }: Miss): string =>
  `${what}: seen ${seen}, needed ${needed} or newer (${why})`;
