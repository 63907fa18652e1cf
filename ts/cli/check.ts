// cloister check: go-sev-guest's tool, its flags and exit codes: 1 misuse, 2 signature, 3 certificates, 4 CRL, 5 policy.
import type { Command } from "commander";
import { keyDigest } from "../attest/attest.ts";
import { parseCertificates } from "../attest/certificate.ts";
import { Refusal, type Result } from "../attest/code.ts";
import { type Evidence, evidenceOfExtended } from "../attest/evidence.ts";
import { parseReport, type Report } from "../attest/report.ts";
import { parseTcb } from "../attest/tcb.ts";
import { type Policy, validate } from "../attest/validate.ts";
import { verify } from "../attest/verify.ts";
import { BadInput, Misuse } from "../error.ts";
import { get } from "../kds/client.ts";
import { crlUrl, KDS, vcekUrl } from "../kds/path.ts";
import { hexOption, integerOption, readBytes, wordOption } from "./attestation.ts";
import { type CheckFlags, durationOf, flagOf, parseCheckFlags } from "./check-flags.ts";
import { Exit } from "./exit.ts";
import { chainOptions } from "./trust.ts";

const SIGNATURE = 2;
const CERTIFICATES = 3;
const CRL = 4;
const POLICY = 5;

/** go-sev-guest's default: bit 17 and nothing else, so not even SMT. */
const GO_DEFAULT_POLICY = 1n << 17n;

const byteFlags = [
  ["report_data", "reportData", 64],
  ["host_data", "hostData", 32],
  ["family_id", "familyId", 16],
  ["image_id", "imageId", 16],
  ["report_id", "reportId", 32],
  ["report_id_ma", "reportIdMa", 32],
  ["measurement", "measurement", 48],
  ["chip_id", "chipId", 64],
] as const;

const listOf = (flags: CheckFlags, name: string, separator: string) =>
  (flags.get(name) ?? "").split(separator).filter((part) => part.trim() !== "");

async function digests(flags: CheckFlags, kind: "author" | "id"): Promise<Uint8Array[]> {
  const name = `trusted_${kind}_key_hashes`;
  const hashes = listOf(flags, name, ",").map((text) => hexOption(`-${name}`, text.trim(), 48));
  const keys = listOf(flags, `trusted_${kind}_keys`, ":").flatMap((path) =>
    parseCertificates(readBytes(path.trim())),
  );
  const points = keys.filter(({ key }) => key.kind === "P-384").map(({ key }) => key.number);
  return [...hashes, ...(await Promise.all(points.map(keyDigest)))];
}

function versionOf(text: string): { major: number; minor: number } {
  const match = /^([0-9]{1,3})\.([0-9]{1,3})$/.exec(text);
  if (match === null) throw new Misuse(`-min_version: "${text}", expected major.minor`);
  return { major: Number(match[1]), minor: Number(match[2]) };
}

function numbers(flags: CheckFlags, report: Report): Policy {
  const word = (name: string) => {
    const text = flags.get(name);
    return text === undefined || text === "" ? undefined : wordOption(`-${name}`, text);
  };
  const tcb = (name: string) => {
    const value = word(name);
    return value === undefined ? undefined : parseTcb(value, report.product ?? "Milan");
  };
  const [minimumTcb, minimumLaunchTcb] = [tcb("minimum_tcb"), tcb("minimum_launch_tcb")];
  const platformInfo = word("platform_info");
  const [build, version, vmpl] = ["min_build", "min_version", "vmpl"].map((n) => flags.get(n));
  return {
    guestPolicy: word("guest_policy") ?? GO_DEFAULT_POLICY,
    vmpl: vmpl ? integerOption("-vmpl", vmpl, 3) : "any",
    ...(minimumTcb && { minimumTcb }),
    ...(minimumLaunchTcb && { minimumLaunchTcb }),
    ...(platformInfo !== undefined && { platformInfo }),
    ...(build && { minimumBuild: integerOption("-min_build", build, 255) }),
    ...(version && { minimumVersion: versionOf(version) }),
  };
}

async function policyOf(flags: CheckFlags, report: Report): Promise<Policy> {
  const bytes: Record<string, Uint8Array> = {};
  for (const [flag, field, length] of byteFlags) {
    const text = flags.get(flag);
    if (text) bytes[field] = hexOption(`-${flag}`, text, length);
  }
  return {
    ...numbers(flags, report),
    ...bytes,
    // go-sev-guest asks of REPORT_ID_MA only by -report_id_ma.
    migrationAgent: true,
    provisional: flagOf(flags, "provisional", false),
    requireAuthorKey: flagOf(flags, "require_author_key", false),
    requireIdBlock: flagOf(flags, "require_idblock", false),
    trustedAuthorKeys: await digests(flags, "author"),
    trustedIdKeys: await digests(flags, "id"),
  };
}

