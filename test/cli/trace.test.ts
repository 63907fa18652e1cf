// cloister capture, convert, generate trace, trace info and replay --timeline, as a person at a shell meets them.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { capture } from "../../dist/cli/capture.js";
import { convert } from "../../dist/cli/convert.js";
import { generate } from "../../dist/cli/generate.js";
import { replay } from "../../dist/cli/replay.js";
import { trace } from "../../dist/cli/trace.js";
import { assert, skip, suite } from "../kit.ts";
import { expecting, typing } from "./typed.ts";

const test = suite("cloister capture, convert, generate trace and trace info");

const MAIN = "dist/cli/main.js";
const typed = expecting(typing(replay, capture, convert, generate, trace));
const hasValgrind = spawnSync("valgrind", ["--version"]).status === 0;

async function inFolder(act: (at: (name: string) => string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "cloister-"));
  try {
    await act((name) => join(folder, name));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const info = async (path: string) => JSON.parse(await typed(0, "trace", "info", path, "--json"));
const make = (out: string, records = "3000", pattern = "stream", ...more: string[]) =>
  typed(
    0,
    "generate",
    "trace",
    pattern,
    "--footprint",
    "1MiB",
    "--records",
    records,
    "-o",
    out,
    ...more,
  );

test("every pattern makes as many records as asked, the same twice, and says the command that made it", async () => {
  await inFolder(async (at) => {
    for (const pattern of ["stream", "chase", "psc", "virtio", "boot"]) {
      await make(at("a.cltr"), "3001", pattern, "--seed", "5");
      await make(at("b.cltr"), "3001", pattern, "--seed", "5");
      assert.equal(readFileSync(at("a.cltr")), readFileSync(at("b.cltr")), pattern);
      const { counts, command, format } = await info(at("a.cltr"));
      assert.is(counts.records, 3001);
      assert.is(format, "cltr");
      assert.match(
        command,
        `generate trace ${pattern} --footprint 1048576 --records 3001 --seed 5`,
      );
    }
  });
});

test("what generate cannot make is misuse, named, and leaves nothing", async () => {
  await inFolder(async (at) => {
    const wrong: [string[], RegExp][] = [
      [["streem"], /pattern: "streem", expected one of stream/],
      [["stream", "--footprint", "64MB"], /--footprint: "64MB", expected a size/],
      [["stream", "--footprint", "1"], /footprint: 1 bytes, expected 64 KiB to 1 TiB/],
      [["stream", "--records", "0"], /--records: "0", expected a whole number from 1/],
      [["stream", "--to", "fio"], /--to: "fio", expected one of cltr/],
    ];
    for (const [args, line] of wrong)
      assert.match(await typed(1, "generate", "trace", ...args, "-o", at("x")), line);
    assert.match(
      await typed(2, "generate", "trace", "boot", "-o", at("x"), "--to", "lackey"),
      /record 4: exit, expected what lackey can say/,
    );
    assert.match(
      await typed(2, "generate", "trace", "boot", "-o", at("none/x")),
      /none\/x: cannot be written \(ENOENT\)/,
    );
    assert.equal(readdirSync(at(".")), []);
  });
});

test("a trace goes through every written format and back, in whole and in part", async () => {
  await inFolder(async (at) => {
    await make(at("a.cltr.gz"), "3000", "chase");
    const { counts } = await info(at("a.cltr.gz"));
    for (const format of ["lackey", "drmemtrace", "cltr"]) {
      await typed(0, "convert", at("a.cltr.gz"), at("b"), "--to", format);
      const back = await info(at("b"));
      assert.is(back.format, format);
      assert.equal(back.counts, counts);
    }
    for (const format of ["pinatrace", "dramsim3", "ramulator"]) {
      await typed(0, "convert", at("a.cltr.gz"), at("b.gz"), "--to", format);
      assert.is((await info(at("b.gz"))).format, format);
    }
    const part = ["--sample", "10/100", "--skip", "50", "--limit", "200"];
    await typed(0, "convert", at("a.cltr.gz"), at("c.cltr"), ...part);
    const { counts: kept, sampled } = await info(at("c.cltr"));
    assert.is(kept.records, 200);
    assert.is(sampled, "the first 10 of every 100 records; of these 200 records from number 50 on");
    assert.match(
      await typed(2, "convert", at("a.cltr.gz"), at("d"), "--format", "kvm"),
      /a\.cltr\.gz: byte 0: cltr, expected kvm as --format says/,
    );
    assert.match(
      await typed(1, "convert", at("a.cltr.gz"), at("d"), "--sample", "5/3"),
      /N below M/,
    );
    assert.not(existsSync(at("d")));
  });
});

test("a link is written through, not replaced; so is a device", async () => {
  await inFolder(async (at) => {
    writeFileSync(at("real.cltr"), "");
    symlinkSync(at("real.cltr"), at("link.cltr"));
    await make(at("link.cltr"));
    assert.ok(lstatSync(at("link.cltr")).isSymbolicLink());
    assert.is((await info(at("real.cltr"))).counts.records, 3000);
    await typed(0, "replay", at("real.cltr"), "--generations", "none", "--out", at("link.cltr"));
    assert.match(readFileSync(at("real.cltr"), "utf8"), /"schema": "cloister.replay\/1"/);
    assert.ok(lstatSync(at("link.cltr")).isSymbolicLink());
  });
});

test("--timeline is Chrome's trace events: a track and counters for each generation, in order", async () => {
  await inFolder(async (at) => {
    await make(at("a.cltr"), "150000");
    const run = ["replay", at("a.cltr"), "--generations", "none,sev-snp", "--no-model"];
    await typed(0, ...run, "--timeline", at("t.json"));
    const { traceEvents, displayTimeUnit } = JSON.parse(readFileSync(at("t.json"), "utf8"));
    assert.is(displayTimeUnit, "ns");
    const of = (ph: string) => traceEvents.filter((event: { ph: string }) => event.ph === ph);
    assert.equal(
      of("M").map((event: { args: { name: string } }) => event.args.name),
      ["none", "sev-snp"],
    );
    for (const tid of [1, 2]) {
      const ran = of("X").filter((event: { tid: number }) => event.tid === tid);
      assert.equal(
        ran.map((event: { args: { records: number } }) => event.args.records),
        [65536, 65536, 150000 - 131072],
      );
      assert.ok(ran.every(({ ts, dur }: { ts: number; dur: number }) => ts >= 0 && dur >= 0));
    }
    const last = of("C").at(-1);
    assert.is(last.name, "sev-snp events");
    assert.ok(last.args.rmpupdates > 0);
  });
});

test("capture without valgrind says how to get it", () => {
  const run = spawnSync(process.execPath, [MAIN, "capture", "-o", "/nowhere/x", "--", "true"], {
    env: { PATH: "/nowhere" },
    encoding: "utf8",
  });
  assert.is(run.status, 2);
  assert.match(run.stderr, /^cloister: valgrind: not found, .* apt install valgrind/);
});

test("capture keeps what was asked for of a program's run, and says which part it is", async () => {
  if (!hasValgrind) return skip("cloister capture", "no valgrind");
  await inFolder(async (at) => {
    const out = at("a.cltr.gz");
    await typed(0, "capture", "-o", out, "--skip", "1000", "--limit", "5000", "--", "true", "it's");
    const { counts, command, sampled } = await info(out);
    assert.is(counts.records, 5000);
    assert.is(sampled, "from record 1000 on, at most 5000 records");
    assert.is(
      command,
      "valgrind --tool=lackey --trace-mem=yes --trace-syscalls=yes true 'it'\\''s'",
    );
    // The program itself runs to its end here.
    await typed(0, "capture", "-o", out, "--sample", "10/1000", "--", "sh", "-c", "exit 7");
    assert.match((await info(out)).sampled, /^the first 10 of every 1000 records$/);
    assert.match(
      await typed(2, "capture", "-o", at("b"), "--", "/no/such/program"),
      /valgrind \/no\/such\/program: ended with exit code 127/,
    );
    assert.equal(readdirSync(at(".")), ["a.cltr.gz"]);
  });
});

const LATEST_MS = 20_000;

/** Sends a signal again and again once `ready`; answers the exit code, or the signal that ended the process. */
async function ended(child: ChildProcess, signal: NodeJS.Signals, ready: () => boolean) {
  const asking = setInterval(() => ready() && child.kill(signal), 20);
  const giveUp = setTimeout(() => child.kill("SIGKILL"), LATEST_MS);
  const how = await new Promise((done) => child.once("exit", (code, by) => done(code ?? by)));
  clearInterval(asking);
  clearTimeout(giveUp);
  return how;
}

const SIGNALS: [NodeJS.Signals, number][] = [
  ["SIGINT", 130],
  ["SIGTERM", 143],
];
const ENDLESS = ["generate", "trace", "chase", "--records", "1000000000"];
for (const [signal, code] of SIGNALS) {
  test(`${signal} ends generate, convert and capture with ${code}, and leaves no file`, async () => {
    await inFolder(async (at) => {
      const parts = () => readdirSync(at(".")).some((name) => name.endsWith(".part"));
      const runs = [
        [...ENDLESS, "-o", at("g.cltr.gz")],
        // Its input stays open, and says no more.
        ["convert", "-", at("v.cltr")],
        ...(hasValgrind ? [["capture", "-o", at("c.gz"), "--", "sleep", "60"]] : []),
      ];
      for (const args of runs) {
        const stdio = ["pipe", "ignore", "ignore"] as const;
        const child = spawn(process.execPath, [MAIN, ...args], { stdio: [...stdio] });
        child.stdin?.on("error", () => {});
        child.stdin?.write(" L 1000,8\n".repeat(70_000));
        assert.is(await ended(child, signal, parts), code, args[0]);
      }
      assert.equal(readdirSync(at(".")), []);
    });
  });
}

test("a trace that goes to a pipe ends with the signal too", async () => {
  const child = spawn(process.execPath, [MAIN, ...ENDLESS, "-o", "-"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  let came = 0;
  child.stdout?.on("data", (data: Buffer) => {
    came += data.length;
  });
  assert.is(await ended(child, "SIGTERM", () => came > 0), 143);
});
