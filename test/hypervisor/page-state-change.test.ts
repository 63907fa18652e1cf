// Page state changes on both sides: batches, progress, errors, and what the RMP says afterwards. AMD 56421, 4.1.6; KVM snp_begin_psc.
import {
  setMemoryDecrypted,
  setMemoryEncrypted,
  snp_set_memory_private,
  snp_set_memory_shared,
} from "../../dist/guest/ghcb/page-state.js";
import * as Code from "../../ts/abi/exit.ts";
import * as Layout from "../../ts/abi/ghcb.ts";
import * as Psc from "../../ts/abi/page-state-change.ts";
import { GHCB, type Rig, rig, SHARED } from "../guest/rig.ts";
import { assert, suite } from "../kit.ts";
import { Raw } from "./raw.ts";

const test = suite("page state changes");

const BUFFER = GHCB + BigInt(Layout.SHARED_BUFFER);
const AT = 0x100_000n;
const SMALL = 0x150_000n;

interface Batch {
  cur?: number;
  end: number;
  entries: bigint[];
}

function bufferOf({ cur = 0, end, entries }: Batch): Uint8Array {
  const view = new DataView(new ArrayBuffer(Psc.SIZE + 8 * Psc.ENTRIES));
  view.setUint16(Psc.CUR_ENTRY, cur, true);
  view.setUint16(Psc.END_ENTRY, end, true);
  entries.forEach((entry, i) => {
    view.setBigUint64(Psc.SIZE + 8 * i, entry, true);
  });
  return new Uint8Array(view.buffer);
}

const entry = (gpa: bigint, operation: number, large = false, done = 0n) =>
  gpa | (BigInt(operation) << 52n) | (large ? 1n << 56n : 0n) | done;

/** Asks, and answers SW_EXITINFO2, CUR_ENTRY and the entries. */
function change(raw: Raw, batch: Batch, scratch = BUFFER) {
  const buffer = bufferOf(batch);
  if (scratch !== BUFFER) raw.put(scratch, buffer);
  const fields = { [Layout.SW_SCRATCH]: scratch };
  const answer = raw.ask({ code: Code.VMGEXIT_PSC, fields, buffer }) as [bigint, bigint];
  const bytes = scratch === BUFFER ? raw.page.slice(Layout.SHARED_BUFFER) : raw.see(scratch, 2032);
  const view = new DataView(bytes.buffer);
  return {
    answer,
    current: view.getUint16(Psc.CUR_ENTRY, true),
    entries: batch.entries.map((_, i) => view.getBigUint64(Psc.SIZE + 8 * i, true)),
  };
}

const rmpOf = (made: Rig, gpa: bigint) =>
  made.platform.core.firmware.rmp(made.vm.spaOf(gpa) as bigint).low;
const assigned = (made: Rig, gpa: bigint) => (rmpOf(made, gpa) & 1n) === 1n;

test("a batch is done from its current to its end entry, and says so in the buffer", () => {
  const raw = new Raw();
  const entries = [0n, 1n, 2n].map((i) => entry(SMALL + i * 0x1000n, Psc.SHARED));
  const { answer, current, entries: after } = change(raw, { cur: 1, end: 2, entries });
  assert.equal(answer, [0n, 0n]);
  assert.is(current, 3);
  assert.equal(after, [entries[0], entries[1]! | 1n, entries[2]! | 1n]);
  assert.equal(
    [0n, 1n, 2n].map((i) => assigned(raw.made, SMALL + i * 0x1000n)),
    [true, false, false],
  );
});

test("a batch in other shared memory than the GHCB is done as well", () => {
  const raw = new Raw();
  const { answer, current } = change(raw, { end: 0, entries: [entry(SMALL, Psc.SHARED)] }, SHARED);
  assert.equal(answer, [0n, 0n]);
  assert.is(current, 1);
  assert.not(assigned(raw.made, SMALL));
});

test("253 entries fit, and a header that speaks of more is invalid", () => {
  const raw = new Raw();
  const entries = Array.from({ length: Psc.ENTRIES }, (_, i) =>
    entry(AT + BigInt(i) * 0x1000n, Psc.SHARED),
  );
  const full = change(raw, { end: 252, entries });
  assert.equal(full.answer, [0n, 0n]);
  assert.is(full.current, 253);
  for (const end of [253, 0xffff]) {
    const { answer, current } = change(raw, { end, entries: entries.slice(0, 1) });
    assert.equal(answer, [0n, 0x1_0000_0001n]);
    assert.is(current, 0);
  }
});

test("a header whose entries reach past the scratch area is invalid", () => {
  const raw = new Raw();
  const place = GHCB + 0xfe0n;
  const page = { code: Code.VMGEXIT_PSC, fields: { [Layout.SW_SCRATCH]: place } };
  const buffer = new Uint8Array(0x7f0);
  buffer.set(Uint8Array.of(0, 0, 4, 0), 0x7e0);
  assert.equal(raw.ask({ ...page, buffer }), [0n, 0x1_0000_0001n]);
});

test("nothing is left to do when the current entry is past the end", () => {
  const raw = new Raw();
  const { answer, current } = change(raw, { cur: 5, end: 1, entries: [entry(SMALL, Psc.SHARED)] });
  assert.equal(answer, [0n, 0n]);
  assert.is(current, 5);
  assert.ok(assigned(raw.made, SMALL));
});

