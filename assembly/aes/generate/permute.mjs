// Writes the kernel that looks up nibbles by byte shuffles, for one line of 4 blocks.
// Hamburg, "Accelerating AES with Vector Permute Instructions" (CHES 2009): a byte in a basis of GF(16)^2 is two nibbles i and k,
// and 1/x follows from the inverses of nibbles. Two tables of 16 then give any linear function of 1/x.
import { affine, INVERSES, multiply, unaffine } from "./field.mjs";
import { kernel } from "./kernel.mjs";
import { BY_ROWS, below, rotatedRows } from "./rows.mjs";

// What is taken from the paper: inverses of nibbles (80 stands for infinity), the same times a constant, and the basis.
const INVERSE = "8001080d0f06050e020c0b0a09030704";
const INVERSE_A = "80070b0f060a0401090805020c0e0d03";
const BASIS_LOW = "00702a5a98e8b2c20878225290e0baca";
const BASIS_HIGH = "004d7c317d30014c81ccfdb0fcb180cd";

const bytes = (hex) => hex.match(/../g).map((byte) => Number.parseInt(byte, 16));
const [inverse, inverseA, basisLow, basisHigh] = [INVERSE, INVERSE_A, BASIS_LOW, BASIS_HIGH].map(
  bytes,
);

/** A byte in the paper's basis. */
const basis = (x) => basisLow[x & 15] ^ basisHigh[x >> 4];

/** The two nibbles that index the output tables for the byte whose basis form is b. */
function indices(b) {
  const at = (table, i) => (i & 0x80 ? 0 : table[i & 15]);
  const [i, k] = [b >> 4, b & 15];
  const j = i ^ k;
  const ak = at(inverseA, k);
  const iak = at(inverse, i) ^ ak;
  const jak = at(inverse, j) ^ ak;
  return [at(inverse, iak) ^ j, at(inverse, jak) ^ i];
}

/** Two tables whose entries at a byte's indices sum to f of it: a linear system over GF(2), solved by elimination. */
function tables(f) {
  // A row: a mask of the 32 unknown entries, and the byte they must sum to.
  const pivots = [];
  for (let x = 0; x < 256; x++) {
    const [io, jo] = indices(basis(x));
    let mask = (io & 0x80 ? 0 : 1 << (io & 15)) ^ (jo & 0x80 ? 0 : 0x10000 << (jo & 15));
    let value = f(x);
    for (const row of pivots) {
      if (!((mask >>> row.at) & 1)) continue;
      mask ^= row.mask;
      value ^= row.value;
    }
    if (mask === 0 && value !== 0) throw new Error("no two tables give this function");
    if (mask === 0) continue;
    const at = 31 - Math.clz32(mask);
    for (const row of pivots) {
      if (!((row.mask >>> at) & 1)) continue;
      row.mask ^= mask;
      row.value ^= value;
    }
    pivots.push({ at, mask, value });
  }
  const entries = new Array(32).fill(0);
  for (const { at, value } of pivots) entries[at] = value;
  return [entries.slice(0, 16), entries.slice(16)];
}

/** A linear map as tables of its low and high nibble. */
const nibbles = (f) => [0, 4].map((by) => Array.from({ length: 16 }, (_, i) => f(i << by)));

// The inverse cipher's state is kept so that its S-box, 1/(A^-1 y), begins as the forward one does.
const inverseBasis = (y) => basis(unaffine(y));
const times = (n, form) => (x) => form(multiply(n, affine(INVERSES[x])));
const timesInverse = (n) => (x) => inverseBasis(multiply(n, INVERSES[x]));

const fixed = (shift) => [
  ["nibble", new Array(16).fill(15)],
  ["inv", inverse],
  ["inva", inverseA],
  ["rows", BY_ROWS],
  ["shift", rotatedRows(shift)],
];

function named(name, [one, two]) {
  return [
    [`${name}0`, one],
    [`${name}1`, two],
  ];
}

const TABLES = {
  ENCRYPT: [
    ...fixed(1),
    ...named("input", nibbles(basis)),
    ...named("one", tables(times(1, basis))),
    ...named("two", tables(times(2, basis))),
    ...named("output", tables(times(1, (x) => x))),
  ],
  DECRYPT: [
    ...fixed(-1),
    ...named("input", nibbles(inverseBasis)),
    ...named("nine", tables(timesInverse(9))),
    ...named("thirteen", tables(timesInverse(13))),
    ...named("eleven", tables(timesInverse(11))),
    ...named("fourteen", tables(timesInverse(14))),
    ...named(
      "output",
      tables((x) => INVERSES[x]),
    ),
  ],
};

