// generate measurement, ovmf-hash, id-block and key-digest as they are typed: snpguest's flags, and every bad input's exit code.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateIdBlock } from "../../dist/cli/generate-id-block.js";
import { generateKeyDigest } from "../../dist/cli/generate-key-digest.js";
import { generateMeasurement } from "../../dist/cli/generate-measurement.js";
import { generateOvmfHash } from "../../dist/cli/generate-ovmf-hash.js";
import { assert, suite } from "../kit.ts";
import { imageOf, SECTIONS } from "../launch/image.ts";
import { expecting, typing } from "./typed.ts";

const test = suite("the generate verbs");
const dir = mkdtempSync(join(tmpdir(), "cloister-generate-"));
const file = (name: string) => join(dir, name);

const typed = typing(generateMeasurement, generateOvmfHash, generateIdBlock, generateKeyDigest);
const run = (...args: string[]) => typed("generate", ...args);
const expect = expecting(run);

writeFileSync(file("ovmf.fd"), imageOf());
writeFileSync(file("plain.fd"), imageOf({ sections: [] }));
writeFileSync(file("no-hashes.fd"), imageOf({ sections: SECTIONS.slice(0, 3) }));
writeFileSync(file("broken.fd"), imageOf({ footerLength: 17 }));
writeFileSync(file("empty.fd"), "");
writeFileSync(file("vmlinuz"), "a kernel");
const openssl = (...args: string[]) =>
  writeFileSync(file(args[0] as string), spawnSync("openssl", args.slice(1)).stdout);
