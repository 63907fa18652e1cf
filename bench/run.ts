// npm run bench: every figure, as a table and with --json FILE as data. --quick takes fewer rounds and a shorter trace.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { attestFigures } from "./attest.ts";
import { cipherFigures } from "./cipher.ts";
import { deviceFigures } from "./device.ts";
import { engineFigures } from "./engine.ts";
import { type Figure, tableOf } from "./figure.ts";
import { modelFigures } from "./model.ts";
import { parseFigures } from "./parse.ts";
import { pspFigures } from "./psp.ts";
import { replayFigures } from "./replay.ts";
import { tioFigures } from "./tio.ts";
import { vmFigures } from "./vm.ts";
import { wholeFigures } from "./whole.ts";
import { workerFigures } from "./workers.ts";

const roads: Record<string, (quick: boolean) => Promise<Figure[]>> = {
  replay: replayFigures,
  whole: wholeFigures,
  model: modelFigures,
  vm: vmFigures,
  parse: parseFigures,
  engine: engineFigures,
  workers: workerFigures,
  cipher: cipherFigures,
  device: deviceFigures,
  psp: pspFigures,
  tio: tioFigures,
  attest: attestFigures,
};
// Builds somebody else's program first: not part of a quick run unless it is named.
const slow = ["attest"];

const { values, positionals } = parseArgs({
  options: { quick: { type: "boolean", default: false }, json: { type: "string" } },
  allowPositionals: true,
});

const unknown = positionals.find((name) => !(name in roads));
if (unknown) throw new Error(`${unknown}: no such road, expected ${Object.keys(roads).join(", ")}`);

const figures: Figure[] = [];
for (const [name, measure] of Object.entries(roads)) {
  if (positionals.length > 0 ? !positionals.includes(name) : values.quick && slow.includes(name)) {
    continue;
  }
  process.stderr.write(`${name} ...\n`);
  figures.push(...(await measure(values.quick)));
}

console.log(tableOf(figures));

if (values.json) {
  const commit = execFileSync("git", ["rev-parse", "HEAD"], { encoding: "utf8" }).trim();
  const machine = `${cpus().length} x ${cpus()[0]?.model}`;
  const { bun, deno, node } = process.versions;
  const runtime = bun ? `Bun ${bun}` : deno ? `Deno ${deno}` : `Node ${node}`;
  writeFileSync(values.json, `${JSON.stringify({ machine, runtime, commit, figures }, null, 2)}\n`);
}
