// sev-snp-measure (PyPI), and what Cloister says of the same images: digests by every mode, ID blocks by both key forms.
import { createPublicKey, verify } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { generateMeasurement } from "../../dist/cli/generate-measurement.js";
import { buildMachine } from "../../dist/index.js";
import {
  hashKernel,
  isSigned,
  launchPlan,
  parseOvmf,
  type Region,
  signatureOfType,
  vmmTypes,
} from "../../dist/launch/index.js";
import * as Auth from "../../ts/abi/id-auth.ts";
import {
  AMDSEV,
  amdSevCases,
  argumentsOf,
  bootFiles,
  type Case,
  debianCases,
  OVMF,
  OVMF_CODE,
  svsmCases,
} from "./measure-cases.ts";
import { CACHE, must, run } from "./tools.ts";

const VERSION = "0.0.13";
const OVMF_CODE_4M = "/usr/share/OVMF/OVMF_CODE_4M.fd";

/** sev-snp-measure in a virtual environment of its own. Answers the folder of its programs. */
export function fetchMeasure(): string {
  const venv = join(CACHE, "venv");
  const bin = join(venv, "bin");
  if (!existsSync(join(bin, "sev-snp-measure"))) {
    must("python3", ["-m", "venv", venv]);
    must(join(bin, "pip"), ["install", "--quiet", `sev-snp-measure==${VERSION}`]);
  }
  return bin;
}

/** Debian's firmware images; installed where we may. */
export function requireOvmf(): void {
  if (existsSync(OVMF) && existsSync(OVMF_CODE)) return;
  if (process.getuid?.() === 0) {
    must("apt-get", ["update", "-qq"]);
    must("apt-get", ["install", "-y", "-qq", "--no-install-recommends", "ovmf"]);
  }
  if (!existsSync(OVMF)) throw new Error(`${OVMF}: not found, expected Debian's package ovmf`);
}

/** Runs sev-snp-measure's own command line once for each line of JSON, without a new process each. */
const DRIVER = `
import json, sys
from sevsnpmeasure import cli
for line in sys.stdin:
    sys.argv = ["sev-snp-measure"] + json.loads(line)
    if cli.main() != 0:
        sys.exit(f"{line}: refused")
`;

/** What sev-snp-measure says of each guest. */
export function measured(bin: string, cases: readonly Case[]): string[] {
  const lines = cases.map((one) => `${JSON.stringify(argumentsOf(one))}\n`);
  return must(join(bin, "python"), ["-c", DRIVER], lines.join("")).trim().split("\n");
}

/** What `cloister generate measurement` says, in this process. */
async function ours(one: Case): Promise<string> {
  const file = join(CACHE, "measurement");
  const program = new Command().exitOverride();
  generateMeasurement(program);
  const typed = ["generate", "measurement", "-q", "-m", file, ...argumentsOf(one)];
  await program.parseAsync(typed, { from: "user" });
  return readFileSync(file, "utf8");
}

async function compare(bin: string, cases: readonly Case[]): Promise<void> {
  const theirs = measured(bin, cases);
  for (const [i, one] of cases.entries()) {
    const own = await ours(one);
    if (own === theirs[i]) continue;
    throw new Error(`${argumentsOf(one).join(" ")}: ${own}, sev-snp-measure: ${theirs[i]}`);
  }
}

const chips = ["milan", "genoa", "turin"] as const;
const modes = { sev: "sev", seves: "sev-es", snp: "sev-snp", "snp:ovmf-hash": "sev-snp" } as const;

/** The plan of a guest; the firmware's pages alone for the OVMF hash. */
function planOf(one: Case & { mode: keyof typeof modes }): Region[] {
  const read = (path: string) => new Uint8Array(readFileSync(path));
  const firmware = parseOvmf(read(one.ovmf));
  const [kernel, initrd, append] = one.boot ?? [];
  const plan = launchPlan({
    mode: one.mode === "snp:ovmf-hash" ? "snp" : one.mode,
    firmware,
    vcpus: one.vcpus ?? 1,
    signature: signatureOfType(one.type ?? "EPYC-v4"),
    features: BigInt(one.features ?? 1),
    vmm: vmmTypes.find((type) => type.toLowerCase() === one.vmm) ?? "QEMU",
    ...(kernel && { kernel: hashKernel(read(kernel), initrd ? read(initrd) : undefined, append) }),
  });
  return one.mode === "snp:ovmf-hash" ? plan.slice(0, 1) : plan;
}

/** What the firmware measured of a guest that was launched through the mailbox. */
function launched(one: Case, i: number): string {
  const mode = one.mode as keyof typeof modes;
  const generation = modes[mode];
  const policy = { sev: 1n, "sev-es": 5n, "sev-snp": 0x30000n }[generation];
  const guest = { plan: planOf({ ...one, mode }), policy, memory: 2n << 30n };
  const chip = chips[i % chips.length] as (typeof chips)[number];
  const machine = buildMachine({ chip, generation, seed: 1n, dialect: "abi", guest });
  return Buffer.from(machine.measurement).toString("hex");
}

/** Launches every guest through the mailbox; the firmware must have measured what sev-snp-measure says. */
export function compareLaunches(bin: string): string {
  requireOvmf();
  const cases = [...debianCases(), ...(existsSync(AMDSEV) ? amdSevCases() : [])];
  const theirs = measured(bin, cases);
  for (const [i, one] of cases.entries()) {
    const own = launched(one, i);
    if (own === theirs[i]) continue;
    throw new Error(`${argumentsOf(one).join(" ")}: ${own}, sev-snp-measure: ${theirs[i]}`);
  }
  return `${cases.length} guests launched through the mailbox on ${chips.join(", ")}, each measured alike`;
}