test("an entry that is out of line stops the batch there, with what came before it done", () => {
  const bad = [
    entry(SMALL, Psc.SHARED, false, 2n),
    entry(SMALL, Psc.SHARED, true),
    entry(0n, Psc.SHARED, true, 513n),
  ];
  for (const wrong of bad) {
    const raw = new Raw();
    const { answer, current } = change(raw, { end: 1, entries: [entry(AT, Psc.SHARED), wrong] });
    assert.equal(answer, [0n, 0x1_0000_0002n]);
    assert.is(current, 1);
    assert.not(assigned(raw.made, AT));
    assert.ok(assigned(raw.made, SMALL));
  }
});

test("hints, and operations that nobody knows, count as done", () => {
  const raw = new Raw();
  for (const operation of [0, Psc.PSMASH, Psc.UNSMASH, 15]) {
    const asked = { end: 0, entries: [entry(SMALL, operation)] };
    const { answer, current, entries } = change(raw, asked);
    assert.equal([answer, current, entries], [[0n, 0n], 1, [asked.entries[0]! | 1n]]);
    assert.ok(assigned(raw.made, SMALL));
  }
});

test("what the RMP refuses, beyond the guest's memory above all, is a generic error", () => {
  const raw = new Raw();
  const { answer, current } = change(raw, { end: 0, entries: [entry(0x4000_0000n, Psc.SHARED)] });
  assert.equal(answer, [0n, 0x100n << 32n]);
  assert.is(current, 0);
});

test("a 2 MiB entry that was begun is finished page by page", () => {
  const raw = new Raw();
  const base = 0x200_000n;
  const asked = { end: 0, entries: [entry(base, Psc.SHARED, true, 510n)] };
  raw.vm.back(base, true);
  const before = raw.vm.spaOf(base + 509n * 0x1000n);
  const { answer, entries } = change(raw, asked);
  assert.equal(answer, [0n, 0n]);
  assert.is(entries[0]! & 0xfffn, 512n);
  assert.is(before, undefined);
  assert.is(raw.vm.spaOf(base + 509n * 0x1000n), undefined);
  assert.is.not(raw.vm.spaOf(base + 510n * 0x1000n), undefined);
  assert.ok(assigned(raw.made, base));
});

test("shared with the hypervisor and back: what either writes the other sees meanwhile, and no longer", () => {
  const text = new TextEncoder().encode("for the host to read");
  const host = new Uint8Array(text.length);
  const guest = new Uint8Array(text.length);
  const made = rig(function* (cpu, sev) {
    yield* setMemoryDecrypted(cpu, sev, SHARED, 3n);
    yield* cpu.write(SHARED + 0x2000n, text);
    yield* cpu.hlt();
    yield* cpu.read(SHARED, guest);
    yield* setMemoryEncrypted(cpu, sev, SHARED, 3n);
    yield* cpu.write(SHARED, text);
  });
  made.run();
  const { vm } = made;
  const spa = vm.spaOf(SHARED + 0x2000n) as bigint;
  assert.ok(vm.host.read(spa, host));
  assert.equal(host, text);
  vm.host.write(vm.spaOf(SHARED) as bigint, text.slice().reverse());
  assert.is(made.run(), "sleeps");
  assert.equal(guest, text.slice().reverse());
  assert.is(vm.ghcb.terminated, undefined);
  const first = vm.spaOf(SHARED) as bigint;
  vm.host.read(first, host);
  assert.is.not(new TextDecoder().decode(host), new TextDecoder().decode(text));
  assert.not(vm.host.write(first, text));
});

test("snp_set_memory_shared gives up before it asks, snp_set_memory_private accepts after it was given", () => {
  const states: string[] = [];
  const made = rig(function* (cpu, sev) {
    yield* snp_set_memory_shared(cpu, sev, SHARED, 1n);
    yield* snp_set_memory_private(cpu, sev, SHARED, 1n);
  });
  const row = made.vm.ghcb.events.get(Code.VMGEXIT_PSC)!;
  const state = () => {
    const low = rmpOf(made, SHARED);
    return `${low & 1n ? "assigned" : "hypervisor"} ${(low >> 62n) & 1n ? "valid" : "invalid"}`;
  };
  made.vm.ghcb.events.set(Code.VMGEXIT_PSC, {
    ...row,
    serve(event) {
      states.push(state());
      const outcome = row.serve(event);
      states.push(state());
      return outcome;
    },
  });
  assert.is(made.run(), "sleeps");
  assert.equal(states, [
    "assigned invalid",
    "hypervisor invalid",
    "hypervisor invalid",
    "assigned invalid",
  ]);
  assert.is(rmpOf(made, SHARED) >> 62n, 1n);
});

test("more pages than a batch holds go in several", () => {
  let batches = 0;
  const made = rig(function* (cpu, sev) {
    yield* snp_set_memory_shared(cpu, sev, AT, 256n);
  });
  const row = made.vm.ghcb.events.get(Code.VMGEXIT_PSC)!;
  made.vm.ghcb.events.set(Code.VMGEXIT_PSC, {
    ...row,
    serve(event) {
      batches++;
      return row.serve(event);
    },
  });
  assert.is(made.run(), "sleeps");
  assert.is(batches, 2);
  for (let i = 0n; i < 256n; i++) assert.not(assigned(made, AT + i * 0x1000n));
});
