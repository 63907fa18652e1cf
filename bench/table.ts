// node --import tsx bench/table.ts FILE: puts the figures that `npm run bench -- --json FILE` wrote into docs/performance.md, and those
// that say most into the README.
import { readFileSync, writeFileSync } from "node:fs";
import { type Figure, tableOf } from "./figure.ts";

interface Run {
  machine: string;
  runtime: string;
  commit: string;
  figures: Figure[];
}

const headlines = [
  "replay-sev-snp",
  "replay-local",
  "replay-random",
  "walk-full",
  "walk-cached",
  "rmp-check",
  "replay-cachesim",
  "parse-lackey",
  "page-xts-encrypt",
  "page-xts-decrypt",
  "page-xex-encrypt",
  "line-xex-openssl",
  "line-xex-node",
  "page-xts-aes-instructions",
  "vm-sev-snp-vmgexit",
  "vm-sev-snp-cpuid",
  "psp-small-commands",
  "psp-launch-16-mib",
  "ide-tlp",
];

const [file] = process.argv.slice(2);
if (!file) throw new Error("no file, expected what npm run bench -- --json wrote");
const { machine, runtime, commit, figures } = JSON.parse(readFileSync(file, "utf8")) as Run;

function put(page: string, chosen: readonly Figure[]): void {
  const section = /<!-- figures -->[\s\S]*<!-- \/figures -->/;
  const text = readFileSync(page, "utf8");
  if (!section.test(text)) throw new Error(`${page}: no place for figures`);
  const table = `${machine}, ${runtime}, commit ${commit.slice(0, 12)}.\n\n${tableOf(chosen)}`;
  writeFileSync(
    page,
    text.replace(section, () => `<!-- figures -->\n${table}\n<!-- /figures -->`),
  );
}

put("docs/performance.md", figures);
put(
  "README.md",
  figures.filter(({ name }) => headlines.includes(name)),
);
