// Every event of the GHCB against every field it needs, and the errors of what is malformed. KVM sev_es_validate_vmgexit.
import { eventRows } from "../../dist/hypervisor/ghcb/events.js";
import { GhcbPage } from "../../dist/hypervisor/ghcb/page.js";
import * as Code from "../../ts/abi/exit.ts";
import * as Layout from "../../ts/abi/ghcb.ts";
import { GHCB, SHARED } from "../guest/rig.ts";
import { assert, suite } from "../kit.ts";
import { type Asked, goodEvents, pageOf, Raw } from "./raw.ts";

const test = suite("events of the GHCB");

const ALWAYS = [Layout.SW_EXITCODE, Layout.SW_EXITINFO1, Layout.SW_EXITINFO2];

// What the specification's table says an event needs: spec digest ghcb.md 3. Written down a second time on purpose.
const { RAX, RCX, RDX, CPL, XCR0, XSS, SW_SCRATCH } = Layout;
const NEEDS: Record<string, number[]> = {
  "write DR7": [RAX],
  RDPMC: [RCX],
  CPUID: [RAX, RCX],
  "CPUID D.0": [RAX, RCX, XCR0],
  "CPUID D.1": [RAX, RCX, XCR0, XSS],
  OUT: [RAX],
  OUTS: [SW_SCRATCH],
  RDMSR: [RCX],
  WRMSR: [RCX, RAX, RDX],
  VMMCALL: [RAX, CPL],
  MONITOR: [RAX, RCX, RDX],
  MWAIT: [RAX, RCX],
  "MMIO read": [SW_SCRATCH],
  "MMIO write": [SW_SCRATCH],
  PSC: [SW_SCRATCH],
  "APIC ids": [RAX],
  SAVIC: [RAX],
};
const SNP_ONLY = new Set([
  Code.VMGEXIT_PSC,
  Code.VMGEXIT_GUEST_REQUEST,
  Code.VMGEXIT_EXT_GUEST_REQUEST,
  Code.VMGEXIT_AP_CREATION,
  Code.VMGEXIT_HV_DOORBELL,
  Code.VMGEXIT_HV_IPI,
  Code.VMGEXIT_GET_APIC_IDS,
  Code.VMGEXIT_RUN_VMPL,
  Code.VMGEXIT_SAVIC,
  Code.VMGEXIT_CONFIGURE_INT_INJ,
  Code.VMGEXIT_DISABLE_ALT_INJ,
  Code.VMGEXIT_SPECIFIC_EOI,
]);
// Events that end or suspend the guest have tests of their own.
const ELSEWHERE = [Code.VMGEXIT_AP_HLT_LOOP, Code.VMGEXIT_TERMINATE, Code.VMGEXIT_UNSUPPORTED];

const snp = new Raw({ vcpus: 2 });
const es = new Raw({ generation: "sev-es", vcpus: 2 });
const refusal = (why: number) => [BigInt(Layout.MALFORMED), BigInt(why)];

test("there is a good example of every event", () => {
  const codes = new Set(goodEvents().map(([, { code }]) => Number(code)));
  const missing = [...eventRows.keys()].filter((code) => !codes.has(code));
  assert.equal(missing.sort(), [...ELSEWHERE].sort());
});

for (const [name, asked] of goodEvents()) {
  test(`${name}: answered, with RAX to RDX and both informations marked valid`, () => {
    const [info1] = snp.ask(asked) as [bigint, bigint];
    assert.is(info1, 0n);
    const answered = [RAX, Layout.RBX, RCX, RDX, Layout.SW_EXITINFO1, Layout.SW_EXITINFO2];
    for (const field of answered) assert.ok(snp.has(field), `0x${field.toString(16)}`);
    assert.not(snp.has(Layout.SW_EXITCODE));
  });

  test(`${name}: refused without any one field that it needs, and nothing is done`, () => {
    const page = new GhcbPage();
    page.bytes.set(pageOf(asked));
    const { spa } = { spa: snp.vm.spaOf(SHARED)! };
    snp.vm.host.write(spa, pageOf(asked));
    page.load(snp.vm.host, spa);
    const row = eventRows.get(Number(asked.code))!;
    const needs = NEEDS[name] ?? [];
    assert.equal([...row.needs(page)].sort(), [...needs].sort());
    const served = watchServed(asked);
    for (const field of [...ALWAYS, ...needs]) {
      const answer = snp.ask({ ...asked, without: [field] });
      const why = `${name} without 0x${field.toString(16)}`;
      // Without the field that says which it is, an event may need other fields: CPUID's leaf, the port's direction.
      assert.equal(answer, refusal(Layout.MISSING_INPUT), why);
    }
    assert.is(served(), 0);
  });

  test(`${name}: ${SNP_ONLY.has(Number(asked.code)) ? "refused to" : "answered for"} a SEV-ES guest`, () => {
    const [info1, info2] = es.ask(asked) as [bigint, bigint];
    if (!SNP_ONLY.has(Number(asked.code))) return assert.is(info1, 0n);
    assert.equal([info1, info2], refusal(Layout.MISSING_INPUT));
  });
}

