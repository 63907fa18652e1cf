// cloister verify: `verify FILE` as the field guide types it, `verify certs|attestation` as snpguest has them.
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Command } from "commander";
import * as Layout from "../abi/report.ts";
import { verifyChain } from "../attest/chain.ts";
import { type Check, type Result, resultOf } from "../attest/code.ts";
import { type Evidence, evidenceOfExtended, evidenceOfFiles } from "../attest/evidence.ts";
import { verifyGuide } from "../attest/guide/verify.ts";
import type { Report } from "../attest/report.ts";
import { parseTcb } from "../attest/tcb.ts";
import { type Policy, validate } from "../attest/validate.ts";
import { type Verification, verify as verifyEvidence } from "../attest/verify.ts";
import { BadInput, Misuse } from "../error.ts";
import {
  checkLines,
  dialectOf,
  hexOption,
  integerOption,
  productNamed,
  readBytes,
  readFolder,
  reading,
  resultJson,
  wordOption,
} from "./attestation.ts";
import { chainOptions, guideArk, type TrustFlags, trustFlags } from "./trust.ts";

interface FileFlags extends TrustFlags {
  chain?: string;
  json?: boolean;
  measurement?: string;
  reportData?: string;
  hostData?: string;
  minimumTcb?: string;
  guestPolicy?: string;
  vmpl?: string;
  dialect: string;
}

/** The guide exports the chain beside the report: `cert-chain.cert` is found there. */
function chainBeside(file: string, { chain }: FileFlags): string | undefined {
  const beside = join(dirname(file), "cert-chain.cert");
  return chain ?? (existsSync(beside) ? beside : undefined);
}

function evidenceOf(file: string, flags: FileFlags): Evidence {
  const evidence = reading(file, () => evidenceOfExtended(readBytes(file)));
  const chain = chainBeside(file, flags);
  if (evidence.vek !== undefined || chain === undefined) return evidence;
  return reading(chain, () => evidenceOfFiles(evidence.report, [readBytes(chain)]));
}

function policyOf(flags: FileFlags, report: Report): Policy {
  const { measurement, reportData, hostData, minimumTcb, guestPolicy, vmpl } = flags;
  const tcb = (word: bigint) => parseTcb(word, report.product ?? "Milan");
  return {
    ...(measurement && { measurement: hexOption("--measurement", measurement, 48) }),
    ...(reportData && { reportData: hexOption("--report-data", reportData, 64) }),
    ...(hostData && { hostData: hexOption("--host-data", hostData, 32) }),
    ...(minimumTcb && { minimumTcb: tcb(wordOption("--minimum-tcb", minimumTcb)) }),
    ...(guestPolicy && { guestPolicy: wordOption("--guest-policy", guestPolicy) }),
    ...(vmpl && { vmpl: vmpl === "any" ? ("any" as const) : integerOption("--vmpl", vmpl, 3) }),
  };
}

function finish(result: Result & { emulated?: boolean }, json: boolean | undefined): void {
  process.stdout.write(json ? resultJson(result) : checkLines(result.checks));
  if (result.emulated)
    process.stderr.write("cloister: emulated: these certificates are not AMD's\n");
  if (!result.accepted) throw new BadInput(`refused [${result.code}]: ${result.says}`);
  if (!json) process.stdout.write("accepted\n");
}

/** The guide's own chain stands in a file of its own; its policy word is the reader's to judge. */
async function verifyAsGuided(file: string, flags: FileFlags): Promise<Verification> {
  const chain = chainBeside(file, flags);
  if (chain === undefined) {
    throw new Misuse("--chain: expected, or cert-chain.cert beside the report");
  }
  const report = readBytes(file).subarray(0, Layout.SIZE);
  const { now, roots } = chainOptions(flags);
  const trusted = flags.emulated ? [...roots, guideArk()] : roots;
  return verifyGuide(report, [readBytes(chain)], { now, roots: trusted });
}

async function verifyFile(file: string | undefined, flags: FileFlags): Promise<void> {
  if (file === undefined) throw new Misuse("expected a report, or certs, or attestation");
  const verified =
    dialectOf(flags.dialect) === "field-guide"
      ? await verifyAsGuided(file, flags)
      : await verifyEvidence(evidenceOf(file, flags), chainOptions(flags));
  const { report } = verified;
  const asked = report === undefined ? [] : validate(report, policyOf(flags, report)).checks;
  // The policy word's bits mean something else in the guide's book: only what else was asked is judged.
  const guided = flags.dialect === "field-guide";
  const validated = guided ? asked.filter(({ name }) => name !== "guest policy") : asked;
  const result = resultOf([...verified.checks, ...validated]);
  finish({ ...result, emulated: verified.emulated }, flags.json);
}

const passed = (checks: readonly Check[], name: string) =>
  checks.some((one) => one.name === name && one.verdict === "passed");