/** The same statements for blocks side by side, so that their latencies overlap. JavaScriptCore, too, is faster so than block by
 *  block (200 to 150 MB/s). */
class Lanes {
  #body;
  constructor(body) {
    this.#body = body;
  }
  #each(values, what) {
    return values.map((value, i) => this.#body.let(what(value, i)));
  }
  xor(a, b) {
    return this.#each(a, (value, i) => `v128.xor(${value}, ${typeof b === "string" ? b : b[i]})`);
  }
  look(table, index) {
    return this.#each(index, (value) => `swizzle(${table}, ${value})`);
  }
  low(a) {
    return this.#each(a, (value) => `v128.and(${value}, nibble)`);
  }
  high(a) {
    return this.#each(a, (value) => `i8x16.shr_u(${value}, 4)`);
  }
  sum(name, [io, jo]) {
    return this.xor(this.look(`${name}0`, io), this.look(`${name}1`, jo));
  }
  below(a, rows) {
    return this.#each(a, (value) => below(value, rows));
  }
  swizzle(a, lanes) {
    return this.#each(a, (value) => `swizzle(${value}, ${lanes})`);
  }
}

function invert(b, state) {
  const k = b.low(state);
  const i = b.high(state);
  const j = b.xor(i, k);
  const ak = b.look("inva", k);
  const iak = b.xor(b.look("inv", i), ak);
  const jak = b.xor(b.look("inv", j), ak);
  return [b.xor(b.look("inv", iak), j), b.xor(b.look("inv", jak), i)];
}

const KEY = "v128.load(keys)";

/** MixColumns and key of encryption: 2a0 + 3a1 + a2 + a3 of each column from a and 2a. */
function mixed(b, at) {
  const a = b.sum("one", at);
  const twice = b.xor(b.sum("two", at), b.below(a, 1));
  const last = b.xor(twice, b.below(a, 3));
  return b.xor(b.xor(last, KEY), b.below(twice, 1));
}

/** InvMixColumns and key of decryption: 14a0 + 11a1 + 13a2 + 9a3, by Horner's rule over the rows. */
function unmixed(b, at) {
  let sum = b.sum("nine", at);
  for (const name of ["thirteen", "eleven", "fourteen"])
    sum = b.xor(b.below(sum, 1), b.sum(name, at));
  return b.xor(sum, KEY);
}

// Blocks beside the vectors: what is fastest in Node 24 and does not lose in Node 20, whose swizzles are two instructions.
const BESIDE = { encrypt: 1, decrypt: 2 };

function form(decrypt) {
  const blocks = ["at", "at + 16", "at + 32", "at + 48"];
  const beside = blocks.splice(-BESIDE[decrypt ? "decrypt" : "encrypt"]);
  const direction = decrypt ? "DECRYPT" : "ENCRYPT";
  return {
    what: (verb) => `${verb} the line at offset \`at\`.`,
    places: ["at"],
    blocks,
    beside,
    schedule: "PERMUTED",
    keyBytes: 16,
    // A state beside the vectors has two places.
    turns: 2,
    start(body, plain) {
      const b = new Lanes(body);
      for (const [i, [name]] of TABLES[direction].entries())
        body.say(`const ${name} = v128.load(${direction}_TABLES, ${16 * i});`);
      const rows = b.swizzle(plain, "rows");
      return b.xor(b.look("input0", b.low(rows)), b.look("input1", b.high(rows)));
    },
    round(body, states) {
      const b = new Lanes(body);
      return (decrypt ? unmixed : mixed)(b, invert(b, b.swizzle(states, "shift")));
    },
    last(body, states) {
      const b = new Lanes(body);
      return b.swizzle(b.sum("output", invert(b, b.swizzle(states, "shift"))), "rows");
    },
  };
}

const data = (name, rows) =>
  `export const ${name}: usize = memory.data<u8>([${rows.flatMap(([, row]) => row).join(", ")}], 16);`;

export function permute() {
  return [
    "// Made by assembly/aes/generate/permute.mjs: read that.",
    'import * as Slot from "../../../ts/abi/slot";',
    'import { BYTES, DECRYPT, ENCRYPT, STATES } from "../spread";',
    'import { swizzle } from "../swizzle";',
    data("ENCRYPT_TABLES", TABLES.ENCRYPT),
    data("DECRYPT_TABLES", TABLES.DECRYPT),
    "/** Where in either the two tables stand that bring a byte into the kernel's basis. */",
    `export const INPUT: usize = ${16 * fixed(1).length};`,
    "",
    ...kernel("encryptLine", false, form(false)),
    ...kernel("decryptLine", true, form(true)),
  ].join("\n");
}
