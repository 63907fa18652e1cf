// cloister evidence: reports and certificates, right or wrong, for testing a verifier.
import { join } from "node:path";
import type { Command } from "commander";
import type { Identity } from "../attest/evidence/identity.ts";
import type { ReportOptions } from "../attest/evidence/report.ts";
import { parseTcb } from "../attest/tcb.ts";
import { Misuse } from "../error.ts";
import {
  hexOption,
  integerOption,
  productNamed,
  sayEmulated,
  wordOption,
  writeBytes,
} from "./attestation.ts";

interface Options {
  all?: boolean;
  list?: boolean;
  out?: string;
  fault?: string;
  seed: string;
  product: string;
  reportVersion: string;
  signer: string;
  reportData?: string;
  measurement?: string;
  hostData?: string;
  policy?: string;
  vmpl?: string;
  at?: string;
  tcb?: string;
}

function atOf(options: Options): number {
  const at = options.at === undefined ? Date.now() : Date.parse(options.at);
  if (Number.isNaN(at)) throw new Misuse(`--at: "${options.at}", expected a date, ISO 8601`);
  // X.509 has no milliseconds.
  return at - (at % 1000);
}

function contentsOf(options: Options): ReportOptions {
  const signer = options.signer.toUpperCase();
  if (signer !== "VCEK" && signer !== "VLEK") {
    throw new Misuse(`--signer: "${options.signer}", expected vcek or vlek`);
  }
  const version = integerOption("--report-version", options.reportVersion, 5);
  if (version < 2) throw new Misuse(`--report-version: ${version}, expected 2 to 5`);
  const { reportData, measurement, hostData, policy, vmpl } = options;
  return {
    signingKey: signer,
    version,
    ...(reportData && { reportData: hexOption("--report-data", reportData, 64) }),
    ...(measurement && { measurement: hexOption("--measurement", measurement, 48) }),
    ...(hostData && { hostData: hexOption("--host-data", hostData, 32) }),
    ...(policy && { policy: wordOption("--policy", policy) }),
    ...(vmpl && { vmpl: integerOption("--vmpl", vmpl, 3) }),
  };
}

// Loaded when needed: the certificate library would slow the start of every verb.
const factory = () => import("../attest/evidence/index.ts");

async function oneFile(options: Options, identity: Identity): Promise<Uint8Array> {
  const { extended, faults, goodParts, makeFault } = await factory();
  if (options.fault === undefined) return extended(goodParts(identity, contentsOf(options)));
  const fault = faults.find(({ name }) => name === options.fault);
  if (fault === undefined) {
    throw new Misuse(`--fault: "${options.fault}", expected one of \`cloister evidence --list\``);
  }
  return makeFault(fault, identity);
}

async function writeAll(options: Options, out: string): Promise<void> {
  const { evidenceDirectory } = await factory();
  let files = 0;
  for await (const { name, bytes } of evidenceDirectory(options.seed, atOf(options))) {
    writeBytes(join(out, name), bytes);
    files++;
  }
  process.stdout.write(`${files} files in ${out}, described by ${join(out, "manifest.json")}\n`);
}

async function run(options: Options): Promise<void> {
  const { faults, makeIdentity } = await factory();
  if (options.list) {
    for (const { name, code, why } of faults) {
      process.stdout.write(`${name.padEnd(24)} ${code.padEnd(26)} ${why}\n`);
    }
    return;
  }
  const { out } = options;
  if (out === undefined) throw new Misuse("--out: expected a file, or a folder with --all");
  if (options.all) await writeAll(options, out);
  else {
    const product = productNamed(options.product);
    const { seed, tcb: word } = options;
    const tcb = word === undefined ? {} : { tcb: parseTcb(wordOption("--tcb", word), product) };
    const identity = await makeIdentity({ seed, product, at: atOf(options), ...tcb });
    writeBytes(out, await oneFile(options, identity));
  }
  sayEmulated(out);
}

export function evidence(program: Command): void {
  program
    .command("evidence")
    .description("make a report and its certificates in one file, right or wrong")
    .option("--out <path>", "file to write, or folder with --all")
    .option("--all", "every product, version, signer and fault, and manifest.json")
    .option("--list", "print the faults: name, code, why")
    .option("--fault <name>", "make it wrong in this way")
    .option("--seed <text>", "equal seeds make equal reports", "cloister")
    .option("--product <name>", "Milan, Genoa or Turin", "Milan")
    .option("--tcb <word>", "the platform's TCB, as the 64-bit word a report holds")
    .option("--report-version <n>", "2 to 5", "3")
    .option("--signer <kind>", "vcek or vlek", "vcek")
    .option("--report-data <hex>", "64 bytes")
    .option("--measurement <hex>", "48 bytes")
    .option("--host-data <hex>", "32 bytes")
    .option("--policy <word>", "guest policy", "0x30000")
    .option("--vmpl <n>", "0 to 3")
    .option("--at <date>", "certificates are valid from the day before; default now")
    .action(run);
}