openssl("id.pem", "ecparam", "-name", "secp384r1", "-genkey", "-noout");
openssl("author.pem", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384");
const hasOpenssl = readFileSync(file("id.pem")).length > 0;

const measurement = (...args: string[]) => ["measurement", "-o", file("ovmf.fd"), ...args];
const EPYC = ["--vcpu-type", "EPYC-v4"];

test("print one digest by type, signature or family, in hexadecimal or base64", async () => {
  const digest = (await run(...measurement(...EPYC))).out;
  assert.match(digest, /^[0-9a-f]{96}\n$/);
  assert.is((await run(...measurement("--vcpu-sig", "0x00800f12"))).out, digest);
  const numbers = ["--vcpu-family", "23", "--vcpu-model", "1", "--vcpu-stepping", "2"];
  assert.is((await run(...measurement(...numbers))).out, digest);
  const base64 = (await run(...measurement(...EPYC, "-f", "base64"))).out;
  assert.is(Buffer.from(base64, "base64").toString("hex"), digest.trim());
  assert.is(await expect(0, ...measurement(...EPYC, "-q", "-m", file("digest.txt"))), "");
  assert.is(readFileSync(file("digest.txt"), "utf8"), digest.trim());
  const hash = (await run("ovmf-hash", "-o", file("ovmf.fd"))).out.trim();
  assert.is((await run(...measurement(...EPYC, "--ovmf-hash", hash))).out, digest);
  const others = [
    ["-v", "2"],
    ["-g", "0x21"],
    ["-k", file("vmlinuz")],
    ["-t", "ec2"],
    ["-t", "gce"],
  ];
  const seen = new Set<string>();
  for (const flags of others) seen.add((await run(...measurement(...EPYC, ...flags))).out);
  assert.is(seen.size, others.length);
  assert.not(seen.has(digest));
});

test("print SHA-256 for SEV and SEV-ES", async () => {
  assert.match((await run(...measurement("--mode", "sev"))).out, /^[0-9a-f]{64}\n$/);
  assert.match((await run(...measurement("--mode", "seves", ...EPYC))).out, /^[0-9a-f]{64}\n$/);
});

test("say of firmware without SNP metadata which image to use, and measure it all the same", async () => {
  const { code, out, err } = await run("measurement", "-o", file("plain.fd"), ...EPYC);
  assert.is(code, 0);
  assert.match(out, /^[0-9a-f]{96}\n$/);
  assert.match(err, /no SNP metadata .* use the AmdSev build/);
});

// Arguments that cannot be, the exit code, and what is said.
const wrong: [number, string[], RegExp][] = [
  [1, ["measurement", ...EPYC], /expected --ovmf/],
  [1, measurement(), /missing --vcpu-type or --vcpu-sig or --vcpu-family/],
  [1, measurement("--vcpu-type", "Skylake"), /"Skylake", expected one of/],
  [1, measurement(...EPYC, "--vcpu-sig", "1"), /expected one of --vcpu-type/],
  [1, measurement("--vcpu-family", "23"), /together/],
  [1, measurement(...EPYC, "-v", "0"), /vCPUs: 0, expected 1 to 4096/],
  [1, measurement(...EPYC, "-v", "many"), /--vcpus: "many"/],
  [1, measurement(...EPYC, "-t", "xen"), /"xen", expected one of QEMU, EC2, GCE/],
  [1, measurement(...EPYC, "-t", "KRUN"), /krun: its VMSA is not published/],
  [1, measurement(...EPYC, "--mode", "tdx"), /--mode: "tdx"/],
  [1, measurement(...EPYC, "-f", "octal"), /"octal", expected hex or base64/],
  [1, measurement(...EPYC, "-g", "x"), /--guest-features: "x"/],
  [1, measurement(...EPYC, "-i", file("vmlinuz")), /--kernel required when using --initrd/],
  [1, measurement(...EPYC, "-a", "quiet"), /--kernel required when using --append/],
  [1, measurement(...EPYC, "--ovmf-hash", "abcd"), /2 bytes, expected 48/],
  [1, measurement("--mode", "sev", "--ovmf-hash", "00".repeat(48)), /only works with snp/],
  [1, measurement(...EPYC, "--mode", "snp:svsm"), /requires --svsm/],
  [1, measurement(...EPYC, "--igvm", file("ovmf.fd")), /not both/],
  [2, ["measurement", "-o", file("absent.fd"), ...EPYC], /absent.fd: ENOENT/],
  [2, ["measurement", "-o", dir, ...EPYC], /EISDIR/],
  [2, ["measurement", "-o", file("empty.fd"), ...EPYC], /empty.fd: firmware image: 0 bytes/],
  [
    2,
    ["measurement", "-o", file("broken.fd"), ...EPYC],
    /broken.fd: OVMF's table of 17 bytes, expected .* at byte 0x1fce/,
  ],
  [
    2,
    ["measurement", "-o", file("vmlinuz"), ...EPYC],
    /vmlinuz: firmware image|multiple of 4096|SNP metadata/,
  ],
  [
    2,
    ["measurement", "-o", file("no-hashes.fd"), ...EPYC, "-k", file("vmlinuz")],
    /no-hashes.fd: Kernel specified but OVMF metadata/,
  ],
  [2, measurement(...EPYC, "-k", file("nothing")), /nothing: ENOENT/],
  [2, ["measurement", "--igvm", file("ovmf.fd")], /ovmf.fd: magic 0x/],
  [2, ["ovmf-hash", "-o", file("vmlinuz")], /expected a multiple of 4096/],
  [1, ["ovmf-hash"], /required option/],
  [1, ["id-block", "a", "b"], /missing required argument/],
  [1, ["id-block", "a", "b", "xyz"], /expected hexadecimal or base64|bytes, expected 48/],
  [2, ["id-block", "a", "b", "00".repeat(48)], /a: ENOENT/],
  [2, ["key-digest", file("vmlinuz")], /vmlinuz: private key/],
];

test("refuse what cannot be, each with its exit code and sentence", async () => {
  for (const [code, args, says] of wrong)
    assert.match(await expect(code, ...args), says, args.join(" "));
});

test("make an ID block as snpguest does, in base64 and in files", async () => {
  if (!hasOpenssl) return;
  const keys = [file("id.pem"), file("author.pem")];
  const digest = "5a".repeat(48);
  const flags = ["-f", "01".repeat(16), "-m", "02".repeat(16), "-s", "7", "-p", "0xb0000"];
  const files = ["-i", file("block.b64"), "-a", file("auth.b64")];
  const said = await expect(0, "id-block", ...keys, `0x${digest}`, ...flags, ...files);
  const [head, block, middle, auth] = said.split("\n");
  assert.equal([head, middle], ["ID-BLOCK:", "AUTH-BLOCK:"]);
  assert.is(readFileSync(file("block.b64"), "utf8"), block);
  assert.is(readFileSync(file("auth.b64"), "utf8"), auth);
  const expected = `${digest}${"01".repeat(16)}${"02".repeat(16)}010000000700000000000b0000000000`;
  assert.is(Buffer.from(block ?? "", "base64").toString("hex"), expected);
  const base64 = Buffer.from(digest, "hex").toString("base64");
  assert.is((await run("id-block", ...keys, base64, ...flags)).out, said);
  assert.match((await run("key-digest", file("id.pem"))).out, /^[0-9a-f]{96}\n$/);
  assert.match(
    await expect(1, "id-block", ...keys, digest, "-f", "01"),
    /--family-id: 1 bytes, expected 16/,
  );
});
