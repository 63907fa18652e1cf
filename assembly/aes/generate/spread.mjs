// Blocks by tables, in statements that go between those of a kernel of vectors, for a machine's scalar units have nothing to do
// there. A state lies spread in memory, each byte as 16 bits that are an offset into a table (assembly/aes/spread.ts): so a byte
// costs two loads and an addition. Taken out of a register it would cost a shift and a mask more.
const ROWS = [0, 1, 2, 3];
const STATE = 32;
const BLOCK = 16;

export class Spread {
  #body;
  #blocks;
  #table;
  #turn;

  constructor(body, blocks, direction) {
    this.#body = body;
    this.#blocks = [...blocks.keys()];
    this.#table = direction;
    this.#turn = direction === "DECRYPT" ? -1 : 1;
  }

  /** A state has two places, in turn: a column is written while others are still to be read. */
  #state(block, round) {
    return STATE * (2 * block + (round & 1));
  }

  /** The table's offset for the byte of a row that ShiftRows brings into a column. */
  #offset(block, round, column, row) {
    const at = this.#state(block, round) + 8 * ((column + this.#turn * row) & 3) + 2 * row;
    return this.#body.let(`usize(load<u16>(STATES + ${at}))`);
  }

  begin(plain) {
    for (const block of this.#blocks)
      for (const [i, half] of ["low", "high"].entries()) {
        const bytes = `i16x8.extend_${half}_i8x16_u(${plain[block]})`;
        const at = this.#state(block, 0) + 16 * i;
        this.#body.say(`v128.store(STATES + ${at}, i16x8.shl(${bytes}, 4));`);
      }
  }

  round(number) {
    // A store waits for the loads of the next column: else V8 loads each entry twice, once to add it and once for nothing.
    let waiting;
    for (const column of ROWS)
      for (const block of this.#blocks) {
        const parts = ROWS.map((row) => {
          const offset = this.#offset(block, number - 1, column, row);
          return this.#body.let(`load<u64>(${offset}, ${this.#table} + ${2 * (-row & 3)})`);
        });
        parts.push(this.#body.let(`load<u64>(spread, ${8 * column})`));
        if (waiting) this.#body.say(waiting);
        const at = this.#state(block, number) + 8 * column;
        waiting = `store<u64>(STATES + ${at}, ${parts.join(" ^ ")});`;
      }
    this.#body.say(waiting);
  }

  last() {
    for (const column of ROWS)
      for (const row of ROWS)
        for (const block of this.#blocks) {
          const offset = this.#offset(block, 1, column, row);
          const at = BLOCK * block + 4 * column + row;
          this.#body.say(`store<u8>(BYTES + ${at}, load<u8>(${offset}, ${this.#table} + 14));`);
        }
  }

  done() {
    return this.#blocks.map((block) => `v128.load(BYTES + ${BLOCK * block})`);
  }
}