/** Counts how often an event's row was served. */
function watchServed({ code }: Asked): () => number {
  let served = 0;
  const row = eventRows.get(Number(code))!;
  snp.vm.ghcb.events.set(Number(code), {
    ...row,
    serve(event) {
      served++;
      return row.serve(event);
    },
  });
  return () => served;
}

test("an event that nobody knows is an invalid event, also when only its upper half is wrong", () => {
  for (const code of [0x80000006, 0x80000019, 0x80000016, 0, 0x99, 0x1_0000_0072n])
    assert.equal(snp.ask({ code }), refusal(Layout.INVALID_EVENT), code.toString(16));
});

test("a usage other than the standard one is refused before anything else is looked at", () => {
  assert.equal(snp.ask({ code: 0x72, usage: 1 }), refusal(Layout.INVALID_USAGE));
  const without = ALWAYS;
  assert.equal(snp.ask({ code: 0x72, usage: 2, without }), refusal(Layout.INVALID_USAGE));
});

test("a GHCB that was not registered is refused to an SNP guest, and served to a SEV-ES one", () => {
  const raw = new Raw();
  const answer = (gpa: bigint) => {
    raw.put(gpa, pageOf({ code: Code.VMGEXIT_HV_FEATURES }));
    raw.request(gpa);
    const view = new DataView(raw.see(gpa, Layout.SIZE).buffer);
    return [Layout.SW_EXITINFO1, Layout.SW_EXITINFO2].map((at) => view.getBigUint64(at, true));
  };
  assert.equal(answer(SHARED), refusal(Layout.NOT_REGISTERED));
  assert.is(raw.request(SHARED | 0x12n), SHARED | 0x13n);
  assert.equal(answer(SHARED), [0n, raw.vm.ghcb.features]);
  assert.equal(raw.ask({ code: Code.VMGEXIT_HV_FEATURES }), refusal(Layout.NOT_REGISTERED));
});

test("without a GHCB, or with one nowhere, the guest is run again and finds nothing answered", () => {
  const asked = pageOf({ code: Code.VMGEXIT_HV_FEATURES });
  for (const gpa of [0n, 0x3fff000n, 0xf_ffff_f000n]) {
    snp.exchange(asked, gpa);
    assert.equal(snp.page, asked);
  }
});

test("a GHCB in private memory is nothing that the hypervisor can answer in: the guest goes on unharmed", () => {
  const raw = new Raw();
  const secret = pageOf({ code: Code.VMGEXIT_HV_FEATURES });
  const back = new Uint8Array(Layout.SIZE);
  const outcome = raw.act(function* (cpu) {
    yield* cpu.write(0x50_000n + 0x100000n, secret);
    cpu.ghcbMsr = 0x150_000n;
    yield* cpu.vmgexit();
    yield* cpu.read(0x150_000n, back);
  });
  assert.is(outcome, "sleeps");
  assert.equal(back, secret);
});

const scratchOf = (gpa: bigint): Asked => ({
  code: Code.VMEXIT_IOIO,
  info1: 0x80001cn,
  info2: 16n,
  fields: { [SW_SCRATCH]: gpa },
});

test("a scratch area lies in the shared buffer as a whole, or in other shared memory", () => {
  const good = [GHCB + 0x800n, GHCB + 0xfe0n, SHARED, SHARED + 0xff8n];
  for (const gpa of good) assert.equal(snp.ask(scratchOf(gpa)), [0n, 0n], gpa.toString(16));
  const bad = [0n, GHCB, GHCB + 0x7ffn, GHCB + 0xfe1n, GHCB + 0xff0n, 0x3fff000n, (1n << 64n) - 8n];
  for (const gpa of bad)
    assert.equal(snp.ask(scratchOf(gpa)), refusal(Layout.INVALID_SCRATCH), gpa.toString(16));
});

test("a scratch area outside of the GHCB has at most 16 pages", () => {
  const most = { ...scratchOf(SHARED), info2: 0x10000n };
  assert.equal(snp.ask(most), [0n, 0n]);
  assert.equal(snp.ask({ ...most, info2: 0x10001n }), refusal(Layout.INVALID_SCRATCH));
});

test("what a device answers is not written to private memory", () => {
  const into: Asked = { ...scratchOf(0x150_000n), info1: 0x80001dn };
  assert.equal(snp.ask(into), refusal(Layout.INVALID_SCRATCH));
});

