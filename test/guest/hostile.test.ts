// A hypervisor that lies in its replies: each lie is found by the guest's library, which ends the guest with Linux's reason.

import { boot, earlyVc } from "../../dist/guest/boot.js";
import type { Cpu, Step } from "../../dist/guest/cpu.js";
import { readCpuidPage } from "../../dist/guest/ghcb/cpuid.js";
import { snp_set_memory_private, snp_set_memory_shared } from "../../dist/guest/ghcb/page-state.js";
import type { SevGuest } from "../../dist/guest/sev.js";
import { type MsrRow, msrRows } from "../../dist/hypervisor/ghcb/msr-protocol.js";
import { serveVmgexit } from "../../dist/hypervisor/ghcb/serve.js";
import * as Page from "../../ts/abi/cpuid-page.ts";
import * as Code from "../../ts/abi/exit.ts";
import * as Layout from "../../ts/abi/ghcb.ts";
import * as Psc from "../../ts/abi/page-state-change.ts";
import * as Vmcb from "../../ts/abi/vmcb.ts";
import { assert, suite } from "../kit.ts";
import { bare, GHCB, noting, type Rig, rig, SCRATCH, SHARED, TABLES } from "./rig.ts";

const test = suite("a hostile reply");

const BITMAP = Layout.VALID_BITMAP;

/** Lets the hypervisor change the GHCB page after it has answered an event. The docs show the same. */
function tamper(made: Rig, code: number, lie: (page: DataView) => void): Rig {
  const { vm } = made;
  vm.exits.set(Code.VMEXIT_VMGEXIT, (_, vcpu) => {
    const gpa = vcpu.exit.ghcb;
    const outcome = serveVmgexit(vm, vcpu);
    const spa = gpa === GHCB ? vm.spaOf(gpa) : undefined;
    if (spa === undefined) return outcome;
    const page = new Uint8Array(Layout.SIZE);
    vm.host.read(spa, page);
    const view = new DataView(page.buffer);
    if (view.getUint32(Layout.SW_EXITCODE, true) !== code) return outcome;
    lie(view);
    vm.host.write(spa, page);
    return outcome;
  });
  return made;
}

/** Answers a request of the MSR protocol by something else. */
function answerMsr(made: Rig, request: number, answer: bigint): Rig {
  const { vm } = made;
  vm.ghcb.requests.set(request, {
    snp: false,
    serve(_, vcpu) {
      vcpu.vmcb.setU64(Vmcb.GHCB_PA, answer);
      return "runs";
    },
  });
  return made;
}

function ends(made: Rig, set: number, code: number, why: string): void {
  assert.is(made.run(), "ends", why);
  assert.equal(made.vm.ghcb.terminated, { set, code }, why);
}

const clear =
  (...fields: number[]) =>
  (page: DataView) => {
    for (const field of fields) {
      const at = BITMAP + (field >> 6);
      page.setUint8(at, page.getUint8(at) & ~(1 << ((field >> 3) & 7)));
    }
  };
const reply = (info1: bigint, info2: bigint) => (page: DataView) => {
  page.setBigUint64(Layout.SW_EXITINFO1, info1, true);
  page.setBigUint64(Layout.SW_EXITINFO2, info2, true);
};

const { RAX, RBX, RCX, RDX, SW_EXITINFO1, SW_EXITINFO2 } = Layout;

type Act = (cpu: Cpu, guest: SevGuest) => Step<unknown>;
const acts: [string, number, Act, number[]][] = [
  ["CPUID", Code.VMEXIT_CPUID, (cpu) => cpu.cpuid(0, 0), [RAX, RBX, RCX, RDX]],
  ["IN", Code.VMEXIT_IOIO, (cpu) => cpu.in(0x80, 1), [RAX]],
  ["RDMSR", Code.VMEXIT_MSR, (cpu) => cpu.rdmsr(0xc0010114), [RAX, RDX]],
  ["RDPMC", Code.VMEXIT_RDPMC, (cpu) => cpu.rdpmc(0), [RAX, RDX]],
  ["VMMCALL", Code.VMEXIT_VMMCALL, (cpu) => cpu.vmmcall(), [RAX]],
  ["WBINVD", Code.VMEXIT_WBINVD, (cpu) => cpu.wbinvd(), []],
];

