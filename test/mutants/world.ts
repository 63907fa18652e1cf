// A copy of the tree for one mutant at a time: tests as they are, ts/ where they expect dist/ (tsx reads it as it stands), and a
// core compiled from mutated sources.
import { type ChildProcess, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Mutant, planted } from "./mutant.ts";

const LIMIT_MS = 180_000;
const LINKS = ["node_modules", "ts", "build", "examples", "package.json"];

export class World {
  readonly #root = mkdtempSync(join(tmpdir(), "cloister-mutants-"));
  readonly #compiler: ChildProcess;

  constructor() {
    cpSync("ts", join(this.#root, "dist"), { recursive: true });
    cpSync("test", join(this.#root, "test"), { recursive: true });
    for (const name of LINKS) symlinkSync(join(process.cwd(), name), join(this.#root, name));
    this.#compiler = fork("test/mutants/compile.mjs", { serialization: "advanced", execArgv: [] });
  }

  /** Compiles the core, with one source replaced, for the tests to come. */
  async compile(file?: string, source?: string): Promise<void> {
    this.#compiler.send({ file, source });
    const [{ core, error }] = await once(this.#compiler, "message");
    if (!core) throw new Error(`${file}: ${error}`);
    const text = `export const release = "${Buffer.from(core).toString("base64")}";\n`;
    writeFileSync(join(this.#root, "dist", "wasm.js"), `${text}export const sha256 = "";\n`);
  }

  /** Whether the mutant's tests fail with it in place. */
  async kills(mutant: Mutant): Promise<boolean> {
    const { file, tests } = mutant;
    const text = readFileSync(file, "utf8");
    const changed = planted(text, mutant);
    if (file.startsWith("assembly/")) {
      await this.compile(file, changed);
      return !(await this.passes(tests));
    }
    await this.compile();
    const copy = join(this.#root, file.replace(/^ts\//, "dist/"));
    writeFileSync(copy, changed);
    const passed = await this.passes(tests);
    writeFileSync(copy, text);
    return !passed;
  }

  /** Whether these tests pass. One that does not end is one that fails. */
  async passes(tests: string[]): Promise<boolean> {
    const child = spawn(process.execPath, ["--import", "tsx", "test/run.ts", ...tests], {
      cwd: this.#root,
      env: { ...process.env, CLOISTER_FAIL_FAST: "1", CLOISTER_CORE: "" },
      stdio: "ignore",
      timeout: LIMIT_MS,
    });
    const [code] = await once(child, "close");
    return code === 0;
  }

  remove(): void {
    this.#compiler.kill();
    rmSync(this.#root, { recursive: true });
  }
}
