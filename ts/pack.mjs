// Finishes dist/ after tsc: inlines the core, and names declarations' imports as the emitted files are named.
import { createHash } from "node:crypto";
import { chmodSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { strictSwizzles, withSwizzles } from "../dist/core/relax.js";

// asc writes relaxed swizzles; what ships has strict ones in their place (ts/core/relax.ts). As many as asc counted, or some other
// bytes look like one.
const expected =
  readFileSync("build/release.wat", "utf8").split("i8x16.relaxed_swizzle").length - 1;
const wasm = Buffer.from(withSwizzles(readFileSync("build/release.wasm"), false));
if (strictSwizzles(wasm) !== expected)
  throw new Error(`release.wasm: ${strictSwizzles(wasm)} swizzles, expected ${expected}`);
writeFileSync("build/release.wasm", wasm);
const sha256 = createHash("sha256").update(wasm).digest("hex");
writeFileSync(
  "dist/core/wasm.js",
  `export const release = "${wasm.toString("base64")}";\nexport const sha256 = "${sha256}";\n`,
);

// tsc keeps "./x.ts" in declarations; JetBrains and Bun do not resolve it (microsoft/TypeScript#61037).
for (const entry of readdirSync("dist", { recursive: true })) {
  if (!entry.endsWith(".d.ts")) continue;
  const file = join("dist", entry);
  const text = readFileSync(file, "utf8");
  const named = text.replace(/((?:from |import\()"\.[^"]*)(?<!\.d)\.ts"/g, '$1.js"');
  if (named !== text) writeFileSync(file, named);
}

chmodSync("dist/cli/main.js", 0o755);