/** Both refuse, and the sentence of theirs is in ours. */
function compareRefusal(bin: string, one: Case): void {
  const theirs = run(join(bin, "sev-snp-measure"), argumentsOf(one));
  const typed = ["dist/cli/main.js", "generate", "measurement", ...argumentsOf(one)];
  const ours = run(process.execPath, typed);
  const says = theirs.err.trim().replace(/^Error: /, "");
  if (theirs.code !== 1 || ours.code !== 2 || !ours.err.includes(says)) {
    throw new Error(
      `${one.ovmf}: ${ours.code} ${ours.err}, sev-snp-measure: ${theirs.code} ${says}`,
    );
  }
}

export async function compareMeasurements(bin: string): Promise<string> {
  requireOvmf();
  const debian = debianCases();
  await compare(bin, debian);
  const svsm = svsmCases();
  await compare(bin, svsm);
  const [kernel] = bootFiles();
  const boot = [kernel] as const;
  const refused: Case[] = [
    { mode: "snp", ovmf: OVMF, vcpus: 1, type: "EPYC-v4", boot },
    { mode: "snp", ovmf: OVMF_CODE_4M, vcpus: 1, type: "EPYC-v4", boot },
    { mode: "sev", ovmf: OVMF, boot },
    { mode: "seves", ovmf: OVMF_CODE, vcpus: 1, type: "EPYC-v4", boot },
  ];
  for (const one of refused) compareRefusal(bin, one);
  const amdSev = existsSync(AMDSEV) ? amdSevCases() : [];
  await compare(bin, amdSev);
  const with4m: Case = { mode: "snp", ovmf: OVMF_CODE_4M, vcpus: 4, type: "EPYC-v4" };
  await compare(bin, [with4m]);
  return `${debian.length} guests of Debian's images, ${amdSev.length} of the AmdSev image with a kernel, ${svsm.length} with SVSM alike; ${refused.length} refused alike`;
}

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");
const part = (auth: Uint8Array, at: number, bytes: number) => auth.subarray(at, at + bytes);

/** Signature structures to what node:crypto takes: r and s big-endian. */
function ieee(signature: Uint8Array): Buffer {
  const number = (at: number) => Buffer.from(signature.slice(at, at + 48)).reverse();
  return Buffer.concat([number(0), number(72)]);
}

/** Blocks and digests byte for byte; each side's signatures by somebody else. */
export function compareIdBlocks(bin: string): string {
  const dir = join(CACHE, "keys");
  mkdirSync(dir, { recursive: true });
  const digest = base64(Buffer.alloc(48, 0x5a));
  const forms: [string, string[]][] = [
    ["SEC1", ["ecparam", "-name", "secp384r1", "-genkey", "-noout"]],
    ["PKCS #8", ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"]],
  ];
  for (const [form, args] of forms) {
    const keys = ["id", "author"].map((name) => {
      const path = join(dir, `${form.replace(/\W/g, "")}-${name}.pem`);
      writeFileSync(path, must("openssl", args));
      return path;
    }) as [string, string];
    const theirs = must(join(bin, "snp-create-id-block"), [
      "--measurement",
      digest,
      "--idkey",
      keys[0],
      "--authorkey",
      keys[1],
    ]);
    const field = (pattern: RegExp) => pattern.exec(theirs)?.[1] ?? "";
    const cli = (...rest: string[]) =>
      must(process.execPath, ["dist/cli/main.js", "generate", ...rest]);
    const [, block, , auth] = cli("id-block", ...keys, digest).split("\n");
    if (block !== field(/id-block=([^,]+),/)) throw new Error(`${form}: other ID block`);
    const [own, their] = [auth ?? "", field(/id-auth=(\S+)/)].map((text) =>
      Buffer.from(text, "base64"),
    );
    const blanked = [own, their].map((bytes) => {
      const copy = Buffer.from(bytes as Buffer);
      for (const at of [Auth.ID_BLOCK_SIG, Auth.ID_KEY_SIG]) copy.fill(0, at, at + 512);
      return copy.toString("base64");
    });
    if (blanked[0] !== blanked[1]) throw new Error(`${form}: other ID auth`);
    checkSignatures(Buffer.from(block ?? "", "base64"), own as Buffer, their as Buffer, keys);
    const digests = keys.map((key) => Buffer.from(cli("key-digest", key).trim(), "hex"));
    const named = [field(/id_key_hash: (\S+)/), field(/author_key: (\S+)/)];
    if (digests.some((one, i) => base64(one) !== named[i]))
      throw new Error(`${form}: other digest`);
  }
  return `${forms.length} forms of key: blocks, digests and structures alike; their signatures hold here, ours in node:crypto`;
}

function checkSignatures(block: Buffer, own: Buffer, their: Buffer, keys: [string, string]): void {
  const key = part(their, Auth.ID_KEY, 1028);
  const author = part(their, Auth.AUTHOR_KEY, 1028);
  const theirsHold =
    isSigned(block, part(their, Auth.ID_BLOCK_SIG, 512), key) &&
    isSigned(key, part(their, Auth.ID_KEY_SIG, 512), author);
  if (!theirsHold) throw new Error("their signature does not hold here");
  const holds = (bytes: Uint8Array, at: number, path: string) =>
    verify(
      "sha384",
      bytes,
      { key: createPublicKey(readFileSync(path)), dsaEncoding: "ieee-p1363" },
      ieee(part(own, at, 512)),
    );
  if (!holds(block, Auth.ID_BLOCK_SIG, keys[0]) || !holds(key, Auth.ID_KEY_SIG, keys[1])) {
    throw new Error("our signature does not hold in node:crypto");
  }
}
