// node --import tsx test/docs.ts CONSUMER: runs the documents' code blocks against the package installed in CONSUMER.
//
// The rule: a ```js block is an ES module and runs. A ```sh block runs when each of its commands starts with `npx cloister`, with
// `node examples/`, or with `npm run`; `npm ci`, `npm start` and `npm test` are .ci/run's own. A fence that says `no-run` does not run. The blocks of
// one document share a folder, from top to bottom; `npm run` blocks run in the checkout.
import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, join, resolve } from "node:path";

interface Block {
  document: string;
  line: number;
  language: string;
  noRun: boolean;
  code: string;
}

const LIMIT_MS = 180_000;
const CI_COMMANDS = /^npm (ci|start|test|install)\b/;

const consumer = resolve(process.argv[2] ?? "");
if (!existsSync(join(consumer, "node_modules/cloister"))) {
  throw new Error(
    `${consumer}: no node_modules/cloister, expected a folder with the package installed`,
  );
}

/** The fenced blocks of a document. */
function blocksOf(document: string): Block[] {
  const text = readFileSync(document, "utf8");
  return [...text.matchAll(/^```([a-z]*)([^\n]*)\n(.*?)^```$/gms)].map((match) => ({
    document,
    line: text.slice(0, match.index).split("\n").length,
    language: match[1] ?? "",
    noRun: /\bno-run\b/.test(match[2] ?? ""),
    code: match[3] ?? "",
  }));
}

/** The commands of a shell block: comments, empty lines and the rest of a continued line left out. */
function commandsOf(code: string): string[] {
  return code
    .replace(/\\\n/g, " ")
    .split("\n")
    .flatMap((line) => line.replace(/(^|\s)#.*/, "").split("&&"))
    .map((command) => command.trim())
    .filter((command) => command !== "");
}

/** The command line and folder that run a block; undefined for one that the rule leaves alone. */
function runOf(block: Block, folder: string): { command: string[]; cwd: string } | undefined {
  if (block.noRun) return undefined;
  if (block.language === "js") {
    const file = join(folder, `block-${block.line}.mjs`);
    writeFileSync(file, block.code);
    return { command: ["node", file], cwd: folder };
  }
  if (block.language !== "sh") return undefined;
  const commands = commandsOf(block.code);
  const shell = ["bash", "-euo", "pipefail", "-c", block.code];
  if (commands.every((command) => /^(npx cloister|node examples\/)/.test(command))) {
    return { command: shell, cwd: folder };
  }
  if (commands.some((command) => CI_COMMANDS.test(command))) return undefined;
  if (commands.every((command) => command.startsWith("npm run"))) {
    return { command: shell, cwd: process.cwd() };
  }
  return undefined;
}

/** A folder that resolves the installed package, with the package's examples where a checkout has them. */
function folderOf(document: string): string {
  const folder = join(consumer, "docs-run", basename(document, ".md"));
  mkdirSync(folder, { recursive: true });
  cpSync(join(consumer, "node_modules/cloister/examples"), join(folder, "examples"), {
    recursive: true,
  });
  if (!existsSync(join(folder, "node_modules"))) {
    symlinkSync(join(consumer, "node_modules"), join(folder, "node_modules"));
  }
  return folder;
}

const documents = [
  ...readdirSync(".").filter((name) => name.endsWith(".md")),
  ...(existsSync("docs") ? readdirSync("docs", { recursive: true, encoding: "utf8" }) : [])
    .filter((name) => name.endsWith(".md"))
    .map((name) => join("docs", name)),
].sort();

const tally = { passed: 0, failed: 0, left: 0 };
for (const document of documents) {
  const blocks = blocksOf(document);
  const folder = folderOf(document);
  for (const block of blocks) {
    const run = runOf(block, folder);
    if (!run) {
      tally.left++;
      continue;
    }
    const [program, ...rest] = run.command;
    const done = spawnSync(program as string, rest, {
      cwd: run.cwd,
      encoding: "utf8",
      timeout: LIMIT_MS,
      stdio: ["ignore", "pipe", "pipe"],
    });
    if (done.status === 0) tally.passed++;
    else tally.failed++;
    const verdict =
      done.status === 0 ? "ok" : `FAILED (${done.error?.message ?? `exit code ${done.status}`})`;
    console.log(`${document}:${block.line}: ${block.language}: ${verdict}`);
    if (done.status !== 0) console.log(`${block.code}--\n${done.stdout}${done.stderr}`);
  }
}
console.log(`${documents.length} documents, ${tally.left} blocks that do not run`);
console.log(`docs: ${tally.passed} ok, ${tally.failed} FAILED`);
process.exitCode = tally.failed > 0 ? 1 : 0;
