// Starting processors: a VMSA of the guest's own making, the checks on the way, INIT, SIPI, reset hold, jump table. AMD 56421, 4.1.
import type { Cpu, Step } from "../../dist/guest/cpu.js";
import {
  apResetHold,
  createAp,
  jumpTable,
  requestAp,
  setJumpTable,
  sipiState,
} from "../../dist/guest/ghcb/ap.js";
import { apicIds, sendIpi } from "../../dist/guest/ghcb/event.js";
import { rmpadjust, setMemoryDecrypted } from "../../dist/guest/ghcb/page-state.js";
import type { SevGuest } from "../../dist/guest/sev.js";
import { deliverSipi } from "../../dist/hypervisor/ghcb/processor.js";
import * as Layout from "../../ts/abi/ghcb.ts";
import * as Segment from "../../ts/abi/segment.ts";
import * as Vmsa from "../../ts/abi/vmsa.ts";
import { assert, suite } from "../kit.ts";
import { AP_START, type Rig, rig, SCRATCH, SHARED, turn } from "./rig.ts";

const test = suite("application processors");

const SNP = 1n;
const VMSA = SCRATCH;
const processor = { apicId: 1, start: AP_START, gva: VMSA, gpa: VMSA };

/** A guest of two vCPUs whose second one waits to be created, and notes where it ran. */
function pair(program: (cpu: Cpu, guest: SevGuest) => Step, ran: string[] = []): Rig {
  const made = rig(program, {
    vcpus: 2,
    code: [
      [
        BigInt(AP_START),
        function* (cpu): Step {
          ran.push(`vmpl ${cpu.vmpl} cs ${cpu.registers.rip.toString(16)}`);
          yield* cpu.hlt();
        },
      ],
    ],
  });
  made.vm.vcpus[1]!.halted = true;
  return made;
}

test("the state after a SIPI is the one Linux makes, byte for byte", () => {
  const view = new DataView(sipiState(0x9f123, 0x6f0n, 0x21n, 2).buffer);
  const word = (at: number) => view.getBigUint64(at, true);
  const segment = (at: number) => [
    view.getUint16(at + Segment.SELECTOR, true),
    view.getUint16(at + Segment.ATTRIB, true),
    view.getUint32(at + Segment.LIMIT, true),
    word(at + Segment.BASE),
  ];
  assert.equal(segment(Vmsa.CS), [0x9f00, 0x9a, 0xffff, 0x9f000n]);
  for (const at of [Vmsa.ES, Vmsa.SS, Vmsa.DS, Vmsa.FS, Vmsa.GS])
    assert.equal(segment(at), [0, 0x92, 0xffff, 0n]);
  assert.equal(segment(Vmsa.LDTR), [0, 0x82, 0xffff, 0n]);
  assert.equal(segment(Vmsa.TR), [0, 0x83, 0xffff, 0n]);
  const words: [number, bigint][] = [
    [Vmsa.RIP, 0x123n],
    [Vmsa.CR0, 0x60000010n],
    [Vmsa.CR4, 0x40n],
    [Vmsa.DR6, 0xffff0ff0n],
    [Vmsa.DR7, 0x400n],
    [Vmsa.RFLAGS, 2n],
    [Vmsa.EFER, 0x1000n],
    [Vmsa.XCR0, 1n],
    [Vmsa.G_PAT, 0x0007040600070406n],
    [Vmsa.SEV_FEATURES, 0x21n],
  ];
  for (const [at, value] of words) assert.is(word(at), value, `0x${at.toString(16)}`);
  assert.is(view.getUint8(Vmsa.VMPL), 2);
  assert.is(view.getUint32(Vmsa.MXCSR, true), 0x1f80);
  assert.is(view.getUint16(Vmsa.X87_FTW, true), 0x5555);
  assert.is(view.getUint16(Vmsa.X87_FCW, true), 0x40);
});

test("a processor that the guest creates starts where the guest said", () => {
  const ran: string[] = [];
  let created = false;
  const made = pair(function* (cpu, guest) {
    created = yield* createAp(cpu, guest, processor);
  }, ran);
  assert.is(made.run(), "sleeps");
  assert.ok(created);
  const ap = made.vm.vcpus[1]!;
  assert.not(ap.halted);
  assert.is(turn(made.vm, ap), "sleeps");
  assert.equal(ran, ["vmpl 0 cs 0"]);
});

test("created for its next INIT, it does not start before", () => {
  const made = pair(function* (cpu, guest) {
    assert.ok(yield* createAp(cpu, guest, processor, Layout.AP_CREATE_ON_INIT));
    yield* cpu.hlt();
    assert.ok(yield* sendIpi(cpu, guest, (1n << 32n) | 0x500n));
  });
  assert.is(made.run(), "sleeps");
  assert.ok(made.vm.vcpus[1]!.halted);
  made.run();
  assert.not(made.vm.vcpus[1]!.halted);
});

