// Writes the bitsliced kernel: 8 blocks at once, register j holding bit j of all 128 bytes (Kaesper and Schwabe, CHES 2009), and 2
// more by tables beside them.
import { FORWARD, INVERSE } from "./circuit.mjs";
import { kernel } from "./kernel.mjs";
import { BY_ROWS, below, belowLanes, toColumns } from "./rows.mjs";

const EIGHT = [0, 1, 2, 3, 4, 5, 6, 7];

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

// Neighbours for which bytes move, not words: [rows below, ShiftRows still to be done].
const MASKED = [
  [1, 1],
  [1, 2],
  [1, 3],
  [2, 1],
];

/** Brings each byte the one so many rows below it, where ShiftRows by `by` is still to be done. */
function neighbour(body, by) {
  const masks = new Map();
  return (a, rows) => {
    const shift = (rows * by) & 3;
    if (shift === 0) return body.let(below(a, rows));
    const mask = MASKED.findIndex(([r, b]) => r === rows && ((r * b) & 3) === shift);
    if (!masks.has(mask)) masks.set(mask, body.let(`v128.load(MASKS, ${16 * (5 + mask)})`));
    return body.let(`swizzle(${a}, ${masks.get(mask)})`);
  };
}

/** MixColumns: 2a0 + 3a1 + a2 + a3 = 2(a0 + a1) + a1 + (a2 + a3), where x^8 = x^4 + x^3 + x + 1. Bit by bit, so that few values
 *  wait. */
function mix(body, q, neighbour) {
  const pairs = [];
  const rests = [];
  const columns = (i) => {
    const next = neighbour(q[i], 1);
    pairs[i] = body.xor(q[i], next);
    rests[i] = body.xor(next, neighbour(pairs[i], 2));
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
function unmix(body, q, neighbour) {
  const t = q.map((a) => body.xor(a, neighbour(a, 2)));
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
    neighbour,
  );
}

const addKey = (body, q) => q.map((a, i) => body.xor(a, `v128.load(keys, ${16 * i})`));

function round(body, q, number, decrypt) {
  const near = neighbour(body, decrypt ? -number : number);
  const substituted = substitute(body, decrypt ? INVERSE : FORWARD, q);
  if (decrypt) return unmix(body, addKey(body, substituted), near);
  return addKey(body, mix(body, substituted, near));
}

const form = (decrypt) => ({
  what: (verb) =>
    `${verb} the lines at offsets \`first\` and \`second\` in vectors, and the half line at \`half\` beside them.`,
  places: ["first", "second", "half"],
  blocks: ["first", "second"].flatMap((line) => [0, 16, 32, 48].map((at) => `${line} + ${at}`)),
  beside: ["half", "half + 16"],
  schedule: "SLICED",
  keyBytes: 128,
  // After four rounds a row stands where it stood.
  turns: 4,
  start(body, blocks) {
    for (const [i, name] of ["ones", "twos", "fours", "rows", "columns"].entries())
      body.say(`const ${name} = v128.load(MASKS, ${16 * i});`);
    return transpose(
      body,
      blocks.map((block) => body.let(`swizzle(${block}, rows)`)),
    );
  },
  round: (body, q, number) => round(body, q, number, decrypt),
  last(body, q) {
    const blocks = transpose(body, substitute(body, decrypt ? INVERSE : FORWARD, q));
    return blocks.map((block) => body.let(`swizzle(${block}, columns)`));
  },
});

export function bitslice() {
  const masks = [0x55, 0x33, 0x0f].map((mask) => new Array(16).fill(mask));
  // 10 and 14 rounds leave ShiftRows by 2.
  masks.push(BY_ROWS, toColumns(2), ...MASKED.map(([rows, by]) => belowLanes(rows, by)));
  return [
    "// Made by assembly/aes/generate/bitslice.mjs: read that.",
    'import * as Slot from "../../../ts/abi/slot";',
    'import { BYTES, DECRYPT, ENCRYPT, STATES } from "../spread";',
    'import { swizzle } from "../swizzle";',
    `const MASKS: usize = memory.data<u8>([${masks.flat().join(", ")}], 16);`,
    "",
    ...kernel("encryptLines", false, form(false)),
    ...kernel("decryptLines", true, form(true)),
  ].join("\n");
}
