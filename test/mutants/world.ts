// A copy of the built tree for one mutant at a time: one file of dist/ changed, or a core compiled from changed sources.
import { type ChildProcess, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

export class World {
  readonly #root: string;
  readonly #compiler: ChildProcess;

  /** A copy of a tree. */
  constructor(tree: string, index: number) {
    this.#root = `${tree}-${index}`;
    cpSync(tree, this.#root, { recursive: true, verbatimSymlinks: true });
    this.#compiler = fork(resolve("test/mutants/compile.mjs"), {
      cwd: this.#root,
      serialization: "advanced",
      execArgv: [],
    });
  }

  /** The package's module that holds the core, compiled with one source replaced. */
  async coreWith(file?: string, source?: string): Promise<string> {
    this.#compiler.send({ file, source });
    const [{ core, error }] = await once(this.#compiler, "message");
    if (!core) throw new Error(`${file}: ${error}`);
    const release = Buffer.from(core).toString("base64");
    return `export const release = "${release}";\nexport const sha256 = "";\n`;
  }

  write(file: string, text: string): void {
    writeFileSync(join(this.#root, file), text);
  }

  /** Runs tests with one file of the tree changed. */
  async with<T>(file: string, text: string, act: () => Promise<T>): Promise<T> {
    const honest = readFileSync(join(this.#root, file), "utf8");
    this.write(file, text);
    try {
      return await act();
    } finally {
      this.write(file, honest);
    }
  }

  /** Whether these tests pass. One that does not end is one that fails. */
  async passes(tests: readonly string[], limitMs: number): Promise<boolean> {
    const files = tests.map((name) => name.replace(/\.ts$/, ".js"));
    const child = spawn(process.execPath, ["test/mutants/child.js", ...files], {
      cwd: this.#root,
      env: { ...process.env, CLOISTER_FAIL_FAST: "1", CLOISTER_CORE: "" },
      stdio: "ignore",
      timeout: limitMs,
      killSignal: "SIGKILL",
    });
    const [code] = await once(child, "close");
    return code === 0;
  }

  close(): void {
    this.#compiler.kill();
  }
}
