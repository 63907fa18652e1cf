// cloister matrix, losses and attack, as a person at a shell meets them.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, suite } from "../kit.ts";

const test = suite("cloister matrix, losses and attack");

function cloister(...args: string[]) {
  const run = spawnSync(process.execPath, ["dist/cli/main.js", ...args], { encoding: "utf8" });
  return { code: run.status, out: run.stdout, error: run.stderr.trim() };
}

test("matrix prints a row a threat, and its cells as JSON without their events", () => {
  const few = ["matrix", "--threats", "dram-read,replay", "--generations", "sme,sev-snp"];
  const { code, out } = cloister(...few);
  assert.is(code, 0);
  assert.match(out, /dram-read\s+│ yes ciphertext\s+│ yes ciphertext/);
  assert.match(out, /replay\s+│ no {2}stale data\s+│ yes fault/);
  const { cells } = JSON.parse(cloister(...few, "--json").out);
  assert.equal(cells[0], {
    generation: "sme",
    threat: "dram-read",
    protected: true,
    got: "ciphertext",
    via: "the chips' bytes",
  });
  assert.is(cells.length, 4);
});

test("explain tells what happened in one cell", () => {
  const { code, out } = cloister("matrix", "--explain", "sev-snp/replay");
  assert.is(code, 0);
  assert.match(out, /store .* was refused: #PF of the host, error 0x80000003 \(P, W, RMP\)/);
  assert.match(out, /\nprotected: fault, #VC 0x404/);
});

test("losses prints a row a loss, its reasons as JSON, and the story of one", () => {
  const few = ["losses", "--generations", "none,sev-snp"];
  const { code, out } = cloister(...few);
  assert.is(code, 0);
  assert.match(out, /ksm\s+│ works\s+│ no: nothing to merge/);
  const { losses } = JSON.parse(cloister(...few, "--json").out);
  assert.equal(losses[0], {
    generation: "none",
    loss: "nested-virtualization",
    works: true,
    got: "a guest in a guest",
    via: "it ran, and left by VMEXIT_HLT",
  });
  const story = cloister("losses", "--explain", "sev-snp/cpu-hotplug").out;
  assert.match(story, /LAUNCH_UPDATE of a VMSA answers INVALID_GUEST_STATE/);
  assert.match(story, /\nlost: not entered, /);
  const long = cloister("losses", "--explain", "sev-snp/nested-virtualization").out;
  assert.match(long, /\.\.\. and 511 more of these\n/);
});

test("the examples' attacks succeed on every generation that they run on", () => {
  for (const name of ["page-trace", "same-ciphertext"]) {
    const { code, out } = cloister("attack", `examples/attacks/${name}.mjs`, "--json");
    assert.is(code, 0);
    const { cells } = JSON.parse(out) as { cells: { protected: boolean; events: string[] }[] };
    assert.is(cells.length, 6);
    for (const cell of cells) assert.is(cell.protected, false, name);
  }
});

const WRONG: [string[], number, RegExp][] = [
  [["matrix", "--explain", "sev-snp"], 1, /--explain: "sev-snp", expected GENERATION\/THREAT/],
  [["matrix", "--explain", "tdx/replay"], 1, /--explain: "tdx", expected one of none/],
  [["matrix", "--explain", "sev/nothing"], 1, /--explain: "nothing", expected one of dram-read/],
  [
    ["matrix", "--explain", "sev-tio/replay", "--chip", "milan"],
    1,
    /has no SEV-TIO; it came with Turin/,
  ],
  [["matrix", "--threats", "all"], 1, /--threats: "all", expected one of/],
  [["matrix", "--chip", "venice"], 1, /--chip: "venice"/],
  [["losses", "--explain", "sev/replay"], 1, /--explain: "replay", expected one of nested-/],
  [["losses", "--explain", "sev"], 1, /--explain: "sev", expected GENERATION\/LOSS/],
  [["attack", "no-such.mjs"], 2, /no-such\.mjs: no such file, expected an ES module/],
  [["attack", "examples"], 2, /examples: not a file/],
];

test("what is wrong is named in one line", () => {
  for (const [args, code, message] of WRONG) {
    const run = cloister(...args);
    assert.is(run.code, code, args.join(" "));
    assert.match(run.error, message);
    assert.is(run.error.split("\n").length, 1);
    assert.is(run.out, "");
  }
});

const MODULES: [string, RegExp][] = [
  ["export default {", /mine\.mjs: /],
  ["export const a = 1;", /default export is not \{threat, title, run\(scene\)\}/],
  [
    "export default { threat: 'x', run: () => 1 };",
    /x: run\(\) answered 1, expected \{protected, got, via\}/,
  ],
];

test("a module that is no attack is bad input", () => {
  const folder = mkdtempSync(join(tmpdir(), "cloister-"));
  try {
    const path = join(folder, "mine.mjs");
    for (const [text, message] of MODULES) {
      writeFileSync(path, text);
      const run = cloister("attack", path, "--generations", "none");
      assert.is(run.code, 2, text);
      assert.match(run.error, message);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});
