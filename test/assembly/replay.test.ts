// The replay's hot loop, record by record: whatever a handler touches, another look at the page tells.
import * as Record from "../../ts/abi/record.ts";
import * as Replay from "../../ts/abi/replay.ts";
import { hex, NX, OPEN, PAGE, PRESENT, pattern, USER } from "../core.ts";
import { assert, suite } from "../kit.ts";
import { Lab } from "../lab.ts";

const test = suite("the hot loop");

const GPA = 0x20_0000n;
const GVA = 0x7000_0000n;
const PAGES = 3n;
const SEED = 9n;
const STEP = 0x9e3779b97f4a7c15n;

const STORES = [
  [Record.STORE_1, 1],
  [Record.STORE_2, 2],
  [Record.STORE_4, 4],
  [Record.STORE_8, 8],
  [Record.MODIFY_1, 1],
  [Record.MODIFY_2, 2],
  [Record.MODIFY_4, 4],
  [Record.MODIFY_8, 8],
] as const;

type Access = readonly [op: number, gva: bigint, bytes: number];

/** A guest with some pages of zeros behind each other, mapped by entries of these bits. */
function guest(flags = OPEN) {
  const lab = new Lab({ generation: "sev-snp", chip: "milan" });
  const spas: bigint[] = [];
  for (let i = 0n; i < PAGES; i++) {
    const spa = lab.back(GPA + i * PAGE);
    spas.push(spa);
    lab.core.firmware.write(spa, lab.key, new Uint8Array(4096));
    lab.map(GVA + i * PAGE, (GPA + i * PAGE) | flags | lab.cBit);
  }
  const port = lab.core.guest.replay;
  port.setSeed(SEED);
  lab.load();
  /** Runs a batch; answers where it stopped and why. */
  const run = (accesses: readonly Access[], ordinal = 0n) => {
    const bytes = new Uint8Array(accesses.length * Record.SIZE);
    const view = new DataView(bytes.buffer);
    accesses.forEach(([op, gva, size], i) => {
      view.setBigUint64(i * Record.SIZE + Record.GVA, gva, true);
      view.setUint32(i * Record.SIZE + Record.BYTES, size, true);
      view.setUint8(i * Record.SIZE + Record.OP, op);
    });
    port.fill(bytes, ordinal);
    return port.run(0, accesses.length);
  };
  return { lab, spas, port, run };
}

const stored = (ordinal: bigint, gva: bigint): bigint => {
  const x = BigInt.asUintN(64, ((ordinal << 24n) ^ gva ^ SEED) * STEP);
  return x ^ (x >> 32n);
};

const folded = (digest: bigint, value: bigint): bigint => {
  const x = BigInt.asUintN(64, (digest ^ value) * STEP);
  return BigInt.asUintN(64, x << 23n) | (x >> 41n);
};

/** Puts what record `ordinal` stores at a gva into what the pages from GVA on hold. */
function put(pages: Uint8Array, ordinal: bigint, gva: bigint, bytes: number): void {
  const word = new Uint8Array(8);
  new DataView(word.buffer).setBigUint64(0, stored(ordinal, gva), true);
  pages.set(word.subarray(0, bytes), Number(gva - GVA));
}

test("a narrow store dirties the lines it touches, and no other, on both sides of a page's end", () => {
  // Known for writing by a line that no other store touches.
  const known = GVA + 2048n;
  for (const [op, bytes] of STORES)
    for (const offset of [0, 1, 63, 64 - bytes, 65 - bytes, 127, 4096 - bytes, 4097 - bytes]) {
      const { lab, run } = guest();
      const gva = GVA + BigInt(offset);
      const both: Access[] = [
        [Record.STORE_1, known, 1],
        [op, gva, bytes],
      ];
      const expected = new Uint8Array(2 * 4096);
      put(expected, 5n, known, 1);
      put(expected, 6n, gva, bytes);
      // Walks have set the tables' accessed and dirty bits.
      run(both);
      lab.write(GVA, new Uint8Array(2 * 4096));
      lab.core.host.wbinvd();
      const before = lab.core.events().LINES_ENCRYPTED;
      const ended = run(both, 5n);
      assert.equal(ended, { at: 2, stop: Replay.DONE });
      lab.core.host.wbinvd();
      const lines = 1 + Math.floor((offset + bytes - 1) / 64) - Math.floor(offset / 64) + 1;
      assert.is(Number(lab.core.events().LINES_ENCRYPTED - before), lines, `${op} at ${offset}`);
      assert.is(hex(lab.read(GVA, 2 * 4096) as Uint8Array), hex(expected), `${op} at ${offset}`);
    }
});

test("a load folds its own bytes only, and walks once for a page, whatever its place there", () => {
  const { lab, port, run } = guest();
  const page = pattern(4096, 3);
  lab.write(GVA, page);
  lab.core.host.wbinvd();
  const words = new DataView(page.buffer);
  for (const op of [Record.FETCH, Record.LOAD]) {
    const before = lab.core.events().WALKS;
    let digest = port.digest();
    const accesses: Access[] = [];
    for (let bytes = 1; bytes <= 8; bytes++)
      for (const offset of [0, 1, 64 - bytes, 4096 - 8, 4096 - bytes]) {
        accesses.push([op, GVA + BigInt(offset), bytes]);
        let value = 0n;
        for (let i = bytes - 1; i >= 0; i--)
          value = (value << 8n) | BigInt(words.getUint8(offset + i));
        digest = folded(digest, value);
      }
    assert.equal(run(accesses), { at: accesses.length, stop: Replay.DONE });
    assert.is(port.digest(), digest);
    assert.is(lab.core.events().WALKS - before, 1n);
  }
});

test("a page that is known for one kind of access is refused to the others by its tables", () => {
  const refused = (flags: bigint, first: Access, second: Access) => {
    const { lab, run } = guest(flags);
    assert.equal(run([first, second]), { at: 1, stop: Replay.REFUSED });
    assert.is(lab.core.guest.exit().gva, second[1]);
  };
  const load: Access = [Record.LOAD, GVA, 8];
  for (const [op, bytes] of STORES) refused(PRESENT | USER, load, [op, GVA, bytes]);
  refused(PRESENT | USER | NX, load, [Record.FETCH, GVA, 8]);
  refused(OPEN | NX, [Record.STORE_8, GVA, 8], [Record.FETCH, GVA, 8]);
});

test("a page closed between two batches is read anew", () => {
  const { lab, spas, port, run } = guest();
  const load: Access = [Record.LOAD, GVA + 8n, 8];
  for (const op of [Record.LOAD, Record.STORE_8, Record.FETCH])
    for (const seed of [1, 2]) {
      run([load, [op, GVA, 8]]);
      const page = pattern(4096, seed);
      lab.core.firmware.write(spas[0]!, lab.key, page);
      lab.core.host.wbinvd();
      const digest = port.digest();
      run([load]);
      assert.is(port.digest(), folded(digest, new DataView(page.buffer).getBigUint64(8, true)));
    }
});
