// Writes the bitsliced kernel: 8 blocks at once, register j holding bit j of all 128 bytes (Kaesper and Schwabe, CHES 2009).
import { FORWARD, INVERSE } from "./circuit.mjs";
import { BY_ROWS, below, rotatedRows } from "./rows.mjs";

const EIGHT = [0, 1, 2, 3, 4, 5, 6, 7];
const BYTES_OF_ROUND_KEY = 128;

/** A function's body, line by line, with fresh names for its values. */
class Body {
  lines = [];
  #names = 0;
  say(line) {
    this.lines.push(line);
  }
  /** Gives a value a name. */
  let(value) {
    const name = `x${this.#names++}`;
    this.say(`let ${name} = ${value};`);
    return name;
  }
  xor(...parts) {
    return parts.reduce((a, b) => this.let(`v128.xor(${a}, ${b})`));
  }
}

/** 8 blocks of 8 bits a byte become 8 registers of one bit of each block, and back: it is its own inverse. */
function transpose(body, rows) {
  const out = [...rows];
  for (const [n, mask] of [
    [1, "ones"],
    [2, "twos"],
    [4, "fours"],
  ]) {
    for (const i of EIGHT.filter((row) => !(row & n))) {
      const [a, b] = [out[i], out[i + n]];
      const moved = body.let(`v128.and(v128.xor(i64x2.shr_u(${a}, ${n}), ${b}), ${mask})`);
      out[i + n] = body.xor(b, moved);
      out[i] = body.xor(a, `i64x2.shl(${moved}, ${n})`);
    }
  }
  return out;
}

/** Runs a circuit; bit 0 of a row is the least significant, u0 of a circuit the most. */
function substitute(body, circuit, q) {
  const names = Object.fromEntries(EIGHT.map((i) => [`u${i}`, q[7 - i]]));
  for (const [out, a, op, b] of circuit)
    names[out] = body.let(`v128.${op === "&" ? "and" : "xor"}(${names[a]}, ${names[b]})`);
  return EIGHT.map((i) => names[`s${7 - i}`]);
}

/** MixColumns: 2a0 + 3a1 + a2 + a3 = 2(a0 + a1) + a1 + (a2 + a3), where x^8 = x^4 + x^3 + x + 1. Bit by bit, so that few values
 *  wait. */
function mix(body, q) {
  const pairs = [];
  const rests = [];
  const columns = (i) => {
    const next = body.let(below(q[i], 1));
    pairs[i] = body.xor(q[i], next);
    rests[i] = body.xor(next, body.let(below(pairs[i], 2)));
  };
  columns(7);
  const mixed = [];
  for (const i of [0, 1, 2, 3, 4, 5, 6, 7]) {
    if (i < 7) columns(i);
    const doubled = i === 0 ? [7] : [1, 3, 4].includes(i) ? [i - 1, 7] : [i - 1];
    mixed.push(body.xor(rests[i], ...doubled.map((j) => pairs[j])));
  }
  return mixed;
}

/** InvMixColumns is MixColumns of a + 4(a0 + a2): (14, 11, 13, 9) = (2, 3, 1, 1) (5, 0, 4, 0). */
function unmix(body, q) {
  const t = q.map((a) => body.xor(a, body.let(below(a, 2))));
  // 4 t: x^8 and x^9 reduced.
  const both = body.xor(t[6], t[7]);
  const four = [
    [t[6]],
    [both],
    [t[0], t[7]],
    [t[1], t[6]],
    [t[2], both],
    [t[3], t[7]],
    [t[4]],
    [t[5]],
  ];
  return mix(
    body,
    q.map((a, i) => body.xor(a, ...four[i])),
  );
}

function addKey(body, q, round) {
  return q.map((a, i) => body.xor(a, `v128.load(keys, ${round * BYTES_OF_ROUND_KEY + 16 * i})`));
}

function substituteAndShift(body, q, decrypt) {
  const substituted = substitute(body, decrypt ? INVERSE : FORWARD, q);
  return substituted.map((a) => body.let(`swizzle(${a}, shift)`));
}

function round(body, q, decrypt) {
  const shifted = substituteAndShift(body, q, decrypt);
  if (decrypt) return unmix(body, addKey(body, shifted, 1));
  return addKey(body, mix(body, shifted), 1);
}

function kernel(decrypt) {
  const body = new Body();
  const offsets = EIGHT.map((i) => `${i < 4 ? "first" : "second"} + ${16 * (i & 3)}`);
  const tweaks = offsets.map((at) => `v128.xor(base, v128.load(tweaks + ${at}))`);
  body.say("const base = i64x2(low, high);");
  for (const [i, name] of ["ones", "twos", "fours", "rows"].entries())
    body.say(`const ${name} = v128.load(MASKS, ${16 * i});`);
  body.say(`const shift = v128.load(MASKS, ${decrypt ? 80 : 64});`);
  const plain = offsets.map((at, i) => body.xor(`v128.load(from + ${at})`, tweaks[i]));
  const byRows = plain.map((a) => body.let(`swizzle(${a}, rows)`));
  body.say("let keys = schedule;");
  const start = addKey(body, transpose(body, byRows), 0);
  for (const i of EIGHT) body.say(`let q${i} = ${start[i]};`);
  const held = EIGHT.map((i) => `q${i}`);
  body.say(`const last = schedule + (rounds - 1) * ${BYTES_OF_ROUND_KEY};`);
  body.say(`for (; keys < last; keys += ${BYTES_OF_ROUND_KEY}) {`);
  const next = round(body, held, decrypt);
  for (const i of EIGHT) body.say(`q${i} = ${next[i]};`);
  body.say("}");
  const q = addKey(body, substituteAndShift(body, held, decrypt), 1);
  const blocks = transpose(body, q).map((a) => body.let(`swizzle(${a}, rows)`));
  for (const i of EIGHT)
    body.say(`v128.store(to + ${offsets[i]}, v128.xor(${blocks[i]}, ${tweaks[i]}));`);
  return body.lines;
}

const signature = (name) => `export function ${name}(
  schedule: usize,
  rounds: usize,
  low: u64,
  high: u64,
  tweaks: usize,
  first: usize,
  second: usize,
  from: usize,
  to: usize,
): void {`;

const what = (verb) =>
  `/** ${verb} two lines, at offsets \`first\` and \`second\`, under a sliced schedule. A block's tweak is (low, high) xored with
 *  16 bytes at its offset from \`tweaks\`. */`;

export function bitslice() {
  const masks = [0x55, 0x33, 0x0f].map((mask) => new Array(16).fill(mask));
  masks.push(BY_ROWS, rotatedRows(1), rotatedRows(-1));
  return [
    "// Made by assembly/aes/generate/bitslice.mjs: read that.",
    'import { swizzle } from "../swizzle";',
    `const MASKS: usize = memory.data<u8>([${masks.flat().join(", ")}], 16);`,
    "",
    what("Encrypts"),
    signature("encryptLines"),
    ...kernel(false),
    "}",
    "",
    what("Decrypts"),
    signature("decryptLines"),
    ...kernel(true),
    "}",
    "",
  ].join("\n");
}
