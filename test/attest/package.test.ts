// What `cloister/attest` costs and what it reaches: under 60 kB, no Wasm, neither firmware nor core nor certificate library.
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { assert, suite } from "../kit.ts";

const test = suite("the package's attestation part");

async function bundle(entry: string, platform: "browser" | "node") {
  const result = await build({
    entryPoints: [entry],
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    format: "esm",
    platform,
    logLevel: "silent",
  });
  const [file] = result.outputFiles;
  if (file === undefined) throw new Error("nothing was built");
  return { bytes: file.contents, text: file.text, inputs: Object.keys(result.metafile.inputs) };
}

test("is under 60 kB, minified and gzipped, and says its size", async () => {
  const { bytes } = await bundle("dist/attest/index.js", "browser");
  const size = gzipSync(bytes).length;
  console.log(`  cloister/attest: ${bytes.length} bytes minified, ${size} gzipped`);
  assert.is(size < 60_000, true, `${size} bytes`);
});

test("has no Wasm, no firmware, no core, no certificate library", async () => {
  const { text, inputs } = await bundle("dist/attest/index.js", "browser");
  const allowed = /^dist\/(attest\/(guide\/)?[a-z-]+|abi\/[a-z-]+|error)\.js$/;
  assert.equal(
    inputs.filter((input) => !allowed.test(input)),
    [],
  );
  assert.is(/WebAssembly|AGFzbQ/.test(text), false);
});

test("has an evidence factory and a key service that a browser can load", async () => {
  for (const entry of ["dist/attest/evidence/index.js", "dist/kds/index.js"]) {
    const { inputs } = await bundle(entry, "browser");
    assert.is(
      inputs.some((input) => input.includes("@peculiar/x509")),
      true,
    );
    assert.equal(
      inputs.filter((input) => /psp|core|wasm/.test(input)),
      [],
    );
  }
});

test("is found under the names that package.json gives", async () => {
  const names = ["cloister/attest", "cloister/evidence", "cloister/kds", "cloister/kds/serve"];
  const [attest, evidence, kds, serve] = await Promise.all(names.map((name) => import(name)));
  assert.is(typeof attest.verify, "function");
  assert.is(typeof evidence.makeIdentity, "function");
  assert.is(typeof kds.makeKds, "function");
  assert.is(typeof serve.serve, "function");
});
