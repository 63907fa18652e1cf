// Everything a world runs, as JavaScript: the sources, the tests, and each mutant of a TypeScript source. One run of tsc each,
// without types, so that a mutant costs a process that starts at once.
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

const LINKS = ["node_modules", "build", "examples", "package.json"];
// What asks for no types, and what finds a name that a mutant lost: such a mutant would die of that, whatever the tests say.
const PLAIN = { declaration: false, declarationMap: false, sourceMap: false, types: [] };
const NO_SUCH_NAME = /^.*error TS(?:1\d{3}|2304|2552):.*$/gm;

type Options = Record<string, unknown>;

/** Runs tsc over folders. Answers what it says. */
function tsc(at: string, include: string[], compilerOptions: Options): string {
  const config = join(at, "tsconfig.json");
  const options = { ...PLAIN, isolatedDeclarations: false, noResolve: true, ...compilerOptions };
  const base = resolve("tsconfig.json");
  writeFileSync(config, JSON.stringify({ extends: base, compilerOptions: options, include }));
  try {
    return execFileSync("npx", ["--no-install", "tsc", "-p", config], { encoding: "utf8" });
  } catch (error) {
    return (error as { stdout: string }).stdout;
  }
}

function must(said: string): void {
  if (said) throw new Error(said);
}

/** Fills a folder with the package as built, but for its core, with the tests, and with the sources. */
export function emitTree(root: string): void {
  mkdirSync(root, { recursive: true });
  const noCheck = true;
  const rootDir = resolve(".");
  must(tsc(root, [resolve("ts")], { noCheck, rootDir: resolve("ts"), outDir: join(root, "dist") }));
  must(tsc(root, [resolve("test"), resolve("ts/abi")], { noCheck, rootDir, outDir: root }));
  cpSync("test", join(root, "test"), { recursive: true, filter: (name) => !name.endsWith(".ts") });
  // What the core's compiler reads: a run takes minutes, and the sources may change meanwhile.
  for (const name of ["assembly", "ts"]) cpSync(name, join(root, name), { recursive: true });
  for (const name of LINKS) symlinkSync(resolve(name), join(root, name));
}

/** Compiles changed sources, whose names start with a number of their own, to the same names in `root`/emitted. */
export function emitChanged(root: string, changed: Map<string, string>): void {
  const from = join(root, "changed");
  mkdirSync(from);
  writeFileSync(join(root, "package.json"), '{ "type": "module" }');
  for (const [name, text] of changed) {
    mkdirSync(dirname(join(from, name)), { recursive: true });
    writeFileSync(join(from, name), text);
  }
  if (changed.size === 0) return;
  const wrong = tsc(root, [from], { rootDir: from, outDir: join(root, "emitted") }).match(
    NO_SUCH_NAME,
  );
  if (wrong) throw new Error(wrong.join("\n"));
}
