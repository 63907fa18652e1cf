// The interop run: evidence before go-sev-guest, virtee's sev crate and openssl; our verifier in every runtime.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { evidenceDirectory, type Manifest } from "../../dist/attest/evidence/index.js";
import { displayReport, parseReport } from "../../dist/attest/index.js";
import { inChromium } from "./browser.ts";
import { type Entry, explainGo, explainVirtee, faultOf } from "./explained.ts";
import { startGuestDevice, stopGuestDevice } from "./guest-device.ts";
import { compareIdBlocks, compareLaunches, compareMeasurements, fetchMeasure } from "./measure.ts";
import { ask as askOpenssl } from "./openssl.ts";
import { buildGo, buildRust, CACHE, fetchRuntimes, must, version } from "./tools.ts";

/** What somebody else says of a file: the reason of a refusal, or "" when it is accepted. */
export interface Judgement {
  readonly file: string;
  readonly refusal: string;
  /** Why it may differ from the manifest. */
  readonly reason: string | undefined;
}

const dir = join(CACHE, "evidence");
const columns: ReadonlyMap<string, boolean>[] = [];
const lines: { ok: boolean; text: string }[] = [];

const say = (ok: boolean, text: string) => {
  lines.push({ ok, text });
  console.log(`${ok ? "ok    " : "FAIL  "}${text}`);
};

/** One check of the run: a line, and a failure when it throws. */
async function step(name: string, act: () => Promise<string> | string): Promise<void> {
  try {
    say(true, `${name}: ${await act()}`);
  } catch (error) {
    say(false, `${name}: ${error instanceof Error ? error.message : error}`);
  }
}

async function writeEvidence(): Promise<Manifest> {
  rmSync(dir, { recursive: true, force: true });
  // X.509 has whole seconds, and the clock of this machine is what other tools go by.
  const at = Math.floor(Date.now() / 1000) * 1000;
  for await (const { name, bytes } of evidenceDirectory("interop", at)) {
    mkdirSync(dirname(join(dir, name)), { recursive: true });
    writeFileSync(join(dir, name), bytes);
  }
  return JSON.parse(readFileSync(join(dir, "manifest.json"), "utf8")) as Manifest;
}

/** Counts agreement, prints each disagreement once for all products it occurs in, fails on one without a reason. */
function agreement(cases: readonly Entry[], judgements: readonly Judgement[]): string {
  const byFile = new Map(cases.map((entry) => [entry.file, entry]));
  columns.push(new Map(judgements.map(({ file, refusal }) => [file, refusal === ""])));
  const differing = new Map<string, string[]>();
  let agreed = 0;
  for (const { file, refusal, reason } of judgements) {
    const entry = byFile.get(file) as Entry;
    if (/PANIC/.test(refusal)) throw new Error(`${file}: ${refusal}`);
    if ((refusal === "") === (entry.verdict === "accepted")) {
      agreed++;
      continue;
    }
    if (reason === undefined)
      throw new Error(`${file} is ${entry.verdict} here, there: ${refusal || "accepted"}`);
    const said = `${refusal === "" ? "accepts" : "refuses"}: ${reason}`;
    differing.set(said, [...(differing.get(said) ?? []), file.replace(".bin", "")]);
  }
  for (const [said, files] of differing)
    console.log(`        ${said}\n          ${files.join(" ")}`);
  const differ = judgements.length - agreed;
  const good = judgements.filter(({ file }) => byFile.get(file)?.verdict === "accepted");
  const taken = good.filter(({ refusal }) => refusal === "").length;
  return `${agreed} of ${judgements.length} files judged alike, ${differ} explained; good evidence accepted ${taken} of ${good.length}`;
}

function askGo(cases: readonly Entry[]): Judgement[] {
  const out = must(buildGo(), [dir]);
  const entries = new Map(cases.map((entry) => [entry.file, entry]));
  return out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { file: string; verify: string; validate: string })
    .map(({ file, verify, validate }) => ({
      file,
      refusal: verify || validate,
      reason: explainGo(entries.get(file) as Entry),
    }));
}

/** The key service in a process of its own; go-sev-guest fetches VCEK, chain and list from it. */
async function askThroughKds(): Promise<string> {
  const args = ["dist/cli/main.js", "kds", "serve", "--port", "0", "--seed", manifest.seed];
  const service = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "ignore"] });
  try {
    for await (const line of createInterface({ input: service.stdout })) {
      const url = /^listening on (\S+)$/.exec(line)?.[1];
      if (url !== undefined) return must(buildGo(), [dir, url]).trim();
    }
    throw new Error("the key service did not start");
  } finally {
    service.kill();
  }
}

function askVirtee(manifest: Manifest, binary: string): Judgement[] {
  const { cases, roots } = manifest;
  const input = cases.map(
    ({ file, product }) => `${join(dir, file)}\t${join(dir, roots[product] as string)}`,
  );
  const answers = must(binary, [], `${input.join("\n")}\n`).split("\n");
  return cases.map((entry, i) => ({
    file: entry.file,
    refusal: answers[i]?.split("\t")[1] ?? "no answer",
    reason: explainVirtee(entry),
  }));
}

function compareDisplay(cases: readonly Entry[], binary: string): string {
  const good = cases
    .filter(({ verdict }) => verdict === "accepted")
    .map(({ file }) => join(dir, file));
  const real = "../shared/vectors/attestation.bin";
  const files = existsSync(real) ? [...good, real] : good;
  for (const file of files) {
    const ours = displayReport(parseReport(new Uint8Array(readFileSync(file)).subarray(0, 1184)));
    const theirs = must(binary, ["--display", file]);
    if (`${ours}\n` !== theirs) throw new Error(`${file}: printed otherwise than by the sev crate`);
  }
  return `${files.length} reports printed alike, byte for byte${existsSync(real) ? ", silicon's among them" : ""}`;
}

