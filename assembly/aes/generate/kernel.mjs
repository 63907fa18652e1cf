// What the kernels have in common: some blocks in vectors, and beside them some by tables (spread.mjs).
import { Body } from "./body.mjs";
import { Spread } from "./spread.mjs";

// Bytes of a round key in that form.
const SPREAD = 32;

/** All rounds but the last. Their number is one more than a multiple of `turns`, how many are written out. The way out after each
 *  is for Node 20 and 22: they put all loads of a stretch without branches first, and would tear apart what is woven. */
function rounds(body, form, spread, held) {
  body.say("for (;;) {");
  for (let number = 1; number <= form.turns; number++) {
    const next = body.weave(
      () => form.round(body, held, number),
      () => spread.round(number),
    );
    for (const [i, value] of next.entries()) body.say(`${held[i]} = ${value};`);
    body.say("if (keys == last) break;");
    body.say(`keys += ${form.keyBytes}; spread += ${SPREAD};`);
  }
  body.say("}");
}

/** The first round key, which is added with the tweak, and the last. */
function ends(decrypt) {
  const first = "v128.load(slot, Slot.ENCRYPT)";
  const last = "v128.xor(v128.load(slot + (rounds << 4), Slot.ENCRYPT), i8x16.splat(0x63))";
  return decrypt ? [last, first] : [first, last];
}

/** A function that ciphers the blocks at the offsets `form.blocks` in vectors, and those at `form.beside` by tables:
 *  `form.start` makes states of blocks, `form.round` and `form.last` do a round, `form.last` in the order of bytes again. */
export function kernel(name, decrypt, form) {
  const body = new Body();
  const direction = decrypt ? "DECRYPT" : "ENCRYPT";
  const spread = new Spread(body, form.beside, direction);
  const [first, last] = ends(decrypt);
  const added = (at, end) => `v128.xor(v128.load(tweaks + ${at}), ${end})`;
  body.say(`let keys = slot + Slot.${form.schedule}_${direction};`);
  body.say(`let spread = slot + Slot.SPREAD_${direction};`);
  body.say(`const last = keys + (rounds - 2) * ${form.keyBytes};`);
  body.say("const base = i64x2(low, high);");
  body.say(`const before = v128.xor(base, ${first});`);
  const plain = (at) => body.let(`v128.xor(v128.load(from + ${at}), ${added(at, "before")})`);
  spread.begin(form.beside.map(plain));
  const held = form.start(body, form.blocks.map(plain)).map((value, i) => {
    body.say(`let s${i} = ${value};`);
    return `s${i}`;
  });
  rounds(body, form, spread, held);
  const done = body.weave(
    () => form.last(body, held),
    () => spread.last(),
  );
  body.say(`const after = v128.xor(base, ${last});`);
  for (const [i, at] of [...form.blocks, ...form.beside].entries())
    body.say(
      `v128.store(to + ${at}, v128.xor(${[...done, ...spread.done()][i]}, ${added(at, "after")}));`,
    );
  return [
    `/** ${form.what(decrypt ? "Decrypts" : "Encrypts")} */`,
    `export function ${name}(`,
    `  slot: usize, rounds: usize, low: u64, high: u64, tweaks: usize,`,
    `  ${form.places.map((place) => `${place}: usize`).join(", ")}, from: usize, to: usize,`,
    "): void {",
    ...body.lines,
    "}",
    "",
  ];
}
