// The attestation verbs as they are typed: arguments, output, exit codes. snpguest, sevctl and go-sev-guest are the models.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, suite } from "../kit.ts";

const test = suite("the attestation verbs");
const dir = mkdtempSync(join(tmpdir(), "cloister-"));
const file = (name: string) => join(dir, name);

function run(...args: string[]): { code: number | null; out: string; err: string } {
  const main = new URL("../../dist/cli/main.js", import.meta.url).pathname;
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args]);
  return { code: status, out: `${stdout}`, err: `${stderr}` };
}

/** Runs, and insists on the exit code; what was printed comes back. */
function expect(code: number, ...args: string[]): string {
  const seen = run(...args);
  assert.is(seen.code, code, `${args.join(" ")}: ${seen.out}${seen.err}`);
  return seen.out + seen.err;
}

const evidence = (name: string, ...args: string[]) =>
  expect(0, "evidence", "--out", file(name), ...args);

test("make evidence and say on stderr that it is emulated", () => {
  assert.match(evidence("good.bin"), /emulated, under Cloister's own keys, not AMD's/);
  assert.match(expect(1, "evidence", "--out", file("x"), "--fault", "none"), /--list/);
  assert.match(expect(1, "evidence"), /--out: expected a file/);
  evidence("tcb.bin", "--product", "Turin", "--tcb", "0x4b00000004010101", "--signer", "vlek");
  assert.match(expect(0, "verify", file("tcb.bin"), "--emulated"), /bl 1 tee 1 snp 4 ucode 75\n/);
  assert.match(expect(0, "evidence", "--list"), /bad-signature +REPORT_SIGNATURE/);
});

test("verify FILE as the field guide types it: no root given, until one is", () => {
  assert.match(expect(2, "verify", file("good.bin")), /refused \[NO_ROOT\]: no root given/);
  assert.match(expect(0, "verify", file("good.bin"), "--emulated"), /accepted/);
  assert.match(expect(2, "verify", file("absent.bin")), /absent.bin: ENOENT/);
  evidence("bad.bin", "--fault", "bad-signature");
  assert.match(expect(2, "verify", file("bad.bin"), "--emulated"), /refused \[REPORT_SIGNATURE\]/);
  const json = JSON.parse(run("verify", file("bad.bin"), "--emulated", "--json").out);
  assert.is(json.code, "REPORT_SIGNATURE");
});

test("find the chain that export wrote beside the report", () => {
  const guide = mkdtempSync(join(dir, "guide-"));
  const report = readFileSync(file("good.bin")).subarray(0, 1184);
  writeFileSync(join(guide, "attestation-report.bin"), report);
  const typed = ["verify", join(guide, "attestation-report.bin"), "--emulated"];
  assert.match(expect(2, ...typed), /CERTIFICATE_MISSING/);
  expect(0, "export", join(guide, "cert-chain.cert"));
  assert.match(expect(0, ...typed), /accepted/);
  assert.match(expect(2, ...typed, "--measurement", "00".repeat(48)), /\[MEASUREMENT\]/);
  assert.match(expect(1, ...typed, "--measurement", "00"), /1 bytes, expected 48/);
});

test("certificates, verify certs and verify attestation speak as snpguest does", () => {
  const certs = file("certs");
  expect(0, "certificates", "pem", certs, "-r", file("good.bin"));
  assert.equal(readdirSync(certs).sort(), ["ark.pem", "ask.pem", "crl.pem", "vcek.pem"]);
  const lines = [
    "The AMD ARK was self-signed!",
    "The AMD ASK was signed by the AMD ARK!",
    "The VCEK was signed by the AMD ASK!",
  ];
  const root = ["--root", join(certs, "ark.pem")];
  assert.is(run("verify", "certs", certs, ...root).out, `${lines.join("\n")}\n`);
  const said = expect(0, "verify", "attestation", certs, file("good.bin"), ...root);
  assert.match(
    said,
    /^VEK signed the Attestation Report!\nReported TCB Boot Loader from certificate/,
  );
  assert.match(said, /Chip ID from certificate matches the attestation report\.\n$/);
  const bad = ["verify", "attestation", certs, file("bad.bin"), ...root];
  assert.match(expect(2, ...bad), /REPORT_SIGNATURE/);
  expect(0, ...bad, "--tcb");
  expect(2, ...bad, "--signature");
  assert.match(expect(2, ...bad, "-t", "-m", "00".repeat(48)), /Measurement mismatch/);
  assert.match(expect(1, ...bad, "-t", "-s"), /not both/);
});