for (const [name, code, act, answered] of acts) {
  const machine = (generation: "sev-es" | "sev-snp" = "sev-es") =>
    rig(
      function* (cpu, guest) {
        yield* act(cpu, guest);
      },
      { generation },
    );

  test(`${name}: an answer without any one of its valid bits ends the guest`, () => {
    for (const field of [...answered, SW_EXITINFO1])
      ends(tamper(machine(), code, clear(field)), 0, 0, `0x${field.toString(16)}`);
  });

  test(`${name}: a result that is none ends the guest: malformed, or a number nobody knows`, () => {
    for (const info1 of [2n, 3n, 0xffffffffn])
      ends(tamper(machine("sev-snp"), code, reply(info1, 0x8000_030dn)), 0, 0, info1.toString());
  });

  if (code !== Code.VMEXIT_WBINVD) continue;
  test(`${name}: of all events to inject only exceptions #GP and #UD are taken`, () => {
    const valid = 0x8000_0000n;
    const wrong = [
      0x30dn, // not valid
      valid | 0x00dn, // an interrupt
      valid | 0x20dn, // an NMI
      valid | 0x40dn, // software
      valid | 0x30en, // #PF
      valid | 0x308n, // #DF
      valid | 0x31dn, // #VC
      valid | 0x300n, // #DE
    ];
    for (const event of wrong)
      ends(tamper(machine(), code, reply(1n, event)), 0, 0, event.toString(16));
    const hidden = (page: DataView) => {
      reply(1n, valid | 0x30dn)(page);
      clear(SW_EXITINFO2)(page);
    };
    ends(tamper(machine(), code, hidden), 0, 0, "SW_EXITINFO2 not valid");
  });
}

test("#GP and #UD are taken with their error code, and the guest goes on", () => {
  for (const [vector, event, error] of [
    [13, 0x8000_0b0dn | (0x18n << 32n), 0x18n],
    [13, 0x8000_030dn | (0x18n << 32n), 0n],
    [6, 0x8000_0306n, 0n],
  ] as const) {
    const taken: [number, bigint][] = [];
    const made = rig(function* (cpu): Step {
      for (const at of [6, 13])
        cpu.on(
          at,
          noting((code) => taken.push([at, code])),
        );
      yield* cpu.wbinvd();
    });
    tamper(made, Code.VMEXIT_WBINVD, reply(1n, event));
    assert.is(made.run(), "sleeps");
    assert.equal(taken, [[vector, error]]);
  }
});

test("a hypervisor that denies SEV by CPUID wants memory in the clear, and ends the guest", () => {
  const lies: [number, bigint][] = [
    [0x8000_0000, 0x8000_001en],
    [0x8000_001f, 0x8n],
  ];
  for (const [leaf, eax] of lies) {
    const made = rig(
      function* (cpu) {
        yield* cpu.cpuid(leaf, 0);
      },
      { generation: "sev-es" },
    );
    tamper(made, Code.VMEXIT_CPUID, (page) => page.setBigUint64(RAX, eax, true));
    ends(made, 0, 0, leaf.toString(16));
  }
});

/** A guest that only boots. */
const booting = (generation: "sev-es" | "sev-snp" = "sev-snp") =>
  bare(
    function* (cpu) {
      yield* boot(cpu, { memory: 0x200000n, tables: TABLES, ghcb: GHCB });
    },
    { generation },
  );

test("SEV_INFO: no answer, or versions that do not meet, end the guest with the protocol's reason", () => {
  const info = (max: bigint, min: bigint) => (max << 48n) | (min << 32n) | (51n << 24n) | 1n;
  for (const answer of [0x2n, 0n, 0x3n, info(0n, 0n), info(9n, 3n)])
    ends(answerMsr(booting(), 0x2, answer), 0, 1, answer.toString(16));
});

test("SEV_INFO: another C-bit than CPUID's ends the guest", () => {
  const answer = (2n << 48n) | (1n << 32n) | (47n << 24n) | 1n;
  ends(answerMsr(booting(), 0x2, answer), 0, 0, "C-bit 47");
});

test("features without SNP end an SNP guest with the protocol's reason; a SEV-ES guest goes on", () => {
  for (const answer of [0x81n, (0x3en << 12n) | 0x81n, 0x80n])
    ends(answerMsr(booting(), 0x80, answer), 0, 2, answer.toString(16));
  assert.is(answerMsr(booting("sev-es"), 0x80, 0x81n).run(), "sleeps");
});

test("a GHCB that was not registered as asked ends the guest", () => {
  for (const answer of [0x13n, (GHCB + 0x1000n) | 0x13n, GHCB | 0x12n, 0xffff_ffff_ffff_f013n])
    ends(answerMsr(booting(), 0x12, answer), 1, 0, answer.toString(16));
});

test("a page state change by MSR that failed, or was not answered, ends the guest", () => {
  for (const answer of [(1n << 63n) | 0x15n, (1n << 32n) | 0x15n, 0x14n])
    ends(answerMsr(booting(), 0x14, answer), 1, 1, answer.toString(16));
});

test("CPUID by MSR without an answer ends the guest", () => {
  for (const answer of [0x4n, 0n, 0x7n]) ends(answerMsr(booting(), 0x4, answer), 1, 5, `${answer}`);
});

test("a hypervisor that denies SEV before there is a GHCB ends the guest as well", () => {
  const made = booting();
  const row = msrRows.get(0x4) as MsrRow;
  // Only EAX is a lie: where the C-bit is, is answered truly.
  made.vm.ghcb.requests.set(0x4, {
    snp: false,
    serve(vm, vcpu, value) {
      const outcome = row.serve(vm, vcpu, value);
      if (((value >> 30n) & 3n) === 0n) vcpu.vmcb.setU64(Vmcb.GHCB_PA, 0x5n);
      return outcome;
    },
  });
  ends(made, 0, 0, "EAX 0");
});

