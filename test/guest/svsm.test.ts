// An SVSM at VMPL0 and a guest at VMPL2 that asks it for what only VMPL0 may. What it may not, it is refused. AMD 58019.
import { boot } from "../../dist/guest/boot.js";
import type { Cpu, Step } from "../../dist/guest/cpu.js";
import {
  rmpadjust,
  setMemoryDecrypted,
  setMemoryEncrypted,
} from "../../dist/guest/ghcb/page-state.js";
import type { CallingArea, SevGuest } from "../../dist/guest/sev.js";
import { findSvsm, remapCallingArea, svsmCall, svsmPvalidate } from "../../dist/guest/svsm/call.js";
import * as Code from "../../ts/abi/exit.ts";
import * as Secrets from "../../ts/abi/secrets-page.ts";
import * as Calls from "../../ts/abi/svsm.ts";
import * as Request from "../../ts/abi/svsm-pvalidate.ts";
import { assert, suite } from "../kit.ts";
import { AREA, below, call, finish, LAYOUT, PAGE, rmpOf, SECRETS, VMSA } from "./below.ts";
import { rig, SCRATCH } from "./rig.ts";

const test = suite("an SVSM");

test("a guest at VMPL2 runs, and finds its SVSM by the secrets page", () => {
  let found: unknown;
  let vmpl = 0;
  finish(
    below(function* (cpu) {
      vmpl = cpu.vmpl;
      found = yield* findSvsm(cpu, SECRETS, PAGE);
    }),
  );
  assert.is(vmpl, 2);
  assert.equal(found, { gpa: AREA.gpa, vmpl: 2 });
});

test("the core protocol has version 1, and there is no other", () => {
  const answers: bigint[] = [];
  finish(
    below(function* (cpu) {
      for (const rcx of [1n, 2n, 0n, (1n << 32n) | 1n, (2n << 32n) | 1n]) {
        const { result, rcx: versions } = yield* svsmCall(cpu, AREA, 0, 6, { rcx });
        assert.is(result, Calls.SUCCESS);
        answers.push(versions);
      }
    }),
  );
  assert.equal(answers, [(1n << 32n) | 1n, 0n, 0n, 0n, 0n]);
});

test("calls and protocols that it does not serve are refused as such", () => {
  const results: unknown[] = [];
  finish(
    below(function* (cpu) {
      for (const which of [4, 5, 7, 8, 0xffff]) results.push(yield* call(cpu, which));
      for (const protocol of [1, 2, 3, 4])
        results.push((yield* svsmCall(cpu, AREA, protocol, 0)).result);
    }),
  );
  const { UNSUPPORTED_CALL: what, UNSUPPORTED_PROTOCOL: which } = Calls;
  assert.equal(results, [...Array(5).fill(what), ...Array(4).fill(which)]);
});

test("the guest gets a page validated, cleared, and its own; and gives it up again", () => {
  const seen = new Uint8Array(16).fill(1);
  const made = finish(
    below(function* (cpu) {
      const change = [{ gva: PAGE, gpa: PAGE, large: false }];
      yield* cpu.write(PAGE, new Uint8Array(16).fill(0xaa));
      assert.ok(yield* svsmPvalidate(cpu, AREA, change, false));
      assert.ok(yield* svsmPvalidate(cpu, AREA, change, true));
      yield* cpu.read(PAGE, seen);
      assert.ok(yield* svsmPvalidate(cpu, AREA, [{ ...change[0]!, gva: 0n }], false));
    }),
  );
  assert.equal(seen, new Uint8Array(16));
  const { low, high } = rmpOf(made, PAGE);
  assert.is((low >> 62n) & 1n, 0n);
  assert.is((high >> 16n) & 0xffn, 0n);
});

