// cloister report, key and certificates over what cloister launch left: the guest answers as it was launched.
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseReport } from "../../dist/attest/index.js";
import { splitExtended } from "../../dist/attest/table.js";
import { certificates } from "../../dist/cli/certificates.js";
import { exportVerb } from "../../dist/cli/export.js";
import { key } from "../../dist/cli/key.js";
import { launch } from "../../dist/cli/launch.js";
import { psp } from "../../dist/cli/psp.js";
import { report } from "../../dist/cli/report.js";
import { verify } from "../../dist/cli/verify.js";
import { assert, suite } from "../kit.ts";
import { expecting, typing } from "./typed.ts";

const test = suite("report, key and certificates");
const dir = mkdtempSync(join(tmpdir(), "cloister-report-"));
const file = (name: string) => join(dir, name);
const state = file("state");
const run = typing(launch, report, key, certificates, verify, psp, exportVerb);
const expect = expecting(run);
const bytes = (name: string) => new Uint8Array(readFileSync(file(name)));

const image = ["--ovmf", "examples/firmware/tables.fd"];
const chosen = ["--state", state, "--chip", "genoa", "--vcpus", "2", "--json"];

test("a report measures what the launch measured, carries the request, and verifies with its table", async () => {
  const launched = JSON.parse((await run("launch", ...image, ...chosen)).out);
  await expect(0, "report", file("a.bin"), file("request"), "-r", "-x", "--state", state);
  const data = bytes("request");
  assert.is(data.length, 64);
  const seen = parseReport(splitExtended(bytes("a.bin")).report);
  assert.is(Buffer.from(seen.measurement).toString("hex"), launched.measurement);
  assert.equal(seen.reportData, data);
  assert.equal([seen.product, seen.vmpl, seen.policy], ["Genoa", 0, 0x30000n]);
  const asked = ["--measurement", launched.measurement, "--emulated"];
  assert.match(await expect(0, "verify", file("a.bin"), ...asked), /accepted/);
  // the same request, the same report
  await expect(0, "report", file("b.bin"), file("request"), "--state", state);
  assert.equal(bytes("b.bin"), splitExtended(bytes("a.bin")).report);
});

test("certificates of the machine verify its reports", async () => {
  await expect(0, "certificates", "pem", file("certs"), "--state", state);
  assert.equal(readdirSync(file("certs")).sort(), ["ark.pem", "ask.pem", "crl.pem", "vcek.pem"]);
  const words = await expect(
    0,
    "verify",
    "attestation",
    file("certs"),
    file("b.bin"),
    "--emulated",
  );
  assert.match(words, /Chip ID from certificate matches/);
});

test("a report is of the VMPL that was asked for, and the files asked for must be what they should", async () => {
  await expect(0, "report", file("v.bin"), file("request"), "-v", "3", "--state", state);
  assert.is(parseReport(bytes("v.bin")).vmpl, 3);
  writeFileSync(file("short"), "63");
  assert.match(
    await expect(1, "report", file("x"), file("short"), "--state", state),
    /expected 64/,
  );
  await expect(1, "report", file("x"), file("request"), "-v", "4", "--state", state);
  assert.match(
    await expect(2, "report", file("x"), file("request"), "--state", file("none")),
    /no state.json/,
  );
  assert.not.ok(readdirSync(dir).includes("x"));
});

test("a derived key is 32 bytes, the same twice, another for another field, and refused by reason", async () => {
  const keyOf = async (...args: string[]) => {
    await expect(0, "key", file("key"), "vcek", "--state", state, ...args);
    return Buffer.from(bytes("key")).toString("hex");
  };
  const first = await keyOf();
  assert.is(first.length, 64);
  assert.is(await keyOf(), first);
  assert.not.equal(await keyOf("-g", "8"), first);
  assert.not.equal(await keyOf("-v", "1"), first);
  assert.match(await expect(2, "key", file("y"), "vmrk", "--state", state), /no such root key/);
  const high = ["-g", "16", "-s", "1"];
  assert.match(await expect(2, "key", file("y"), "vcek", "--state", state, ...high), /SVN/);
  await expect(1, "key", file("y"), "ask", "--state", state);
});

test("the guest's messages go on counting from run to run: the firmware has seen each, and takes the next", async () => {
  const log = () =>
    readFileSync(join(state, "mailbox.jsonl"), "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
  const ordinals = log().map(({ ordinal }) => ordinal);
  assert.equal(ordinals, [...ordinals.keys()], "one machine, one count");
  const asked = () => log().filter(({ command }) => command === "SNP_GUEST_REQUEST").length;
  const before = asked();
  await expect(0, "report", file("c.bin"), file("request"), "--state", state);
  assert.is(asked(), before + 1);
  const messages = join(state, "messages.jsonl");
  const said = readFileSync(messages, "utf8");
  assert.is(said.trim().split("\n").length, asked());
  for (const [line, why] of [
    ["{", /messages.jsonl:1/],
    ['{"vmpck":4,"type":5,"version":1,"payload":""}', /vmpck 4: no message/],
    ['{"vmpck":0,"type":5,"version":1,"payload":"0"}', /payload: expected/],
  ] as const) {
    writeFileSync(messages, `${line}\n`);
    assert.match(await expect(2, "report", file("z"), file("request"), "--state", state), why);
  }
  writeFileSync(messages, said);
});

test("the mailbox's log shows the messages behind the launch", async () => {
  const log = await expect(0, "psp", "log", "--state", state);
  assert.match(log, /SNP_LAUNCH_FINISH[\s\S]*SNP_GUEST_REQUEST +SUCCESS/);
});

test("another launch answers as another guest", async () => {
  const other = file("other");
  const chosen = ["--chip", "genoa", "--seed", "2", "--policy", "0x30000"];
  await expect(0, "launch", ...image, "--state", other, ...chosen);
  await expect(0, "report", file("o.bin"), file("request"), "--state", other);
  const [one, two] = [parseReport(bytes("b.bin")), parseReport(bytes("o.bin"))];
  assert.not.equal(one.chipId, two.chipId);
  assert.not.equal(one.reportId, two.reportId);
});

test("a guest of the field guide's dialect has its secrets at 0xFED40000, and reports by the guide's chain", async () => {
  const guide = file("guide");
  const words = ["--dialect", "field-guide"];
  const chosen = ["--chip", "milan", "--policy", "maximum-security", ...words];
  await expect(0, "launch", ...image, "--state", guide, ...chosen);
  assert.match(await expect(0, "psp", "log", "--state", guide), /SNP_LAUNCH_FINISH +SUCCESS/);
  await expect(0, "report", file("g.bin"), file("request"), "--state", guide);
  await expect(0, "export", file("chain.pem"), "--seed", "1", "--product", "Milan", ...words);
  const chain = ["--chain", file("chain.pem"), "--emulated", ...words];
  assert.match(await expect(0, "verify", file("g.bin"), ...chain), /accepted/);
});