async function compareRuntimes(manifest: Manifest): Promise<void> {
  const modules = fetchRuntimes();
  const bin = join(modules, ".bin");
  const script = ["test/interop/runtime.mjs", dir];
  const node = must(process.execPath, script);
  const codes = node
    .trim()
    .split("\n")
    .map((line) => line.split("\t")[1]);
  await step(`cloister in Node ${process.versions.node}`, () => {
    const wrong = manifest.cases.filter((entry, i) => (entry.code ?? "accepted") !== codes[i]);
    if (wrong.length > 0) throw new Error(`other code than the manifest's: ${wrong[0]?.file}`);
    const made = node.split("\n").filter((line) => /^made .*\taccepted$/.test(line));
    if (made.length !== 3) throw new Error("the factory's own evidence is not accepted");
    return `${cases.length} files, each with the manifest's code`;
  });
  const same = (out: string) => {
    if (out.trim() !== node.trim()) throw new Error("other verdicts than Node's");
    return `${cases.length} files, verdicts and sentences as in Node; made here: the same reports`;
  };
  // npm's bun is a script that a postinstall replaces; the program itself is in the platform's package.
  const bun = join(modules, "@oven/bun-linux-x64/bin/bun");
  const others: [string, string, string[]][] = [
    ["Node 24", join(bin, "node"), script],
    ["Deno", join(bin, "deno"), ["run", `--allow-read=${dir}`, ...script]],
    ["Bun", bun, script],
  ];
  for (const [name, command, args] of others) {
    await step(`cloister in ${name}`, () => {
      return `${version(command, "--version")}: ${same(must(command, args))}`;
    });
  }
  await step("cloister in a browser", async () => {
    const { name, lines: seen } = await inChromium(dir, modules);
    return `${name}: ${same(seen.join("\n"))}`;
  });
}

/** Accepted, refused, both by product, or not asked: for one kind of file, by one judge. */
function cell(files: readonly string[], judge: ReadonlyMap<string, boolean>): string {
  const seen = new Set(files.filter((file) => judge.has(file)).map((file) => judge.get(file)));
  if (seen.size === 0) return "-";
  if (seen.size === 2) return "by product";
  return seen.has(true) ? "accepts" : "refuses";
}

/** One row for each kind of evidence, one column for each judge. */
function printTable(cases: readonly Entry[]): void {
  const own = new Map(cases.map(({ file, verdict }) => [file, verdict === "accepted"]));
  const row = (name: string, cells: string[]) =>
    console.log(name.padEnd(26) + cells.map((text) => text.padEnd(14)).join(""));
  row("", ["cloister", "go-sev-guest", "sev crate", "openssl"]);
  for (const kind of new Set(cases.map(faultOf))) {
    const files = cases.filter((entry) => faultOf(entry) === kind).map(({ file }) => file);
    row(
      kind,
      [own, ...columns].map((judge) => cell(files, judge)),
    );
  }
  console.log();
}

const manifest = await writeEvidence();
const { cases } = manifest;
console.log(`${cases.length} files of evidence in ${dir}\n`);

await step("google/go-sev-guest v0.15.0, verify and validate", () =>
  agreement(cases, askGo(cases)),
);
let binary = "";
await step("go-sev-guest v0.15.0, through Cloister's key service", askThroughKds);
await step("virtee's sev crate 8.0.0, chain and signature", () => {
  binary = buildRust();
  return agreement(cases, askVirtee(manifest, binary));
});
await step("virtee's sev crate 8.0.0, as snpguest displays", () => compareDisplay(cases, binary));
await step("openssl, chain and list", () => {
  const judged = cases.map((entry) =>
    askOpenssl(dir, entry, manifest.at, manifest.roots[entry.product] as string),
  );
  const asked = judged.filter((one): one is Judgement => one !== undefined);
  return `${version("openssl", "version")}: ${agreement(cases, asked)}`;
});
let measure = "";
await step("sev-snp-measure 0.0.13, launch digests", () => {
  measure = fetchMeasure();
  return compareMeasurements(measure);
});
await step("sev-snp-measure 0.0.13, launches through the mailbox", () => compareLaunches(measure));
await step("sev-snp-measure 0.0.13, ID blocks", () => compareIdBlocks(measure));
const listening = startGuestDevice();
await step("go-sev-guest's client library, go-configfs-tsm, through the guest device", async () => {
  const socket = await listening;
  return must(buildGo(), ["device", socket, "Milan", join(dir, "roots/milan-vcek.pem")])
    .trim()
    .replaceAll("\n", "; ");
});
await step("a client on virtee's sev crate, through the guest device", async () => {
  const args = ["--device", await listening, join(dir, manifest.roots["Milan"] as string)];
  return must(binary, args).trim();
});
stopGuestDevice();
await compareRuntimes(manifest).catch((error: unknown) => say(false, `runtimes: ${error}`));

console.log();
printTable(cases);
console.log("@tinfoilsh/verifier 1.1.0 and @lit-protocol/sev-snp-utils-sdk 6.11.5 are not asked:");
console.log("both have AMD's roots built in and take no other (docs/attestation.md).\n");
const failed = lines.filter(({ ok }) => !ok).length;
console.log(`${lines.length - failed} interop checks held, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