test("the guest's whole library works below VMPL0: GHCB, shared pages and back", () => {
  const text = new TextEncoder().encode("below VMPL0");
  const host = new Uint8Array(text.length);
  let vendor = 0;
  const made = below(function* (cpu) {
    const guest = (yield* boot(cpu, LAYOUT)) as SevGuest;
    vendor = (yield* cpu.cpuid(0, 0)).ebx;
    yield* setMemoryDecrypted(cpu, guest, PAGE, 2n);
    yield* cpu.write(PAGE, text);
    yield* cpu.hlt();
    yield* setMemoryEncrypted(cpu, guest, PAGE, 2n);
    yield* cpu.write(PAGE, text);
  });
  finish(made);
  assert.is(vendor, made.vm.cpuid(0, 0).ebx);
  made.vm.host.read(made.vm.spaOf(PAGE) as bigint, host);
  assert.equal(host, text);
  finish(made);
  made.vm.host.read(made.vm.spaOf(PAGE) as bigint, host);
  assert.is.not(`${host}`, `${text}`);
  assert.is((rmpOf(made, PAGE).high >> 16n) & 0xfn, 0xfn);
});

/** One PVALIDATE request of raw entries. Answers the result and where it stopped. */
function* request(cpu: Cpu, entries: bigint[], next = 0, count = entries.length): Step<unknown[]> {
  const view = new DataView(new ArrayBuffer(Request.SIZE + 8 * entries.length));
  view.setUint16(Request.ENTRIES, count, true);
  view.setUint16(Request.NEXT, next, true);
  entries.forEach((entry, i) => {
    view.setBigUint64(Request.SIZE + 8 * i, entry, true);
  });
  const at = AREA.gpa + BigInt(Calls.BUFFER);
  yield* cpu.write(at, new Uint8Array(view.buffer));
  const result = yield* call(cpu, Calls.PVALIDATE, { rcx: at });
  yield* cpu.read(at, new Uint8Array(view.buffer));
  return [result, view.getUint16(Request.NEXT, true)];
}

test("PVALIDATE of what is not the guest's, or is out of line, changes nothing", () => {
  const VALIDATE = 4n;
  const { INVALID_ADDRESS: address, INVALID_PARAMETER: parameter } = Calls;
  const rows: [bigint[], number, number | undefined, unknown[]][] = [
    [[0x20000n], 0, undefined, [address, 0]], // the SVSM's own
    [[0xff000n | VALIDATE], 0, undefined, [address, 0]],
    [[0x200000n], 0, undefined, [address, 0]], // beyond the guest's memory
    [[0x1n], 0, undefined, [address, 0]], // 2 MiB that hold the SVSM
    [[VMSA], 0, undefined, [address, 0]], // a VMSA in use
    [[PAGE | 2n], 0, undefined, [parameter, 0]], // no such size
    [[PAGE | 1n], 0, undefined, [parameter, 0]], // not aligned to 2 MiB
    [[PAGE | VALIDATE], 0, undefined, [Calls.PVALIDATE_NO_CHANGE, 0]],
    [[PAGE | VALIDATE | 8n], 0, undefined, [Calls.SUCCESS, 1]], // the carry ignored
    [[PAGE], 0, 0, [parameter, 0]], // no entries
    [[PAGE], 1, undefined, [parameter, 1]], // all done
    [[PAGE], 0, 0x600, [parameter, 0]], // more than the page holds
    [[PAGE | VALIDATE | 8n, 0x20000n], 0, undefined, [address, 1]], // stopped in the middle
  ];
  const seen: unknown[][] = [];
  const made = finish(
    below(function* (cpu) {
      for (const [entries, next, count] of rows)
        seen.push(yield* request(cpu, entries, next, count));
      for (const rcx of [AREA.gpa + 4n, 0x20000n, 0x4000_0000n])
        seen.push([yield* call(cpu, Calls.PVALIDATE, { rcx })]);
    }),
  );
  assert.equal(
    seen.slice(0, rows.length),
    rows.map((row) => row[3]),
  );
  assert.equal(seen.slice(rows.length), [[parameter], [parameter], [parameter]]);
  for (const gpa of [0x20000n, VMSA]) assert.is.not(made.vm.spaOf(gpa), undefined);
  assert.is((rmpOf(made, VMSA).low >> 61n) & 3n, 3n);
});

