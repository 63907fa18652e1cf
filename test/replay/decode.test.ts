// The core's parser of lackey text against a regular expression, and the reader around it: lines changed at random.
import * as Decode from "../../dist/replay/reader/decode.js";
import { Batch, noCounts, operation } from "../../dist/replay/record.js";
import { Chance } from "../core.ts";
import { assert, suite } from "../kit.ts";
import { read, utf8 } from "./traces.ts";

const test = suite("lackey in the core");

const KINDS = ["I  ", " L ", " S ", " M "];
const LINE = /^(I {2}| [LSM] )([0-9a-fA-F]{1,16}),(\d+)\r?$/;
const HALF = 1n << 47n;
const END = 1n << 64n;

/** The four words of a line's record; undefined where the line is no well-formed access. */
function recordOf(line: string): number[] | undefined {
  const [, kind, digits, size] = LINE.exec(line) ?? [];
  if (!kind) return undefined;
  const gva = BigInt(`0x${digits}`);
  const bytes = BigInt(size as string);
  if (bytes < 1n || bytes > 4096n) return undefined;
  const last = gva + bytes - 1n;
  if (!(last < HALF || (gva >= END - HALF && last < END))) return undefined;
  const op = operation(KINDS.indexOf(kind) as 0 | 1 | 2 | 3, Number(bytes));
  return [Number(gva & 0xffff_ffffn), Number(gva >> 32n), Number(bytes), op];
}

/** Whether the core takes a well-formed line itself, rather than leave it to the reader: up to 15 digits of the lower half. */
const isPlain = (line: string, [low, high, bytes]: number[]): boolean =>
  /^...[^,]{1,15},0*\d{1,4}\r?$/.test(line) &&
  BigInt(high!) * 2n ** 32n + BigInt(low! + bytes!) <= HALF;

/** A line that valgrind might write, or that one of its addresses' edges asks for. */
function line(chance: Chance): string {
  const edge = chance.pick([0n, HALF - 8n, HALF, END - HALF, END - 8n, 0x4000n, 0x1fff_0000n]);
  const gva = BigInt.asUintN(64, edge + BigInt(chance.below(16)));
  const digits = gva.toString(16).padStart(chance.below(17), "0");
  const bytes = chance.pick([1, 2, 4, 8, 3, 16, 4096, 4097, chance.below(100)]);
  return `${chance.pick(KINDS)}${chance.once(5) ? digits.toUpperCase() : digits},${bytes}`;
}

const LETTERS = "ILSM ,0123456789abcdefABCDEFgx:/@`GO\r\t\0-\u00e9";

function mutated(chance: Chance, text: string): string {
  let seen = text;
  for (let changes = chance.below(4); changes > 0; changes--) {
    const at = chance.below(seen.length + 1);
    const letter = LETTERS[chance.below(LETTERS.length)] as string;
    const kept = chance.below(2);
    seen = seen.slice(0, at) + (chance.once(3) ? "" : letter) + seen.slice(at + kept);
  }
  return seen;
}

/** A changed line between others. Where it begins decides which 16 bytes of it are looked at together. */
function changedLog(chance: Chance): { before: number; changed: string; text: string } {
  const before = chance.below(3);
  const changed = mutated(chance, line(chance));
  return { before, changed, text: `${" L 12,8\n".repeat(before)}${changed}\n S 7,1\n` };
}

test("of 30,000 lines changed at random the core takes plain well-formed ones, each as its record, and leaves every other", () => {
  const chance = new Chance(47n);
  let taken = 0;
  for (let round = 0; round < 30_000; round++) {
    const { before, changed, text } = changedLog(chance);
    const batch = new Batch();
    const counts = noCounts();
    const bytes = utf8(text);
    Decode.load(bytes);
    const end = Decode.lackey(0, bytes.length, batch, counts);
    const record = recordOf(changed);
    const takes = record !== undefined && isPlain(changed, record);
    const where = `seed 47, round ${round}: ${JSON.stringify(changed)}`;
    const records = before + (takes ? 2 : 0);
    if (batch.length !== records || counts.records !== records)
      assert.equal([batch.length, counts.records], [records, records], where);
    assert.is(end, takes ? bytes.length : before * 8, where);
    if (!takes) continue;
    taken++;
    assert.equal([...batch.words.subarray(4 * before, 4 * before + 4)], record, where);
  }
  assert.ok(taken > 5000 && taken < 25_000, `${taken} were taken`);
});

test("the reader takes every well-formed line, also those that the core leaves, and no other", async () => {
  const chance = new Chance(48n);
  let well = 0;
  for (let round = 0; round < 3000; round++) {
    const { before, changed, text } = changedLog(chance);
    const expected = recordOf(changed);
    const where = `seed 48, round ${round}: ${JSON.stringify(changed)}`;
    const seen = await read(text).then(
      (records) => records.length,
      (error: Error) => error.name,
    );
    // The only lines of another kind that so few changes can make are empty.
    if (expected) well++;
    assert.is(seen, expected ? before + 2 : "BadInput", where);
  }
  assert.ok(well > 500 && well < 2500, `${well} were well-formed`);
});
