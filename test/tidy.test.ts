// What the tree promises of itself: sizes, words that must not stand in it, and who may import whom. DESIGN.md 1.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { assert, suite } from "./kit.ts";

const test = suite("the tree");

const MOST_LINES = 350;
const MOST_COLUMNS = 133;

const under = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => /\.(ts|mjs)$/.test(file) && !file.endsWith(".d.ts"))
    .filter((file) => !/(^|\/)(vectors|generated)\//.test(file))
    .map((file) => join(folder, file));

const sources = [...under("assembly"), ...under("ts")];
const everything = [...sources, ...under("test")];
const text = (file: string) => readFileSync(file, "utf8");

/** Lines of these files that match, as file:line. */
function found(files: string[], pattern: RegExp): string[] {
  return files.flatMap((file) =>
    text(file)
      .split("\n")
      .flatMap((line, i) => (pattern.test(line) ? [`${file}:${i + 1}: ${line.trim()}`] : [])),
  );
}

// What may be wider: one string, and a row of a table by a constant of the specification.
const WIDE_LINE = new RegExp(
  `^(?! *["\`].*["\`],?$)(?! *\\[[\\w.]+\\]: .*,$).{${MOST_COLUMNS + 1}}`,
);

test("no file is long, and no line is wide", () => {
  const long = everything.filter((file) => text(file).trimEnd().split("\n").length > MOST_LINES);
  assert.equal(long, []);
  assert.equal(found(sources, WIDE_LINE), []);
});

test("every source file says first what it is", () => {
  const silent = sources.filter((file) => !/^(#!.*\n)?\/\/ \S.*/.test(text(file)));
  assert.equal(silent, []);
});

// A word, the files it must not stand in, and the files that are the exception.
const words: [RegExp, string[], string[]][] = [
  [/\b(TODO|FIXME|XXX)\b/, sources, []],
  [/console\.log/, sources, []],
  // The command line is where the user's clock comes in.
  [
    /Date\.now|new Date\(\)|performance\.now/,
    under("ts").filter((file) => !file.startsWith("ts/cli/")),
    ["ts/clock.ts"],
  ],
  // ... and the machine's chance, for the device that a stranger connects to.
  [/Math\.random|randomBytes|getRandomValues|randomUUID/, under("ts"), ["ts/cli/host.ts"]],
  [/@ts-(ignore|nocheck|expect-error)/, everything, ["test/tidy.test.ts"]],
  [/@inline/, under("assembly").filter((file) => !/@inline.*\/\/.*bench/.test(text(file))), []],
  [/\bsetTimeout\b|Date\.now|Math\.random/, under("test/assembly"), []],
];

test("no unfinished words, no clock and no chance that was not passed in", () => {
  for (const [word, files, exceptions] of words)
    assert.equal(
      found(
        files.filter((file) => !exceptions.includes(file)),
        word,
      ),
      [],
      `${word}`,
    );
});

/** The files of this package that a file imports, types included, without extension. */
function importsOf(file: string): string[] {
  const specifiers = [...text(file).matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]+)"/g)];
  return specifiers.map(([, path]) =>
    normalize(join(dirname(file), path as string)).replace(/\.(ts|js)$/, ""),
  );
}

/** What the files of a folder import although they must not, or beside what they may. */
function strays(folder: string, allowed: (path: string) => boolean): string[] {
  return under(folder).flatMap((file) =>
    importsOf(file)
      .filter((path) => !allowed(path))
      .map((path) => `${file} imports ${path}`),
  );
}

const starts =
  (...folders: string[]) =>
  (path: string) =>
    folders.some((folder) => path.startsWith(folder));
const not = (test: (path: string) => boolean) => (path: string) => !test(path);

// A folder, what its files may import, and why in DESIGN.md's words.
const roads: [string, (path: string) => boolean, string][] = [
  [
    "assembly",
    starts("assembly/", "ts/abi/"),
    "nothing in assembly/ knows a policy, a certificate or a command name",
  ],
  ["ts/abi", () => false, "a table imports nothing"],
  [
    "ts/hypervisor",
    not(starts("ts/psp", "ts/core")),
    "the hypervisor reaches the firmware only by the mailbox",
  ],
  ["ts/attack", not(starts("ts/psp", "ts/core")), "an attacker has the host's view"],
  [
    "ts/psp",
    not(starts("ts/hypervisor", "ts/core", "ts/attack")),
    "the firmware trusts no hypervisor",
  ],
  [
    "ts/attest",
    not(starts("ts/psp", "ts/core", "ts/platform")),
    "the verifier works on real hardware's reports",
  ],
  [
    "ts/launch",
    not(starts("ts/psp", "ts/hypervisor", "ts/core", "ts/platform")),
    "a guest's owner computes a digest without the machine",
  ],
  ["ts/guest", not(starts("ts/psp", "ts/core")), "a guest's accesses go through its port"],
];

test("no road is left: each folder imports what its side may know", () => {
  const folders = readdirSync("ts");
  for (const [folder, allowed, why] of roads) {
    if (folder !== "assembly" && !folders.includes(folder.slice(3))) continue;
    assert.equal(strays(folder, allowed), [], why);
  }
});

const RAW = [
  "ts/core.ts",
  "ts/replay/reader/decode.ts",
  "ts/replay/reader/decoding.ts",
  "ts/replay/reader/cltr-decoder.ts",
  "ts/replay/port.ts",
  "ts/replay/reference.ts",
  "ts/replay/cost/model.ts",
];

test("only the core's wrapper and the replay's own touch the raw exports", () => {
  const others = under("ts").filter((file) => !file.startsWith("ts/core/") && !RAW.includes(file));
  assert.equal(found(others, /\bexports[.[]/), []);
  const values = /import (?!type\b)[^;]*\bfrom "[^"]*\/silicon\.ts"/;
  assert.equal(
    others.filter((file) =>
      values.test(
        text(file)
          .replace(/\n/g, " ")
          .replace(/type \w+,?/g, ""),
      ),
    ),
    [],
  );
});

test("constants live in ts/abi/: assembly/ declares no enum and no namespace", () => {
  assert.equal(found(under("assembly"), /\bexport const enum\b|\bnamespace\b/), []);
});
