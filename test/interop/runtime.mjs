// One runtime's verdicts on a directory of evidence, a line for each file; then what its own factory makes. Node, Deno and Bun run it as it is.
import { readFileSync } from "node:fs";
import { argv } from "node:process";
import { madeHere } from "./factory.mjs";
import { verdicts } from "./verdicts.mjs";

const dir = argv[2];
const lines = await verdicts((name) => new Uint8Array(readFileSync(`${dir}/${name}`)));
console.log([...lines, ...(await madeHere())].join("\n"));
