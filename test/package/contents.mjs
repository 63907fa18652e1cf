// node test/package/contents.mjs TARBALL: lists what the packed package holds, and refuses what does not belong or is missing.
import { execFileSync } from "node:child_process";

const tarball = process.argv[2];
const read = (...options) => execFileSync("tar", options, { encoding: "utf8", maxBuffer: 2 ** 26 });
const files = read("-tzf", tarball)
  .split("\n")
  .filter((line) => line && !line.endsWith("/"))
  .map((line) => line.replace(/^package\//, ""));
const manifest = JSON.parse(read("-xOzf", tarball, "package/package.json"));

const folders = ["dist", "ts", "assembly", "docs", "examples"];
const needed = [
  "package.json",
  "LICENSE",
  "README.md",
  "build/release.wasm",
  "build/release.d.ts",
  "build/scalar.wasm",
  "dist/index.js",
  "dist/index.d.ts",
  "dist/core/wasm.js",
];
const allowed = [
  ...folders.map((folder) => new RegExp(`^${folder}/`)),
  /^build\/(release\.(wasm|d\.ts)|scalar\.wasm)$/,
  /^(package\.json|LICENSE|[A-Z]+\.md)$/,
];
const foreign =
  /(^|\/)(node_modules|test|\.git|\.ci|\.github)(\/|$)|\.test\.|\.tgz$|(^|\/)\.npmrc$/;

const wrong = [];
for (const folder of folders) {
  const count = files.filter((file) => file.startsWith(`${folder}/`)).length;
  console.log(`${folder}: ${count} files`);
  if (count === 0) wrong.push(`${folder}/: nothing in it`);
}
for (const file of needed) if (!files.includes(file)) wrong.push(`${file}: missing`);
for (const file of files) {
  if (!allowed.some((pattern) => pattern.test(file)) || foreign.test(file))
    wrong.push(`${file}: does not belong`);
}
for (const file of Object.values(manifest.bin))
  if (!files.includes(file)) wrong.push(`bin ${file}: missing`);
for (const script of ["preinstall", "install", "postinstall"])
  if (manifest.scripts?.[script]) wrong.push(`script ${script}: consumers would run it`);
// Source maps and declaration maps lead back to ts/: every one of them must arrive.
for (const file of files.filter((name) => /^dist\/.*\.d\.ts$/.test(name))) {
  const source = file.replace(/^dist/, "ts").replace(/\.d\.ts$/, ".ts");
  if (!files.includes(source)) wrong.push(`${source}: missing beside ${file}`);
}

console.log(`${files.length} files`);
for (const line of wrong) console.log(line);
process.exitCode = wrong.length > 0 ? 1 : 0;