test("display report prints snpguest's text, and JSON", () => {
  const text = run("display", "report", file("good.bin")).out;
  assert.match(text, /^Attestation Report:\n\nVersion: {22}3\n/);
  const json = JSON.parse(run("display", "report", file("good.bin"), "--json").out);
  assert.is(`${json.version} ${json.product} ${json.policy}`, "3 Milan 0x30000");
  writeFileSync(file("short.bin"), new Uint8Array(7));
  assert.match(expect(2, "display", "report", file("short.bin")), /7 bytes, expected 1184/);
});

test("check has go-sev-guest's flags and exit codes", () => {
  expect(0, "certificates", "pem", file("c"), "-r", file("good.bin"));
  const pem = (name: string) => readFileSync(join(file("c"), `${name}.pem`), "utf8");
  writeFileSync(file("chain.pem"), pem("ask") + pem("ark"));
  const trust = ["-product_key_path", file("chain.pem"), "-guest_policy=0x30000", "-network=false"];
  assert.is(expect(0, "check", "-in", file("good.bin"), ...trust), "Success\n");
  assert.is(expect(0, "check", "--in", file("good.bin"), "-quiet", ...trust), "");
  expect(1, "check", "-in", file("good.bin"), "-nonsense", "1");
  expect(1, "check", "-in", file("good.bin"), "-report_data", "00");
  expect(1, "check", "-in", file("good.bin"), "-check_crl=true", ...trust);
  expect(2, "check", "-in", file("bad.bin"), ...trust);
  expect(2, "check", "-in", file("good.bin"), "-network=false");
  expect(5, "check", "-in", file("good.bin"), "-vmpl", "1", ...trust);
  expect(5, "check", "-in", file("good.bin"), ...trust, "-guest_policy", "0x20000");
  expect(5, "check", "-in", file("good.bin"), "-host_data", "11".repeat(32), ...trust);
  assert.is(
    expect(5, "check", "-in", file("good.bin"), "-quiet", ...trust, "-min_build", "200"),
    "",
  );
  const nowhere = ["-kds", "http://127.0.0.1:1", "-product_key_path", file("chain.pem")];
  writeFileSync(file("alone.bin"), readFileSync(file("good.bin")).subarray(0, 1184));
  expect(3, "check", "-in", file("alone.bin"), ...nowhere);
  expect(4, "check", "-in", file("good.bin"), "-check_crl=true", ...nowhere);
});

test("policy decodes and encodes in both dialects, and says where a name promises more", () => {
  assert.match(expect(0, "policy", "decode", "0x30000"), /smt +16 {2}true/);
  assert.match(expect(2, "policy", "decode", "0x10000"), /bit 17 is 0, expected 1/);
  const guide = ["--dialect", "field-guide"];
  const said = expect(0, "policy", "decode", "migration-enabled", ...guide);
  assert.match(said, /0x00030001/);
  assert.match(said, /not set: ES, SMT, MIGRATE_MA/);
  assert.match(expect(0, "policy", "decode", "0x00010003", ...guide), /not set: BTB_ISOLATION/);
  assert.is(expect(0, "policy", "encode", "smt", "debug", "--abi", "1.55"), "0x000b0137\n");
  assert.is(expect(0, "policy", "encode", "NO_DEBUG", "MIGRATE_MA", ...guide), "0x00050001\n");
  assert.match(expect(1, "policy", "encode", "nonsense"), /policy flag "nonsense"/);
  assert.match(expect(1, "policy", "decode", "0x1ffffffffffffffff"), /64-bit/);
});

test("fetch says what it could not get, and from where", () => {
  const nowhere = ["--kds", "http://127.0.0.1:1"];
  assert.match(
    expect(2, "fetch", "ca", "pem", dir, "milan", ...nowhere),
    /vcek\/v1\/Milan\/cert_chain/,
  );
  assert.match(expect(1, "fetch", "ca", "pem", dir, ...nowhere), /processor model or --report/);
  assert.match(expect(1, "fetch", "crl", "text", dir, "milan", ...nowhere), /expected pem or der/);
  assert.match(expect(2, "fetch", "vcek", "der", dir, file("good.bin"), ...nowhere), /snpSPL=24/);
  assert.is(existsSync(file("vcek.der")), false);
});
