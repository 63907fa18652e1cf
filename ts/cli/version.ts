// cloister version: which package, core and runtime this is.
import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { sha256 } from "../core/wasm.js";

export function version(program: Command): void {
  program
    .command("version")
    .description("print the versions of the package, its core and the runtime")
    .action(() => {
      const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
      const { version } = JSON.parse(text) as { version: string };
      process.stdout.write(`cloister ${version}, core sha256 ${sha256.slice(0, 16)}\n`);
    });
}
