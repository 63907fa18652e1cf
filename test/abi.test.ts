// The tables of ts/abi/: plain literals, no gaps, and the same numbers for both compilers. DESIGN.md 4.
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { assert, suite } from "./kit.ts";

const test = suite("tables");

const FOLDER = "ts/abi";
const LINE =
  /^export const ([A-Z][A-Z0-9_]*) = (-?\d+|0x[0-9a-f]+);(?: \/\/ (u8|u16|u32|u64|\d+))?$/;
const WIDTHS: Record<string, number> = { u8: 1, u16: 2, u32: 4, u64: 8 };

interface Row {
  name: string;
  value: number;
  width: number | undefined;
  line: number;
}

/** The rows of a table, or what is wrong with a line. */
function rowsOf(text: string): Row[] {
  const rows: Row[] = [];
  for (const [index, line] of text.trimEnd().split("\n").entries()) {
    if (index === 0 && !/^\/\/ .*[.\]]$/.test(line))
      throw new Error(`line 1: expected a sentence that says what it is`);
    if (line === "" || line.startsWith("// ")) continue;
    const [, name, literal, width] = LINE.exec(line) ?? [];
    if (!name || !literal)
      throw new Error(`line ${index + 1}: expected export const NAME = literal; // width`);
    const value = Number(literal);
    if (value >= 2 ** 32 || value < -(2 ** 31))
      throw new Error(`line ${index + 1}: ${literal} is no 32-bit literal`);
    if (rows.some((row) => row.name === name)) throw new Error(`line ${index + 1}: ${name} twice`);
    rows.push({
      name,
      value,
      width: width ? (WIDTHS[width] ?? Number(width)) : undefined,
      line: index + 1,
    });
  }
  return rows;
}

/** Fails unless each field starts where the one before it ends, up to SIZE. */
function checkGaps(rows: Row[]): void {
  const size = rows.findIndex(({ name }) => name === "SIZE");
  if (size < 1) return;
  let end = 0;
  for (const { name, value, width, line } of rows.slice(0, size)) {
    if (value !== end) throw new Error(`line ${line}: ${name} at ${value}, expected ${end}`);
    if (width === undefined) throw new Error(`line ${line}: ${name} has no width`);
    end = value + width;
  }
  if (rows[size]!.value !== end) throw new Error(`SIZE ${rows[size]!.value}, expected ${end}`);
}

const files = readdirSync(FOLDER, { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".ts"))
  .sort();
const named = (file: string, act: () => void) => {
  try {
    act();
  } catch (error) {
    throw new Error(`${FOLDER}/${file}, ${(error as Error).message}`);
  }
};

test("every line is a plain literal of 32 bits, a comment, or empty", () => {
  assert.ok(files.length > 20);
  for (const file of files) {
    assert.match(file, /^(psp\/)?[a-z0-9-]+\.ts$/);
    named(file, () => rowsOf(readFileSync(`${FOLDER}/${file}`, "utf8")));
  }
});

test("every layout is gapless from 0 to its SIZE", () => {
  for (const file of files)
    named(file, () => checkGaps(rowsOf(readFileSync(`${FOLDER}/${file}`, "utf8"))));
});

const head = "// A table.\nexport const A = 0x0; // u32\n";
// A planted mistake, and the message that finds it.
const mistakes: [string, RegExp][] = [
  ["export const A = 0x0; // u32\nexport const SIZE = 0x4;", /line 1/],
  [`${head}export const B = 0x8; // u32\nexport const SIZE = 0xc;`, /B at 8, expected 4/],
  [`${head}export const B = 0x4; // u64\nexport const SIZE = 0x8;`, /SIZE 8, expected 12/],
  [`${head}export const B = 0x4;\nexport const SIZE = 0x8;`, /B has no width/],
  [`${head}export const B = 2 * 2;`, /line 3/],
  [`${head}export const B = 4n;`, /line 3/],
  [`${head}export const B = 0x100000000;`, /32-bit/],
  [`${head}export const A = 0x4;`, /twice/],
  [`${head}import { B } from "./b.ts";`, /line 3/],
  [`${head}export const B = 4 as const;`, /line 3/],
  [`${head}export const SIZE = 0x8;`, /SIZE 8, expected 4/],
];

test("a planted mistake in a table is found", () => {
  for (const [text, message] of mistakes) assert.throws(() => checkGaps(rowsOf(text)), message);
  checkGaps(
    rowsOf(
      `${head}export const SIZE = 0x4;\n\nexport const BIT = 31;\nexport const NEGATIVE = -1;`,
    ),
  );
});

// asc in memory, in a process of its own: through tsx its import alone would take seconds.
const COMPILE = `
import asc from "assemblyscript/asc";
import { existsSync, readFileSync } from "node:fs";
const entry = readFileSync(0, "utf8");
const { error, stderr } = await asc.main(["entry.ts", "--outFile", "out.wasm", "--runtime", "stub"], {
  readFile: (name) => name === "entry.ts" ? entry : existsSync(name) ? readFileSync(name, "utf8") : null,
  writeFile: (name, contents) => {
    if (name.endsWith(".wasm")) process.stdout.write(Buffer.from(contents).toString("base64"));
  },
  listFiles: () => [],
});
if (error) throw new Error(error.message + stderr);
`;

/** Compiles every table at once, each constant as an exported global. */
function compiled(tables: Map<string, Row[]>): Record<string, WebAssembly.Global> {
  const imports = [...tables.keys()].map(
    (file, i) => `import * as T${i} from "./${FOLDER}/${file.replace(/\.ts$/, "")}";`,
  );
  const constants = [...tables.values()].flatMap((rows, i) =>
    rows.map(({ name }) => `export const T${i}_${name}: i32 = i32(T${i}.${name});`),
  );
  const input = [...imports, ...constants].join("\n");
  const output = execFileSync(process.execPath, ["--input-type=module", "-e", COMPILE], { input });
  const module = new WebAssembly.Module(Buffer.from(output.toString(), "base64"));
  return new WebAssembly.Instance(module).exports as Record<string, WebAssembly.Global>;
}

test("every constant means the same to both compilers", async () => {
  const tables = new Map(
    files.map((file) => [file, rowsOf(readFileSync(`${FOLDER}/${file}`, "utf8"))]),
  );
  const globals = compiled(tables);
  let index = 0;
  for (const [file, rows] of tables) {
    const module: Record<string, number> = await import(`../${FOLDER}/${file}`);
    assert.equal(Object.keys(module).sort(), rows.map(({ name }) => name).sort(), file);
    for (const { name, value } of rows) {
      assert.is(module[name], value, `${file} ${name}`);
      assert.is(
        (globals[`T${index}_${name}`]!.value as number) >>> 0,
        value >>> 0,
        `${file} ${name}`,
      );
    }
    index++;
  }
});
