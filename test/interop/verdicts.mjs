// The verdict on every file of a manifest, whatever the runtime: the reader of files is passed in.
import { attestExtended } from "../../dist/attest/index.js";

export async function verdicts(read) {
  const manifest = JSON.parse(new TextDecoder().decode(await read("manifest.json")));
  const lines = [];
  for (const { file, product } of manifest.cases) {
    const root = await read(manifest.roots[product]);
    const options = { roots: [root], now: Date.parse(manifest.at) };
    const { code, says } = await attestExtended(await read(file), options);
    lines.push(`${file}\t${code ?? "accepted"}\t${says}`);
  }
  return lines;
}