test("before there is a GHCB only CPUID is answered: any other #VC ends the guest", () => {
  const made = booting("sev-es");
  // The hypervisor makes the first instruction that can raise #VC look like another one.
  const { vm } = made;
  vm.ghcb.requests.set(0x4, { snp: false, serve: () => "runs" });
  ends(made, 1, 5, "CPUID unanswered");
  const early = bare(
    function* (cpu) {
      cpu.on(
        Code.VC,
        earlyVc(() => undefined),
      );
      yield* cpu.in(0x80, 1);
    },
    { generation: "sev-es" },
  );
  ends(early, 0, 0, "IN");
});

// What a hypervisor may do to the batch: [name, lie].
const BUFFER = Layout.SHARED_BUFFER;
const psc: [string, (page: DataView) => void][] = [
  ["an error word", (page) => page.setBigUint64(SW_EXITINFO2, 1n << 32n, true)],
  ["no valid bit for the error word", clear(SW_EXITINFO2)],
  ["a result that is none", reply(2n, 5n)],
  ["a result that is none, and no error word", reply(2n, 0n)],
  ["an exception in place of a result", reply(1n, 0x8000_030dn)],
  ["a reserved field that is set", (page) => page.setUint32(BUFFER + Psc.RESERVED_4, 1, true)],
  ["an end moved up", (page) => page.setUint16(BUFFER + Psc.END_ENTRY, 9, true)],
  ["an end moved down", (page) => page.setUint16(BUFFER + Psc.END_ENTRY, 0, true)],
  ["progress past the end", (page) => page.setUint16(BUFFER + Psc.CUR_ENTRY, 9, true)],
  ["an entry for another page", (page) => flip(page, BUFFER + 8 + 8, 0x1000n)],
  ["an entry with another operation", (page) => flip(page, BUFFER + 8 + 8, 3n << 52n)],
  ["an entry of another size", (page) => flip(page, BUFFER + 8, 1n << 56n)],
  ["an entry's reserved bits", (page) => flip(page, BUFFER + 8, 1n << 60n)],
];

function flip(page: DataView, at: number, bits: bigint): void {
  page.setBigUint64(at, page.getBigUint64(at, true) ^ bits, true);
}

for (const [name, lie] of psc) {
  test(`a page state change with ${name} ends the guest`, () => {
    const made = rig(function* (cpu, guest) {
      yield* snp_set_memory_shared(cpu, guest, SHARED, 3n);
    });
    ends(tamper(made, Code.VMGEXIT_PSC, lie), 1, 1, name);
  });
}

test("progress of a page state change that goes back ends the guest; progress that is slow does not", () => {
  const run = (steps: number[]) => {
    const made = rig(function* (cpu, guest) {
      yield* snp_set_memory_shared(cpu, guest, SHARED, 3n);
    });
    let at = 0;
    tamper(made, Code.VMGEXIT_PSC, (page) => {
      page.setUint16(BUFFER + Psc.CUR_ENTRY, steps[at++] as number, true);
    });
    return { made, rounds: () => at };
  };
  ends(run([2, 1]).made, 1, 1, "2, then 1");
  const slow = run([0, 1, 1, 2, 3]);
  assert.is(slow.made.run(), "sleeps");
  assert.is(slow.rounds(), 5);
});

test("a page that is valid already when it is taken back ends the guest", () => {
  const made = rig(function* (cpu, guest) {
    yield* snp_set_memory_shared(cpu, guest, SHARED, 1n);
    yield* snp_set_memory_private(cpu, guest, SHARED, 1n);
    yield* snp_set_memory_private(cpu, guest, SHARED, 1n);
  });
  ends(made, 1, 2, "validated twice");
});

test("a page validated already when memory is accepted was swapped, and ends the guest", () => {
  const made = bare(function* (cpu) {
    yield* cpu.pvalidate(SCRATCH, false, true);
    yield* boot(cpu, { memory: 0x200000n, tables: TABLES, ghcb: GHCB });
  });
  ends(made, 1, 2, "validated before");
});

test("a CPUID page that counts no entries, or more than there can be, ends the guest", () => {
  for (const count of [0, 65, 0xffffffff]) {
    const made = rig(function* (cpu) {
      const page = new Uint8Array(Page.SIZE);
      new DataView(page.buffer).setUint32(Page.COUNT, count, true);
      yield* cpu.write(SCRATCH, page);
      yield* readCpuidPage(cpu, SCRATCH);
    });
    ends(made, 1, 4, `${count}`);
  }
});

test("what the hypervisor puts into the page while the guest reads it is judged as it was read", () => {
  const made = rig(function* (cpu, { ghcb }) {
    yield* ghcb.alone(cpu, function* (): Step {
      ghcb.clear();
      assert.is(yield* ghcb.call(cpu, Code.VMGEXIT_HV_FEATURES, 0n, 0n), "ok");
      yield* cpu.write(GHCB, new Uint8Array(Layout.SIZE).fill(0xff));
      assert.is(ghcb.get(SW_EXITINFO1), 0n);
      assert.ok(ghcb.has(SW_EXITINFO2));
    });
  });
  assert.is(made.run(), "sleeps");
});
