// cloister session: a launch session of a guest's owner, as sevctl makes it and as the guide types it. SEV API (AMD 55766), 2.2.
import { join } from "node:path";
import type { Command } from "commander";
import * as Certificate from "../abi/psp/sev-certificate.ts";
import * as Policy from "../abi/psp/sev-policy.ts";
import { base64 } from "../attest/bytes.ts";
import { presets } from "../attest/policy.ts";
import type { ChipName } from "../chip/chip.ts";
import { BadInput, Misuse } from "../error.ts";
import { readBytes, sayEmulated, wordOption, writeBytes } from "./attestation.ts";
import { hostPrng } from "./host.ts";
import { chip, whole } from "./option.ts";
import { print } from "./output.ts";

interface Options {
  name: string;
  policy?: string;
  seed: number;
  chip: ChipName;
}

/** 16 bytes each, a certificate of 2,084 and session data of 128. */
export interface Made {
  readonly tek: Uint8Array;
  readonly tik: Uint8Array;
  readonly godh: Uint8Array;
  readonly session: Uint8Array;
}

const POLICY_WIDTH = 32n;

/** LAUNCH_START's policy has 32 bits; the guide's names are words like any other. */
function policyOf(text: string): number {
  const word = presets[text]?.word ?? wordOption("policy", text);
  if (word >> POLICY_WIDTH) throw new Misuse(`policy: "${text}", expected a 32-bit number`);
  return Number(word);
}

/** The emulated platform's own PDH: the same for the same seed and chip. */
async function platformPdh({ seed, chip }: Options): Promise<Uint8Array> {
  const { createPlatform } = await import("../platform.ts");
  const { exportPdh } = await import("../hypervisor/pdh.ts");
  const { hypervisor } = createPlatform({
    chip,
    seed: BigInt(seed),
    generation: chip === "naples" ? "sev" : "sev-es",
    resident: 64 << 20,
  });
  sayEmulated(`PDH of ${chip}, seed ${seed}`);
  return exportPdh(hypervisor).subarray(0, Certificate.SIZE);
}

/** A PDH from a file: the certificate, with others behind it or not. */
function pdhIn(path: string): Uint8Array {
  const bytes = readBytes(path);
  if (bytes.length >= Certificate.SIZE) return bytes.subarray(0, Certificate.SIZE);
  throw new BadInput(`${path}: ${bytes.length} bytes, expected a PDH of ${Certificate.SIZE}`);
}

/** The owner's half: transport keys, the certificate of its Diffie-Hellman key, and the session that only this PDH opens. */
export async function sessionFor(pdh: Uint8Array, policy: number, where: string): Promise<Made> {
  const { pointOf, makeCertificate, isCertificate } = await import("../psp/sev-certificate.ts");
  const { makeSession } = await import("../psp/session.ts");
  const { p384 } = await import("@noble/curves/nist.js");
  const certificate = pdh.subarray(0, Certificate.SIZE);
  const point = isCertificate(certificate, Certificate.PDH) ? pointOf(certificate) : undefined;
  if (!point) throw new BadInput(`${where}: no PDH certificate of P-384`);
  const owner = p384.utils.randomSecretKey(hostPrng.bytes(72));
  const keys = { tek: hostPrng.bytes(16), tik: hostPrng.bytes(16) };
  const version = {
    major: pdh[Certificate.API_MAJOR] ?? 0,
    minor: pdh[Certificate.API_MINOR] ?? 0,
    build: 0,
  };
  const godh = makeCertificate(Certificate.PDH, owner, version);
  return { ...keys, godh, session: makeSession(owner, point, keys, policy, hostPrng) };
}

/** The upper half of the word is the lowest API version: the guide's words ask for one that no firmware has. */
function sayVersion(policy: number, pdh: Uint8Array): void {
  const major = (policy >>> Policy.API_MAJOR_LSB) & 0xff;
  const minor = (policy >>> Policy.API_MINOR_LSB) & 0xff;
  const [has, hasMinor] = [pdh[Certificate.API_MAJOR] ?? 0, pdh[Certificate.API_MINOR] ?? 0];
  if (major < has || (major === has && minor <= hasMinor)) return;
  const asked = `policy asks for SEV API ${major}.${minor}, the platform has ${has}.${hasMinor}`;
  process.stderr.write(`cloister: ${asked}: LAUNCH_START will refuse it\n`);
}

async function run(path: string | undefined, word: string | undefined, options: Options) {
  const text = word ?? options.policy;
  if (text === undefined) throw new Misuse("policy: expected --policy WORD, or PDH and POLICY");
  if (word !== undefined && options.policy !== undefined)
    throw new Misuse("policy: given twice, expected POLICY or --policy");
  const policy = policyOf(text);
  const pdh = path === undefined ? await platformPdh(options) : pdhIn(path);
  const made = await sessionFor(pdh, policy, path ?? "platform");
  sayVersion(policy, pdh);
  const { name } = options;
  if (path !== undefined) {
    // As sevctl: keys as they are, what travels in base64.
    writeBytes(join(".", `${name}_tik.bin`), made.tik);
    writeBytes(join(".", `${name}_tek.bin`), made.tek);
    writeBytes(join(".", `${name}_godh.b64`), base64(made.godh));
    writeBytes(join(".", `${name}_session.b64`), base64(made.session));
    return;
  }
  const [tik, tek, godh, session] = [made.tik, made.tek, made.godh, made.session].map(base64);
  const shown = `0x${policy.toString(16).padStart(8, "0")}`;
  await print(JSON.stringify({ name, policy: shown, tik, tek, godh, session }, null, 2));
}

export function session(program: Command): void {
  program
    .command("session")
    .description("make a launch session: sevctl's four files, or the field guide's JSON")
    .argument(
      "[pdh]",
      "the platform's PDH, as PDH_CERT_EXPORT gives it: writes NAME_*.bin, NAME_*.b64",
    )
    .argument("[policy]", "32 bits; or --policy")
    .option("-n, --name <name>", "of the VM", "vm")
    .option("--policy <word>", `a number, or ${Object.keys(presets).join(", ")}`)
    .option("--seed <n>", "without a PDH: the emulated platform", whole("--seed", 0), 1)
    .option("--chip <name>", "without a PDH: its part", chip, "turin")
    .action(run);
}