async function verifyCerts(dir: string, flags: TrustFlags): Promise<void> {
  const folder = readFolder(dir);
  const evidence = { report: new Uint8Array(0), ...folder };
  const { checks } = await verifyChain(evidence, chainOptions(flags));
  const [vek, signer] = folder.kind === "vlek" ? ["VLEK", "ASVK"] : ["VCEK", "ASK"];
  const lines: [string, string][] = [
    ["ARK signature", "The AMD ARK was self-signed!"],
    [`${signer} signature`, `The AMD ${signer} was signed by the AMD ARK!`],
    [`${vek} signature`, `The ${vek} was signed by the AMD ${signer}!`],
  ];
  for (const [name, line] of lines) {
    if (passed(checks, name)) process.stdout.write(`${line}\n`);
  }
  const result = resultOf(checks);
  if (!result.accepted) throw new BadInput(`${dir}: refused [${result.code}]: ${result.says}`);
}

interface AttestationFlags extends TrustFlags {
  processorModel?: string;
  tcb?: boolean;
  signature?: boolean;
  measurement?: string;
  hostData?: string;
  reportData?: string;
  idKeyDigest?: string;
  authorKeyDigest?: string;
}

// What snpguest asks of the TCB: the certificate's levels and chip. Who signed is the other half.
const tcbChecks = [
  "report format",
  "root given",
  "certificates",
  "AMD extensions",
  "product",
  "reported TCB",
  "chip id",
];
const notSignature = ["product", "reported TCB", "chip id"];

function chosen(result: Verification, flags: AttestationFlags): Result {
  const { checks } = result;
  if (flags.tcb) return resultOf(checks.filter(({ name }) => tcbChecks.includes(name)));
  if (flags.signature) return resultOf(checks.filter(({ name }) => !notSignature.includes(name)));
  return result;
}

const fields = [
  ["measurement", "measurement", "Measurement", 48],
  ["hostData", "hostData", "Host Data", 32],
  ["reportData", "reportData", "Report Data", 64],
  ["idKeyDigest", "idKeyDigest", "ID Key Digest", 48],
  ["authorKeyDigest", "authorKeyDigest", "Author Key Digest", 48],
] as const;

function requireFields(result: Verification, flags: AttestationFlags): void {
  for (const [flag, field, name, bytes] of fields) {
    const text = flags[flag];
    if (text === undefined) continue;
    const expected = hexOption(name, text, bytes);
    const seen = result.report?.[field];
    if (seen === undefined || !expected.every((byte, i) => byte === seen[i])) {
      throw new BadInput(`${name} mismatch: the report has another value than expected`);
    }
    process.stdout.write(`${name} verified successfully.\n`);
  }
}

async function verifyAttestation(dir: string, file: string, flags: AttestationFlags) {
  if (flags.tcb && flags.signature) throw new Misuse("expected --tcb or --signature, not both");
  const folder = readFolder(dir);
  const report = reading(file, () => evidenceOfExtended(readBytes(file)).report);
  const full = await verifyEvidence({ report, ...folder }, chainOptions(flags));
  const result = chosen(full, flags);
  const { checks } = result;
  const product = flags.processorModel && productNamed(flags.processorModel);
  if (product && full.endorsement && product !== full.endorsement.product) {
    throw new BadInput(`certificate is of ${full.endorsement.product}, expected ${product}`);
  }
  if (passed(checks, "report signature")) {
    process.stdout.write("VEK signed the Attestation Report!\n");
  }
  if (passed(checks, "reported TCB")) {
    const levels = ["Boot Loader", "TEE", "SNP", "Microcode"];
    for (const level of full.endorsement?.product === "Turin" ? [...levels, "FMC"] : levels) {
      process.stdout.write(
        `Reported TCB ${level} from certificate matches the attestation report.\n`,
      );
    }
  }
  if (passed(checks, "chip id")) {
    process.stdout.write("Chip ID from certificate matches the attestation report.\n");
  }
  if (!result.accepted) throw new BadInput(`${file}: refused [${result.code}]: ${result.says}`);
  requireFields(full, flags);
}

export function verify(program: Command): void {
  const verb = program
    .command("verify")
    .description("is this report real? `verify FILE`, or snpguest's `verify certs|attestation`")
    .enablePositionalOptions()
    .argument("[file]", "a report, its certificate table behind it or cert-chain.cert beside it")
    .option("--chain <file>", "certificates, in PEM")
    .option("--measurement <hex>", "expected, 48 bytes")
    .option("--report-data <hex>", "expected, 64 bytes")
    .option("--host-data <hex>", "expected, 32 bytes")
    .option("--minimum-tcb <word>", "least REPORTED_TCB, as a 64-bit word")
    .option("--guest-policy <word>", "most permissive policy to accept", "0x30000")
    .option("--vmpl <n>", "expected VMPL, or any", "0")
    .option("--dialect <name>", "abi or field-guide", "abi")
    .option("--json", "every check as JSON");
  trustFlags(verb).action(verifyFile);
  trustFlags(verb.command("certs").argument("<certs-dir>")).action(verifyCerts);
  trustFlags(verb.command("attestation").argument("<certs-dir>").argument("<att-report>"))
    .option("-p, --processor-model <model>", "expected product")
    .option("-t, --tcb", "only TCB and chip id: says nothing of who signed")
    .option("-s, --signature", "only chain and signature")
    .option("-m, --measurement <hex>", "expected, 48 bytes")
    .option("-d, --host-data <hex>", "expected, 32 bytes")
    .option("-r, --report-data <hex>", "expected, 64 bytes")
    .option("--id-key-digest <hex>", "expected, 48 bytes")
    .option("--author-key-digest <hex>", "expected, 48 bytes")
    .action(verifyAttestation);
}
