// Makes ts/attest/evidence/roots/*.ts: Cloister's own ARK, ASK and ASVK for each product. Ran once; run again, it makes others.
import { webcrypto } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { certifyAuthority, PSS } from "../../../dist/attest/evidence/certify.js";

const notBefore = Date.UTC(2025, 0, 1);
const notAfter = Date.UTC(2050, 0, 1) - 1000;
const base64 = (bytes) => Buffer.from(bytes).toString("base64");
const folder = new URL("./roots/", import.meta.url);

async function rsaKey() {
  const algorithm = { ...PSS, modulusLength: 4096, publicExponent: Uint8Array.of(1, 0, 1) };
  const pair = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  return pair.privateKey;
}

mkdirSync(folder, { recursive: true });
for (const product of ["Milan", "Genoa", "Turin"]) {
  const ark = await rsaKey();
  const rows = [];
  for (const role of ["ARK", "ASK", "ASVK"]) {
    const key = role === "ARK" ? ark : await rsaKey();
    const request = { role, product, key, signer: ark, notBefore, notAfter };
    const certificate = base64(await certifyAuthority(request));
    const privateKey = base64(await webcrypto.subtle.exportKey("pkcs8", key));
    rows.push(
      `  ${role}: {\n    certificate:\n      "${certificate}",\n    privateKey:\n      "${privateKey}",\n  },`,
    );
  }
  const text = [
    `// EMULATOR ONLY: Cloister's own keys for ${product}. Published, so worth nothing. Made by make-roots.mjs.`,
    'import type { Root } from "./root.ts";',
    "",
    `export const ${product.toLowerCase()}: Root = {`,
    ...rows,
    "};",
    "",
  ].join("\n");
  writeFileSync(new URL(`${product.toLowerCase()}.ts`, folder), text);
}
