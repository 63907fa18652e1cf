// cloister costs and compare, and replay's exports, as a person at a shell meets them.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { costRows } from "../../dist/index.js";
import { costsSchema } from "../../dist/replay/cost/schema.js";
import { assert, suite } from "../kit.ts";

const MAIN = "dist/cli/main.js";
const TRACE = "examples/traces/gzip.cltr.gz";
const SHORT = ["--limit", "3000", "--generations", "none,sev-snp"];

const test = suite("cloister costs, compare and exports");

function cloister(...args: string[]) {
  const run = spawnSync(process.execPath, [MAIN, ...args], { encoding: "utf8" });
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

test("costs prints every constant with its source, and as JSON a file that --costs takes", () => {
  const { code, out } = cloister("costs", "--chip", "genoa");
  assert.is(code, 0);
  for (const { key } of costRows("genoa")) assert.ok(out.includes(key), key);
  inFolder((folder) => {
    const file = join(folder, "costs.json");
    writeFileSync(file, cloister("costs", "--chip", "genoa", "--json").out);
    assert.is(JSON.parse(readFileSync(file, "utf8")).dramLatency, 129);
    const { code, out } = cloister("costs", "--costs", file, "--json");
    assert.is(code, 0);
    assert.is(JSON.parse(out).dramLatency, 129);
  });
});

// content of the file, and the line it earns
const WRONG: [string, RegExp][] = [
  ["{", /costs\.json: not JSON/],
  ["[]", /costs\.json: expected an object of costs/],
  ['{"aess": 1}', /costs\.json: "aess" is no cost; `cloister costs` lists/],
  ['{"toString": 1}', /"toString" is no cost/],
  ['{"aes": -1}', /costs\.json: aes: -1, expected 0 or more \(ns\)/],
  ['{"aes": "8"}', /costs\.json: aes: "8", expected a number \(ns\)/],
  ['{"aes": null}', /aes: null, expected a number/],
  ['{"clock": 0}', /clock: 0, expected more than 0 \(GHz\)/],
  ['{"l2Ways": 1.5}', /l2Ways: 1.5, expected a whole number \(ways\)/],
  [
    '{"l2Bytes": 100000}',
    /costs: l2 of 1562.5 entries in 16 ways has .* sets, expected a power of two/,
  ],
  ['{"aes": 1e300}', /aes: 1e\+300, expected at most 2\^40/],
];

test("a wrong cost is bad input: one line that names file, constant, what was seen and expected", () => {
  inFolder((folder) => {
    const file = join(folder, "costs.json");
    for (const [content, line] of WRONG) {
      writeFileSync(file, content);
      const { code, lines } = cloister("replay", TRACE, ...SHORT, "--costs", file);
      assert.is(code, 2, content);
      assert.is(lines.length, 1, content);
      assert.match(lines[0]!, line);
    }
    const missing = cloister("costs", "--costs", join(folder, "none.json"));
    assert.is(missing.code, 2);
    assert.match(missing.lines[0]!, /none\.json: cannot be read \(ENOENT\)/);
  });
});

test("a wrong --numa, --backing, --vms or --repeat is misuse", () => {
  for (const wrong of [
    ["--numa", "far"],
    ["--backing", "eager"],
    ["--vms", "0"],
    ["--repeat", "0"],
  ]) {
    const { code, lines } = cloister("replay", TRACE, ...wrong);
    assert.is(code, 1, wrong.join(" "));
    assert.ok(lines[0]!.includes(`${wrong[0]}: "${wrong[1]}", expected`), lines[0]!);
  }
  assert.is(cloister("replay", "-", "--repeat", "2").code, 1);
});

test("the published schema is the one that the constants give", () => {
  const published = JSON.parse(readFileSync("docs/costs.schema.json", "utf8"));
  assert.equal(published, costsSchema());
});

test("docs/cost-model.md has a row for every constant, with its values, unit and source", () => {
  const page = readFileSync("docs/cost-model.md", "utf8");
  const parts = ["naples", "rome", "milan", "genoa", "turin"] as const;
  const rows = parts.map((part) => costRows(part));
  rows[0]!.forEach(({ key, unit, source }, index) => {
    const values = rows.map((of) => of[index]!.value);
    const cells = new Set(values).size === 1 ? [values[0]] : values;
    const row = `| \`${key}\` | ${cells.join(" / ")} | ${unit} | ${source} |`;
    assert.ok(page.includes(row), row);
  });
});

test("several traces give several reports; CSV, Markdown and hyperfine's JSON have a row for each generation", () => {
  inFolder((folder) => {
    const at = (name: string) => join(folder, name);
    const files = ["--csv", at("a.csv"), "--markdown", at("a.md"), "--export-json", at("a.json")];
    const args = [
      "replay",
      TRACE,
      TRACE,
      ...SHORT,
      "--repeat",
      "3",
      "--out",
      at("r.json"),
      ...files,
    ];
    assert.is(cloister(...args).code, 0);
    const reports = JSON.parse(readFileSync(at("r.json"), "utf8"));
    assert.is(reports.length, 2);
    assert.is(reports[0].trace.name, TRACE);
    assert.is(reports[0].generations[0].times.length, 3);
    assert.is(readFileSync(at("a.csv"), "utf8").trim().split("\r\n").length, 5);
    assert.is(readFileSync(at("a.md"), "utf8").trim().split("\n").length, 6);
    const { results } = JSON.parse(readFileSync(at("a.json"), "utf8"));
    assert.is(results.length, 4);
    for (const { command, mean, stddev, median, min, max, times } of results) {
      assert.match(command, /gzip\.cltr\.gz (none|sev-snp)$/);
      assert.ok(min <= median && median <= max && min <= mean && mean <= max && stddev >= 0);
      assert.is(times.length, 3);
    }
    const compared = cloister("compare", at("r.json"), at("r.json"));
    assert.is(compared.code, 0);
    assert.is(compared.out.match(/sev-snp/g)?.length, 4);
    // Of several reports in one file, each says its trace.
    assert.is(compared.out.match(/r\.json: .*gzip\.cltr\.gz/g)?.length, 8);
  });
});

/** A report as far as `compare` reads it. */
const report = (...rows: string[]) =>
  `{"schema":"cloister.replay/1","chip":"turin","pageSize":"4k","numa":"local","trace":{},"generations":[${rows}]}`;

test("compare says what is wrong with a file, and leaves none half written", () => {
  inFolder((folder) => {
    const [bad, csv] = [join(folder, "bad.json"), join(folder, "a.csv")];
    const cases: [string, RegExp][] = [
      ["", /bad\.json: not JSON/],
      ["[]", /bad\.json: no report/],
      ["null", /bad\.json: schema nothing, expected a report/],
      [
        '{"schema":"cloister.replay/0"}',
        /schema "cloister.replay\/0", expected a report with "cloister.replay\/1"/,
      ],
      [report("null"), /bad\.json: generations\[0\]: null, expected an object/],
      [report("{}"), /bad\.json: generations\[0\]: generation: nothing, expected text/],
      [report('{"generation":"sev","wallSeconds":"1"}'), /wallSeconds: "1", expected a number/],
      [report('{"generation":"sev","times":[1,null]}'), /times: \[1,null\], expected numbers/],
      [
        `[${report()}, ${report('{"generation":"sev","modelled":{}}')}]`,
        /bad\.json: \[1\]: generations\[0\]\.modelled: nanoseconds: nothing, expected a number/,
      ],
      ['{"schema":"cloister.replay/1"}', /bad\.json: chip: nothing, expected text/],
    ];
    for (const [content, line] of cases) {
      writeFileSync(bad, content);
      const { code, lines } = cloister("compare", bad, "--csv", csv);
      assert.is(code, 2, content);
      assert.match(lines[0]!, line);
    }
    assert.not(existsSync(csv));
  });
});

test("--no-model charges nothing", () => {
  const { out } = cloister("replay", TRACE, ...SHORT, "--no-model", "--json");
  const report = JSON.parse(out);
  assert.is(report.model, undefined);
  assert.ok(report.generations.every((row: { modelled?: unknown }) => row.modelled === undefined));
});
