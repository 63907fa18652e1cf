// The record: which handler serves which size, and where its words lie.
import * as Records from "../../dist/replay/record.js";
import * as Record from "../../ts/abi/record.ts";
import { assert, suite } from "../kit.ts";

const test = suite("trace records");

test("a size has one handler: narrow up to 8 bytes, stores and modifies by power of two", () => {
  const stores = [0, "1", "2", "WIDE", "4", "WIDE", "WIDE", "WIDE", "8"];
  for (let bytes = 1; bytes <= 4096; bytes++) {
    const wide = bytes > 8;
    const store = stores[bytes] ?? "WIDE";
    const table = Record as unknown as { [name: string]: number };
    assert.is(Records.operation(0, bytes), wide ? Record.FETCH_WIDE : Record.FETCH);
    assert.is(Records.operation(1, bytes), wide ? Record.LOAD_WIDE : Record.LOAD);
    assert.is(Records.operation(2, bytes), table[`STORE_${store}`]);
    assert.is(Records.operation(3, bytes), table[`MODIFY_${store}`]);
  }
});

test("a transfer and a halt have one handler each, and every handler knows its kind", () => {
  for (const bytes of [0, 1, 9, 4096, 2 ** 31]) {
    assert.is(Records.operation(4, bytes), Record.TRANSFER_OUT);
    assert.is(Records.operation(5, bytes), Record.TRANSFER_IN);
    assert.is(Records.operation(6, bytes), Record.HALT);
  }
  const kinds = [0, 0, 1, 1, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 4, 5, 6];
  assert.equal(
    kinds.map((_, op) => Records.kindOf(op)),
    kinds,
  );
});

test("a batch lays a record out as the ABI says, in memory given to it", () => {
  const memory = new ArrayBuffer(64);
  const batch = new Records.Batch(new Uint32Array(memory, 16, 12));
  assert.is(batch.capacity, 3);
  batch.push(1, 2, 3, 4);
  batch.push(0x89abcdef, 0xffff8000, 8, Record.STORE_8);
  const view = new DataView(memory, 16 + Record.SIZE);
  assert.is(view.getBigUint64(Record.GVA, true), 0xffff800089abcdefn);
  assert.is(view.getUint32(Record.BYTES, true), 8);
  assert.is(view.getUint8(Record.OP), Record.STORE_8);
  batch.keep(1, 1);
  assert.equal([...batch.words.subarray(0, 4)], [0x89abcdef, 0xffff8000, 8, Record.STORE_8]);
  assert.is(batch.length, 1);
});

test("an address is canonical to its last byte or not at all", () => {
  const table: [bigint, number, boolean][] = [
    [0n, 1, true],
    [0x7fff_ffff_ffffn, 1, true],
    [0x7fff_ffff_ffffn, 2, false],
    [0x7fff_ffff_f000n, 4096, true],
    [0x8000_0000_0000n, 1, false],
    [0x0001_0000_0000_0000n, 1, false],
    [0xffff_7fff_ffff_ffffn, 1, false],
    [0xffff_8000_0000_0000n, 1, true],
    [0xffff_ffff_ffff_ffffn, 1, true],
    [0xffff_ffff_ffff_ffffn, 2, false],
  ];
  for (const [gva, bytes, canonical] of table) {
    const [high, low] = [Number(gva >> 32n), Number(gva & 0xffffffffn)];
    assert.is(Records.isCanonical(high, low, bytes), canonical, `0x${gva.toString(16)}`);
    assert.is(Records.isCanonical(high | 0, low | 0, bytes), canonical, `0x${gva.toString(16)}`);
  }
});

test("counts are by kind, and add up", () => {
  const counts = Records.noCounts();
  const batch = new Records.Batch();
  for (let kind = 0; kind < 7; kind++) {
    for (let times = 0; times <= kind; times++) {
      batch.push(0, 0, 9, Records.operation(kind as Records.Kind, 9));
    }
  }
  Records.count(counts, batch);
  Records.count(counts, batch);
  assert.equal(counts, {
    records: 56,
    fetches: 2,
    loads: 4,
    stores: 6,
    modifies: 8,
    syscalls: 36,
    exits: 0,
    pageStates: 0,
    dmas: 0,
  });
});
