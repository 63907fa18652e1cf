// node --import tsx bench/table.ts FILE: puts the figures that `npm run bench -- --json FILE` wrote into the README.
import { readFileSync, writeFileSync } from "node:fs";
import { type Figure, tableOf } from "./figure.ts";

interface Run {
  machine: string;
  runtime: string;
  commit: string;
  figures: Figure[];
}

const [file] = process.argv.slice(2);
if (!file) throw new Error("no file, expected what npm run bench -- --json wrote");
const { machine, runtime, commit, figures } = JSON.parse(readFileSync(file, "utf8")) as Run;
const section = /<!-- figures -->[\s\S]*<!-- \/figures -->/;
const readme = readFileSync("README.md", "utf8");
if (!section.test(readme)) throw new Error("README.md: no place for figures");
const text = `${machine}, ${runtime}, commit ${commit.slice(0, 12)}.\n\n${tableOf(figures)}`;
writeFileSync(
  "README.md",
  readme.replace(section, () => `<!-- figures -->\n${text}\n<!-- /figures -->`),
);