async function fetched(url: string, flags: CheckFlags, exit: number): Promise<Uint8Array> {
  const until = Date.now() + durationOf(flags, "timeout", 120_000);
  const sleep = (ms: number) => {
    if (Date.now() + ms > until) throw new Exit(exit, `${url}: no answer within -timeout`);
    return new Promise<void>((done) => setTimeout(done, ms));
  };
  const ask = (one: string) =>
    fetch(one, { signal: AbortSignal.timeout(Math.max(1, until - Date.now())) });
  try {
    const maxDelay = durationOf(flags, "max_retry_delay", 30_000) / 1000;
    return await get(url, { fetch: ask, sleep, maxDelay, retries: 1000 });
  } catch (error) {
    if (!(error instanceof BadInput)) throw error;
    throw new Exit(exit, error.message);
  }
}

/** Fills in what the evidence lacks: the VCEK, and the list when it is asked for. */
async function complete(evidence: Evidence, report: Report, flags: CheckFlags): Promise<Evidence> {
  const network = flagOf(flags, "network", true);
  const checkCrl = flagOf(flags, "check_crl", false);
  if (checkCrl && !network) {
    throw new Misuse("cannot specify both -check_crl=true and -network=false");
  }
  const base = flags.get("kds") ?? KDS;
  const product = report.product ?? "Milan";
  const kind = report.signingKey === "VLEK" ? "vlek" : "vcek";
  const vek =
    evidence.vek === undefined && network && kind === "vcek"
      ? await fetched(
          vcekUrl(base, product, report.chipId, report.reportedTcb),
          flags,
          CERTIFICATES,
        )
      : evidence.vek;
  const { crl: _, ...rest } = evidence;
  const list = checkCrl ? await fetched(crlUrl(base, kind, product), flags, CRL) : undefined;
  return { ...rest, ...(vek && { vek }), ...(list && { crl: list }) };
}

function requireSupported(flags: CheckFlags): void {
  for (const name of ["config", "kdsdatabase"]) {
    if (flags.get(name)) {
      throw new Misuse(`check: -${name} holds a protobuf message, which is not read here`);
    }
  }
  const form = flags.get("inform") ?? "bin";
  if (form !== "bin") throw new Misuse(`check: -inform ${form}, expected bin`);
}

/** A malformed input ends go-sev-guest with 1, before anything is verified. */
function read(flags: CheckFlags): { evidence: Evidence; report: Report } {
  try {
    const evidence = evidenceOfExtended(readBytes(flags.get("in") ?? "-"));
    return { evidence, report: parseReport(evidence.report) };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw new Exit(1, error.message);
  }
}

function demand(result: Result, exit: number): void {
  if (!result.accepted) throw new Exit(exit, `refused [${result.code}]: ${result.says}`);
}

async function run(flags: CheckFlags): Promise<void> {
  requireSupported(flags);
  const { evidence, report } = read(flags);
  const policy = await policyOf(flags, report);
  const roots = listOf(flags, "product_key_path", ":");
  const at = flags.get("at");
  const trust = chainOptions({ root: roots, ...(at !== undefined && { at }) });
  const requireCrl = flagOf(flags, "check_crl", false);
  const whole = await complete(evidence, report, flags);
  demand(await verify(whole, { ...trust, requireCrl }), SIGNATURE);
  demand(validate(report, policy), POLICY);
  if (!flags.has("quiet")) process.stdout.write("Success\n");
}

export function check(program: Command): void {
  program.enablePositionalOptions();
  program
    .command("check")
    .description(
      "go-sev-guest's check: -in FILE -product_key_path CHAIN.pem ...; exit codes 0 to 5",
    )
    .helpOption(false)
    .passThroughOptions()
    .allowUnknownOption()
    .argument("[flags...]")
    .action(async (args: string[]) => {
      const flags = parseCheckFlags(args);
      try {
        await run(flags);
      } catch (error) {
        const quiet = flags.get("quiet") === "true";
        throw new Exit(exitOf(error), quiet ? "" : (error as Error).message);
      }
    });
}

/** Misuse is 1 here, and so is input that cannot be read. What is neither is a defect: go on up. */
function exitOf(error: unknown): number {
  if (error instanceof Exit) return error.exitCode;
  if (error instanceof Misuse || error instanceof BadInput || error instanceof Refusal) return 1;
  throw error;
}
