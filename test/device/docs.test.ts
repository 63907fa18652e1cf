import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, suite } from "../kit.ts";

const test = suite("docs/device.md");

const text = readFileSync(new URL("../../docs/device.md", import.meta.url), "utf8");
const dist = new URL("../../dist/", import.meta.url).href;

test("its program runs and prints a started interface", () => {
  const program = /```ts\n([^`]+)```/.exec(text)![1]!;
  const folder = mkdtempSync(join(tmpdir(), "cloister-"));
  const file = join(folder, "program.mjs");
  const plain = program
    .replace(/"cloister\/(\w+)"/g, `"${dist}$1/index.js"`)
    .replace(/: Uint8Array/g, "");
  writeFileSync(file, plain);
  const ran = spawnSync(process.execPath, [file], { encoding: "utf8" });
  rmSync(folder, { recursive: true });
  assert.is(ran.status, 0, ran.stderr);
  assert.match(ran.stdout, /state: 'RUN'/);
});

test("it names every option that serve and connect have", () => {
  const main = new URL("../../dist/cli/main.js", import.meta.url).pathname;
  for (const verb of [
    ["device", "serve"],
    ["device", "state"],
    ["tio", "connect"],
  ]) {
    const help = spawnSync(process.execPath, [main, ...verb, "--help"], {
      encoding: "utf8",
    }).stdout;
    const known = new Set(["--help", "--json", "--timeout", "--report"]);
    for (const [option] of help.matchAll(/--[a-z-]+/g)) {
      if (!known.has(option)) assert.is(text.includes(option), true, `${verb.join(" ")} ${option}`);
    }
  }
});
