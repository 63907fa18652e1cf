// cloister replay as a person at a shell meets it: exit codes, one line for each bad input, no file left behind.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { assert, suite } from "../kit.ts";

const MAIN = "dist/cli/main.js";
const TRACE = "examples/traces/gzip.cltr.gz";
const LINES = "I  00401000,4\n L 1fff000010,8\n S 1fff000010,8\n M 1fff000018,4\n";

const test = suite("cloister replay");

function cloister(args: string[], input: string | Uint8Array = "") {
  const run = spawnSync(process.execPath, [MAIN, ...args], { input, encoding: "utf8" });
  return { code: run.status, out: run.stdout, lines: run.stderr.split("\n").filter(Boolean) };
}

function inFolder(act: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), "cloister-"));
  try {
    act(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("the report has the promised shape, and equal digests in all generations", () => {
  const { code, out } = cloister(["replay", TRACE, "--limit", "20000", "--json"]);
  assert.is(code, 0);
  const report = JSON.parse(out);
  assert.equal(Object.keys(report), [
    "schema",
    "seed",
    "sampled",
    "trace",
    "chip",
    "pageSize",
    "numa",
    "baseline",
    "model",
    "generations",
  ]);
  assert.is(report.schema, "cloister.replay/1");
  const { records, fetches, loads, stores, modifies, syscalls, pages, bytes } = report.trace;
  assert.is(records, 20000);
  assert.is(fetches + loads + stores + modifies + syscalls, records);
  assert.ok(pages > 0 && bytes > 0);
  const digests = new Set(report.generations.map((row: { digest: string }) => row.digest));
  assert.is(digests.size, 1);
  for (const row of report.generations) {
    assert.match(row.digest, /^[0-9a-f]{32}$/);
    assert.ok(row.wallSeconds > 0 && row.accessesPerSecond > 0);
    const names =
      "walks rmpChecks npf exits rmpupdates pvalidates linesEncrypted linesDecrypted bytesBounced bytesDma ideUnits ideBytes";
    assert.equal(Object.keys(row.events).sort(), names.split(" ").sort());
  }
});

test("one seed gives one digest, another seed another", () => {
  const digest = (...args: string[]) => {
    const { out } = cloister(["replay", "-", "--generations", "sev-snp", "--json", ...args], LINES);
    return JSON.parse(out).generations[0].digest;
  };
  assert.is(digest("--seed", "5"), digest("--seed", "5"));
  assert.is.not(digest("--seed", "5"), digest("--seed", "6"));
  assert.is(digest("--page-size", "4k"), digest("--page-size", "2m", "--check", "each"));
});

test("a part that lacks a generation lists it as refused, with the reason", () => {
  const { code, out } = cloister(["replay", "-", "--chip", "naples", "--json"], LINES);
  assert.is(code, 0);
  const refused = JSON.parse(out).generations.filter((row: { refused?: string }) => row.refused);
  assert.equal(
    refused.map((row: { generation: string }) => row.generation),
    ["sev-es", "sev-snp", "sev-tio"],
  );
  assert.match(refused[0].refused, /EPYC 7001 \(Naples\) has no SEV-ES; it came with Rome/);
});

test("misuse ends with 1 and one line", () => {
  const misuses: [string[], RegExp][] = [
    [["replay"], /no trace, expected a file/],
    [["replay", "-", "--bogus"], /unknown option/],
    [["replay", "-", "--chip", "zen9"], /--chip: "zen9", expected one of naples/],
    [["replay", "-", "--generations", "none,none"], /expected each generation once/],
    [["replay", "-", "--limit", "-3"], /--limit: "-3", expected a whole number/],
    [["replay", "-", "--resident", "12 bananas"], /--resident: "12 bananas", expected a size/],
    [["replay", "-", "--resident", "1MiB"], /resident: 1048576 bytes, expected 64 MiB to 4 GiB/],
    [["replai"], /unknown command/],
  ];
  for (const [args, message] of misuses) {
    const { code, out, lines } = cloister(args, LINES);
    assert.is(code, 1, args.join(" "));
    assert.is(out, "");
    assert.match(lines.join("\n"), message);
  }
});

test("bad input ends with 2 and one line that says where", () => {
  const random = Uint8Array.from(
    { length: 4096 },
    (_, i) => (Math.imul(i, 2654435761) >>> 13) & 0xff,
  );
  const bad: [string, string | Uint8Array, RegExp][] = [
    ["malformed", `${LINES}X 123\n`, /:5:1: /],
    ["size 0", " L 1000,0\n", /:1:.*expected 1 to 4096/],
    ["size 4097", " L 1000,4097\n", /:1:.*expected 1 to 4096/],
    ["not canonical", " L 800000000000,8\n", /:1:.*canonical/],
    ["no records", "==1== nothing\n", /no record in 1 line/],
    ["empty", "", /empty, expected a trace/],
    ["random", random, /expected valgrind lackey text/],
    ["cut gzip", gzipSync(LINES.repeat(999)).subarray(0, 60), /byte 60: .*cut short/],
    ["kernel address", " L ffff888000000000,8\n", /kernel's half/],
  ];
  for (const [what, input, message] of bad) {
    const { code, out, lines } = cloister(["replay", "-"], input);
    assert.is(code, 2, what);
    assert.is(out, "", what);
    assert.is(lines.length, 1, `${what}: ${lines.join(" | ")}`);
    assert.match(lines[0] as string, message);
  }
});

test("a directory, a missing file and a cut .cltr are named", () => {
  inFolder((folder) => {
    assert.match(cloister(["replay", folder]).lines[0] as string, /a directory, expected a trace/);
    const missing = cloister(["replay", join(folder, "none")]);
    assert.is(missing.code, 2);
    assert.match(missing.lines[0] as string, /no such file/);
    const cut = join(folder, "cut.cltr.gz");
    writeFileSync(cut, readFileSync(TRACE).subarray(0, 5000));
    const { code, lines } = cloister(["replay", cut]);
    assert.is(code, 2);
    assert.match(lines[0] as string, /cut\.cltr\.gz: byte 5000: /);
  });
});

test("a trace larger than resident memory ends with 2 and names the option", () => {
  const pages = Array.from(
    { length: 30_000 },
    (_, i) => ` S ${(0x10000000 + i * 4096).toString(16)},8\n`,
  );
  const { code, lines } = cloister(["replay", "-", "--resident", "64MiB"], pages.join(""));
  assert.is(code, 2);
  assert.match(lines[0] as string, /all 64 MiB are in use.*--resident/);
});

test("--out writes the report, and nothing when the input is bad", () => {
  inFolder((folder) => {
    const file = join(folder, "report.json");
    assert.is(cloister(["replay", "-", "--out", file], `${LINES}garbage\n`).code, 2);
    assert.equal(readdirSync(folder), []);
    const good = cloister(["replay", "-", "--out", file, "--json"], LINES);
    assert.is(good.code, 0);
    assert.is(readFileSync(file, "utf8"), good.out);
    assert.is(cloister(["replay", "-", "--out", join(folder, "no", "file")], LINES).code, 2);
    assert.not.ok(existsSync(join(folder, "no")));
  });
});

test("a closed stdout ends quietly", async () => {
  const child = spawn(process.execPath, [MAIN, "replay", "-", "--json"], {
    stdio: ["pipe", "pipe", "pipe"],
  });
  let heard = "";
  child.stderr.on("data", (data: Buffer) => {
    heard += data;
  });
  child.stdout.destroy();
  child.stdin.end(LINES);
  const code = await new Promise((done) => child.on("close", done));
  assert.is(heard, "");
  assert.is(code, 0);
});

test("Ctrl-C prints what is done so far and ends with 130", async () => {
  const child = spawn(process.execPath, [MAIN, "replay", "-"], { stdio: ["pipe", "pipe", "pipe"] });
  let out = "";
  child.stdout.on("data", (data: Buffer) => {
    out += data;
  });
  // A full batch, so that it is run while more is awaited on the open pipe; then the interrupt.
  // Not sooner: before the program is up, an interrupt would end it like any other, and break the pipe under the write.
  const read = new Promise((done) => child.stdin.write(LINES.repeat(20_000), done));
  const ended = new Promise((done) => child.on("close", done));
  await read;
  const asking = setInterval(() => child.kill("SIGINT"), 1500);
  const code = await ended;
  clearInterval(asking);
  assert.is(code, 130);
  assert.match(out, /sampled: interrupted after 65536 records/);
  assert.match(out, /every value equals the flat reference's in 6 of 6/);
});
