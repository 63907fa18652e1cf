// The core's parser of lackey text against a regular expression, and the reader around it: lines changed at random, alone and among
// others.
import * as Decode from "../../dist/replay/reader/decode.js";
import { Batch, count, noCounts, operation } from "../../dist/replay/record.js";
import { Chance } from "../core.ts";
import { assert, suite } from "../kit.ts";
import { read, same, utf8 } from "./traces.ts";

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
    const end = Decode.lackey(bytes, 0, bytes.length, batch, counts);
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

const usualLine = (chance: Chance): string => {
  const gva =
    chance.pick([0x401ab70n, 0x1ffeff000n, 0x7ffc_1234_5000n]) + BigInt(chance.below(4096));
  const size = chance.pick([1, 2, 4, 8, 8, 16]);
  return `${chance.pick(KINDS)}${gva.toString(16).padStart(8, "0")},${size}`;
};
const shortLine = (chance: Chance): string =>
  `${chance.pick(KINDS)}${chance.below(16).toString(16)},${1 + chance.below(9)}`;
const MANNERS: ((chance: Chance) => string)[] = [
  usualLine,
  shortLine,
  line,
  (chance: Chance) => chance.pick(MANNERS)(chance),
];

/** Up to 600 lines, of which some may be changed; with one end of line. */
function piece(chance: Chance): string[] {
  const manner = chance.pick(MANNERS);
  const oneIn = chance.pick([20, 400, 100_000]);
  const end = chance.once(4) ? "\r\n" : "\n";
  return Array.from({ length: 1 + chance.below(600) }, () => {
    const whole = manner(chance);
    return (chance.once(oneIn) ? mutated(chance, whole) : whole) + end;
  });
}

const sum = (numbers: number[]): number => numbers.reduce((total, each) => total + each, 0);

test("of 1500 pieces of many lines the core takes what stands before the first that is not plain, and counts it", () => {
  const chance = new Chance(49n);
  const room = Decode.lend(1 << 20)!;
  const seen = { whole: 0, full: 0, broken: 0 };
  for (let round = 0; round < 1500; round++) {
    const lines = piece(chance);
    const text = utf8(lines.join(""));
    if (round % 2 === 1) room.set(text);
    const lengths = lines.map((text) => utf8(text).length);
    // What is decoded may begin and end anywhere in what was loaded.
    const first = chance.once(2) ? 0 : chance.below(lines.length);
    const last = chance.once(2) ? lines.length : first + chance.below(lines.length - first + 1);
    const records = lines.slice(first, last).map((text) => {
      const bare = text.slice(0, -1);
      const record = recordOf(bare);
      return record && isPlain(bare, record) ? record : undefined;
    });
    const batch = new Batch(new Uint32Array(4 * (1 + chance.below(chance.once(2) ? 600 : 100))));
    const broken = records.indexOf(undefined);
    const plain = broken < 0 ? records.length : broken;
    const expected = records.slice(0, Math.min(plain, batch.capacity)) as number[][];
    seen[plain > batch.capacity ? "full" : broken < 0 ? "whole" : "broken"]++;
    const counts = noCounts();
    const from = sum(lengths.slice(0, first));
    const end = from + sum(lengths.slice(first, last));
    const taken = Decode.lackey(round % 2 === 1 ? room : text, from, end, batch, counts);
    const where = `seed 49, round ${round}`;
    assert.is(taken, sum(lengths.slice(first, first + expected.length)), where);
    assert.is(batch.words.subarray(0, 4 * batch.length).join(), expected.flat().join(), where);
    const again = noCounts();
    count(again, batch);
    assert.equal(counts, again, where);
  }
  Decode.giveBack(room);
  assert.ok(Math.min(...Object.values(seen)) > 200, JSON.stringify(seen));
});

test("a whole piece of the shortest lines, all of one kind, is counted to the last", () => {
  const lines = Math.floor(Decode.PIECE / "I  0,1\n".length);
  for (const [index, kind] of (["fetches", "loads", "stores", "modifies"] as const).entries()) {
    const batch = new Batch();
    const counts = noCounts();
    const text = utf8(`${KINDS[index]}0,1\n`.repeat(lines));
    let taken = 0;
    while (taken < text.length) taken += Decode.lackey(text, taken, text.length, batch, counts);
    assert.equal(counts, { ...noCounts(), records: lines, [kind]: lines });
  }
});

test("readers that hold every room, and those that find none left, read the same", async () => {
  const chance = new Chance(51n);
  const lines = Array.from({ length: 40_000 }, () => usualLine(chance)).join("\n");
  const first = await read(lines);
  const rooms: Uint8Array[] = [];
  for (let room = Decode.lend(1); room; room = Decode.lend(1)) rooms.push(room);
  const second = await read(lines);
  for (const room of rooms) Decode.giveBack(room);
  assert.is(first.length, 40_000);
  same(second, first, "seed 51");
});

test("what is wrong with a line is said as of the line alone, whatever stands before it", async () => {
  const chance = new Chance(50n);
  const said = (text: string): Promise<string> =>
    read(text, { chunk: chance.pick([1000, 1 << 16]) }).then(
      () => "nothing",
      (error: Error) => error.message,
    );
  let refused = 0;
  while (refused < 300) {
    const changed = mutated(chance, line(chance));
    const alone = await said(`${changed}\n`);
    if (!alone.startsWith("trace.txt:1:")) continue;
    refused++;
    const before = piece(chance).filter((text) => recordOf(text.slice(0, -1)));
    const text = `${before.join("")}${changed}\n${before.join("")}`;
    const expected = alone.replace("trace.txt:1:", `trace.txt:${before.length + 1}:`);
    assert.is(await said(text), expected, `seed 50: ${JSON.stringify(changed)}`);
  }
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
