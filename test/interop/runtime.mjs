// One runtime's verdicts on a directory of evidence: a line for each file, its code or "accepted". Node, Deno and Bun run it as it is.
import { readFileSync } from "node:fs";
import { argv } from "node:process";
import { verdicts } from "./verdicts.mjs";

const dir = argv[2];
const lines = await verdicts((name) => new Uint8Array(readFileSync(`${dir}/${name}`)));
console.log(lines.join("\n"));