test("what only VMPL0 may, VMPL2 may not: PVALIDATE, VMSAs, permissions of its own level and above", () => {
  const seen: unknown[] = [];
  finish(
    below(function* (cpu) {
      for (const vmpl of [1, 2, 3])
        seen.push(yield* rmpadjust(cpu, PAGE, false, { vmpl, permissions: 1, vmsa: true }));
      // Of VMPL3, which is below it, the bit is ignored (LIMITATIONS.md): what counts is that the page is no VMSA.
      seen.push((yield* cpu.rmpquery(PAGE, 3)).vmsa);
      seen.push(yield* rmpadjust(cpu, PAGE, false, { vmpl: 1, permissions: 1, vmsa: false }));
      // A fault comes again as long as its routine returns: this one does not.
      cpu.on(Code.GP, function* (inner) {
        seen.push("#GP");
        for (;;) yield* inner.hlt();
      });
      yield* cpu.pvalidate(PAGE, false, false);
      seen.push("validated");
    }),
  );
  assert.equal(seen, [2, 2, 0, false, 2, "#GP"]);
});

test("memory of the SVSM is not the guest's to read: a nested fault that says VMPL, and nothing read", () => {
  const seen = new Uint8Array(8).fill(7);
  const made = below(function* (cpu) {
    yield* cpu.read(SCRATCH, seen);
  });
  assert.throws(() => made.run(), /#NPF at gpa 0x30000, error 0x1[0-9a-f]{9}/);
  assert.equal(seen, new Uint8Array(8).fill(7));
});

test("the calling area moves where the guest wants it, within its own memory", () => {
  const results: unknown[] = [];
  finish(
    below(function* (cpu) {
      const guest = (yield* boot(cpu, LAYOUT)) as SevGuest;
      for (const rcx of [0x30000n, 0x150004n, 0x4000_0000n])
        results.push(yield* call(cpu, Calls.REMAP_CA, { rcx }));
      yield* remapCallingArea(cpu, guest, { gva: PAGE, gpa: PAGE });
      const at = guest.svsm as CallingArea;
      results.push((yield* svsmCall(cpu, at, 0, Calls.QUERY_PROTOCOL, { rcx: 1n })).rcx);
    }),
  );
  const wrong = Calls.INVALID_PARAMETER;
  assert.equal(results, [wrong, wrong, wrong, (1n << 32n) | 1n]);
});

test("a hypervisor that comes back without having run the SVSM is found out by the pending call", () => {
  const results: unknown[] = [];
  const made = below(function* (cpu) {
    results.push(yield* call(cpu, Calls.QUERY_PROTOCOL));
    yield* cpu.hlt();
    results.push(yield* call(cpu, Calls.QUERY_PROTOCOL));
  });
  made.run();
  made.vm.ghcb.requests.set(0x16, {
    snp: true,
    serve(_, vcpu) {
      vcpu.vmcb.setU64(0x0a0, 0x17n);
      return "runs";
    },
  });
  made.run();
  assert.equal(results, [Calls.SUCCESS, undefined]);
});

test("a guest below VMPL0 without an SVSM, or with one that cannot be, ends with Linux's reason", () => {
  const rows: [string, (view: DataView) => void, number][] = [
    ["no SVSM", (view) => view.setBigUint64(Secrets.SVSM_BYTES, 0n, true), 7],
    ["a guest at VMPL0", (view) => view.setUint8(Secrets.SVSM_GUEST_VMPL, 0), 8],
    ["a calling area that is no page", (view) => flipBit(view, Secrets.SVSM_CAA), 9],
  ];
  for (const [name, lie, code] of rows) {
    const made = below(function* (cpu) {
      const page = new Uint8Array(Secrets.SIZE);
      yield* cpu.read(SECRETS, page);
      lie(new DataView(page.buffer));
      yield* cpu.write(SECRETS, page);
      yield* findSvsm(cpu, SECRETS, PAGE);
    });
    assert.is(made.run(), "ends", name);
    assert.equal(made.vm.ghcb.terminated, { set: 1, code }, name);
  }
});

function flipBit(view: DataView, at: number): void {
  view.setUint8(at, view.getUint8(at) ^ 8);
}

test("at VMPL0 there is nothing to find", () => {
  let found: unknown = "nothing";
  const made = rig(function* (cpu) {
    found = yield* findSvsm(cpu, SCRATCH, SCRATCH);
  });
  assert.is(made.run(), "sleeps");
  assert.is(found, undefined);
});