test("a processor that is destroyed no longer runs", () => {
  const made = pair(function* (cpu, guest) {
    yield* createAp(cpu, guest, processor);
    assert.ok(yield* requestAp(cpu, guest, { apicId: 1, gpa: 0n }, Layout.AP_DESTROY));
  });
  assert.is(made.run(), "sleeps");
  assert.ok(made.vm.vcpus[1]!.halted);
});

test("what KVM refuses of an AP creation is refused: id, features, alignment, memory, request, level", () => {
  const given = { apicId: 1, gpa: VMSA };
  const answers: boolean[] = [];
  const made = pair(function* (cpu, guest) {
    const ask = (at: typeof given, request: number = Layout.AP_CREATE, vmpl = 0) =>
      requestAp(cpu, guest, at, request, vmpl);
    answers.push(yield* ask({ ...given, apicId: 2 }));
    answers.push(yield* ask({ ...given, gpa: VMSA + 8n }));
    answers.push(yield* ask({ ...given, gpa: 0x200000n }));
    answers.push(yield* ask({ ...given, gpa: 0x3fff000n }));
    answers.push(yield* ask(given, 3));
    answers.push(yield* ask(given, Layout.AP_CREATE, 4));
    const other = { ...guest, status: guest.status | (1n << 7n) };
    answers.push(yield* requestAp(cpu, other, given, Layout.AP_CREATE));
    answers.push(yield* ask(given));
  });
  assert.is(made.run(), "sleeps");
  assert.equal(answers, [...Array(7).fill(false), true]);
});

test("a hypervisor without AP creation is not asked", () => {
  let created = true;
  const made = pair(function* (cpu, guest) {
    created = yield* createAp(cpu, { ...guest, features: 1n }, processor);
  });
  made.vm.ghcb.events.delete(0x80000013);
  assert.is(made.run(), "sleeps");
  assert.not(created);
});

test("a page that is no VMSA to the RMP is refused by VMRUN, whatever the hypervisor was told", () => {
  const made = pair(function* (cpu, guest) {
    yield* cpu.write(VMSA, sipiState(AP_START, 0n, SNP, 0));
    assert.ok(yield* requestAp(cpu, guest, { apicId: 1, gpa: VMSA }, Layout.AP_CREATE));
  });
  made.run();
  assert.is(made.vm.vcpus[1]!.run().code, (1n << 64n) - 1n);
});

test("a page that became a VMSA is one until the guest takes it back", () => {
  const made = pair(function* (cpu) {
    const to = { vmpl: 1, permissions: 0, vmsa: true };
    assert.is(yield* rmpadjust(cpu, VMSA, false, to), 0);
    assert.ok((yield* cpu.rmpquery(VMSA, 1)).vmsa);
    assert.is(yield* rmpadjust(cpu, VMSA, false, { ...to, vmsa: false }), 0);
    assert.not((yield* cpu.rmpquery(VMSA, 1)).vmsa);
  });
  assert.is(made.run(), "sleeps");
});

test("an AP of a SEV-ES guest holds until its SIPI; a waking without one is asked again", () => {
  let woken = false;
  const made = rig(
    function* (cpu, guest) {
      yield* apResetHold(cpu, guest);
      woken = true;
    },
    { generation: "sev-es" },
  );
  assert.is(made.run(), "sleeps");
  assert.is(made.run(), "sleeps");
  assert.not(woken);
  deliverSipi(made.vm, made.vcpu);
  assert.not(made.vcpu.halted);
  assert.is(made.run(), "sleeps");
  assert.ok(woken);
});

test("a SIPI to a vCPU that does not wait for one changes nothing", () => {
  const made = rig(function* () {});
  made.run();
  const before = made.vcpu.halted;
  deliverSipi(made.vm, made.vcpu);
  assert.is(made.vcpu.halted, before);
});

test("the AP jump table is where the guest put it; one that is not a page is none", () => {
  const found: (bigint | undefined)[] = [];
  const made = rig(
    function* (cpu, guest) {
      found.push(yield* jumpTable(cpu, guest));
      for (const gpa of [SCRATCH, SCRATCH + 8n]) {
        assert.ok(yield* setJumpTable(cpu, guest, gpa));
        found.push(yield* jumpTable(cpu, guest));
      }
    },
    { generation: "sev-es" },
  );
  assert.is(made.run(), "sleeps");
  assert.equal(found, [undefined, SCRATCH, undefined]);
});

test("the APIC ids are asked twice: how many pages, then the list", () => {
  const pages: (bigint | undefined)[] = [];
  const list = new Uint8Array(12);
  const made = pair(function* (cpu, guest) {
    yield* setMemoryDecrypted(cpu, guest, SHARED, 1n);
    pages.push(yield* apicIds(cpu, guest, 0n, 0n));
    pages.push(yield* apicIds(cpu, guest, SHARED, 1n));
    yield* cpu.read(SHARED, list);
  });
  assert.is(made.run(), "sleeps");
  assert.equal(pages, [1n, 1n]);
  assert.equal([...new Uint32Array(list.buffer)], [2, 0, 1]);
});