test("wrong values: each is refused by its own error", () => {
  const scratch = { [SW_SCRATCH]: GHCB + 0x800n };
  const rows: [Asked, number][] = [
    [{ code: Code.VMEXIT_IOIO, info1: 0x800001n }, Layout.INVALID_INPUT],
    [{ code: Code.VMEXIT_IOIO, info1: 0x800031n }, Layout.INVALID_INPUT],
    [{ code: Code.VMGEXIT_MMIO_READ, info2: 3n, fields: scratch }, Layout.INVALID_INPUT],
    [{ code: Code.VMGEXIT_MMIO_WRITE, info2: 0n, fields: scratch }, Layout.INVALID_INPUT],
    [{ code: Code.VMGEXIT_MMIO_READ, info2: 16n, fields: scratch }, Layout.INVALID_INPUT],
    [{ code: Code.VMGEXIT_AP_JUMP_TABLE, info1: 2n }, Layout.INVALID_INPUT],
    [request(SHARED + 8n, SHARED + 0x1000n), Layout.MISSING_INPUT],
    [request(SHARED, SHARED + 0x1008n), Layout.MISSING_INPUT],
    [request(SHARED, SHARED), Layout.MISSING_INPUT],
    [{ code: Code.VMGEXIT_HV_DOORBELL, info1: 4n }, Layout.INVALID_INPUT],
    [{ code: Code.VMGEXIT_HV_DOORBELL, info1: 1n, info2: 8n }, Layout.INVALID_INPUT],
    [{ code: Code.VMGEXIT_HV_DOORBELL, info1: 1n, info2: 0n }, Layout.INVALID_INPUT],
    [{ code: Code.VMGEXIT_HV_IPI, info1: 7n << 32n }, Layout.INVALID_INPUT],
    [{ code: Code.VMGEXIT_HV_IPI, info1: (1n << 32n) | 0x200n }, Layout.INVALID_INPUT],
    [{ code: Code.VMGEXIT_RUN_VMPL, info1: 4n }, Layout.INVALID_INPUT],
    [{ code: Code.VMGEXIT_RUN_VMPL, info1: 2n }, Layout.INVALID_INPUT],
    [{ code: Code.VMGEXIT_SAVIC, fields: { [RAX]: 9n } }, Layout.INVALID_INPUT],
    [{ code: Code.VMGEXIT_SAVIC, fields: { [RAX]: 0n } }, Layout.INVALID_INPUT],
    [
      { code: Code.VMGEXIT_SAVIC, info1: 2n, fields: { [RAX]: 0n, [Layout.RBX]: SHARED } },
      Layout.INVALID_INPUT,
    ],
    [{ code: Code.VMGEXIT_CONFIGURE_INT_INJ, info1: 30n }, Layout.INVALID_INPUT],
    [{ code: Code.VMGEXIT_CONFIGURE_INT_INJ, info1: 256n }, Layout.INVALID_INPUT],
    [{ code: Code.VMGEXIT_DISABLE_ALT_INJ, info1: 0n }, Layout.INVALID_INPUT],
    [{ code: Code.VMGEXIT_DISABLE_ALT_INJ, info1: 0x40000n }, Layout.INVALID_INPUT],
    [{ code: Code.VMGEXIT_SPECIFIC_EOI, info1: 0x40n }, Layout.INVALID_INPUT],
    [{ code: Code.VMGEXIT_GET_APIC_IDS, info1: 8n, fields: { [RAX]: 1n } }, Layout.INVALID_INPUT],
  ];
  rows.forEach(([asked, why], i) => {
    assert.equal(snp.ask(asked), refusal(why), `row ${i}: 0x${asked.code.toString(16)}`);
  });
});

function request(info1: bigint, info2: bigint): Asked {
  return { code: Code.VMGEXIT_GUEST_REQUEST, info1, info2 };
}

test("a MSR that the hypervisor does not keep is answered by #GP in place of a value", () => {
  const answer = snp.ask({ code: Code.VMEXIT_MSR, fields: { [RCX]: 0xc0011234n } });
  assert.equal(answer, [BigInt(Layout.EXCEPTION), 0x8000_030dn]);
});

test("fields that are not valid are read as 0, whatever stands in them", () => {
  const page = pageOf({
    code: Code.VMEXIT_CPUID,
    fields: { [RAX]: 0x8000_0000n, [RCX]: 0n, [Layout.RBX]: 0x5ec2e7n },
    without: [Layout.RBX],
  });
  snp.vm.ghcb.events.set(Code.VMEXIT_CPUID, {
    ...eventRows.get(Code.VMEXIT_CPUID)!,
    serve: () => "runs",
  });
  snp.exchange(page);
  assert.is(snp.field(Layout.RBX), 0n);
});
