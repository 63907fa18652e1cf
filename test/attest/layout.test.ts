// The layouts of evidence: gapless, their width comments true, plain literals that both compilers read. DESIGN.md, section 4.
import { readFileSync } from "node:fs";
import { assert, suite } from "../kit.ts";

const test = suite("a layout of evidence");
const WIDTHS: Record<string, number> = { u8: 1, u16: 2, u32: 4, u64: 8 };

for (const name of ["report", "certificate-table", "amd-certificate"]) {
  test(`${name} has no gap, no overlap and no wrong width`, () => {
    const lines = readFileSync(`ts/abi/${name}.ts`, "utf8").split("\n");
    let end = 0;
    for (const line of lines.slice(1)) {
      const row = /^export const (\w+) = (0x[0-9a-f]+);(?: \/\/ (\w+))?$/.exec(line);
      if (row === null) throw new Error(`${name}: "${line}"`);
      assert.is(Number(row[2]), end, row[1]);
      if (row[1] === "SIZE") break;
      end += WIDTHS[row[3] as string] ?? Number(row[3]);
    }
    assert.is(end > 0, true);
    assert.match(lines.join("\n"), /^export const SIZE = /m);
  });
}

test("holds no literal that the two compilers would read differently", () => {
  for (const name of ["report", "certificate-table", "amd-certificate", "guest-policy"]) {
    for (const line of readFileSync(`ts/abi/${name}.ts`, "utf8").split("\n")) {
      if (line === "" || line.startsWith("//")) continue;
      const row = /^export const [A-Z0-9_]+ = (0x[0-9a-f]+|[0-9]+);( \/\/ \w+)?$/.exec(line);
      if (row === null) throw new Error(`${name}: "${line}"`);
      assert.is(Number(row[1]) < 2 ** 31, true, line);
    }
  }
});
