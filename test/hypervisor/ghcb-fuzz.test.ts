// Seeded mutations of GHCB pages and MSR requests: the hypervisor answers, or ends the guest by name, and never throws anything else.

import * as Code from "../../ts/abi/exit.ts";
import * as Layout from "../../ts/abi/ghcb.ts";
import { Chance } from "../core.ts";
import { GHCB, SHARED } from "../guest/rig.ts";
import { assert, suite } from "../kit.ts";
import { goodEvents, pageOf, Raw } from "./raw.ts";

const test = suite("mutated GHCBs");

const SEED = 20261125n;
const PAGES = 2500;
const REQUESTS = 1000;

const INTERESTING = [
  0n,
  1n,
  7n,
  GHCB,
  GHCB + 0x800n,
  GHCB + 0xff0n,
  SHARED,
  SHARED + 8n,
  0x150_000n,
  0x3ff_fffn,
  0x400_000n,
  (1n << 32n) - 1n,
  1n << 51n,
  (1n << 63n) - 1n,
  (1n << 64n) - 1n,
];

const FIELDS = [
  Layout.RAX,
  Layout.RBX,
  Layout.RCX,
  Layout.RDX,
  Layout.SW_EXITCODE,
  Layout.SW_EXITINFO1,
  Layout.SW_EXITINFO2,
  Layout.SW_SCRATCH,
  Layout.XCR0,
  Layout.SHARED_BUFFER,
  Layout.SHARED_BUFFER + 8,
];

function mutated(chance: Chance): Uint8Array {
  const [, asked] = chance.pick(goodEvents());
  const page = pageOf(asked);
  const view = new DataView(page.buffer);
  for (let changes = 1 + chance.below(4); changes > 0; changes--) {
    if (chance.once(40)) view.setUint32(Layout.GHCB_USAGE, 1 + chance.below(3), true);
    const kind = chance.below(4);
    if (kind === 0) view.setBigUint64(chance.pick(FIELDS), chance.pick(INTERESTING), true);
    else if (kind === 1) view.setBigUint64(chance.pick(FIELDS), chance.word(), true);
    else if (kind === 2) page[Layout.VALID_BITMAP + chance.below(16)]! ^= 1 << chance.below(8);
    else page[chance.below(Layout.SIZE)]! ^= 1 << chance.below(8);
  }
  return page;
}

/** A machine whose guest can be asked on and on: one that ended, or slept for a SIPI, is made anew. */
const fresh = () => new Raw({ vcpus: 2 });

test(`${PAGES} mutated pages (seed ${SEED}) are each answered as the protocol has it`, () => {
  const chance = new Chance(SEED);
  let raw = fresh();
  const results = new Map<string, number>();
  for (let i = 0; i < PAGES; i++) {
    const page = mutated(chance);
    const answer = attempt(raw, page, i);
    const name = typeof answer === "string" ? answer : nameOf(raw, page, answer);
    results.set(name, (results.get(name) ?? 0) + 1);
    if (typeof answer === "string" || !isAlive(raw)) raw = fresh();
  }
  // Both sides of every check were met, or the mutations are not worth their name.
  for (const name of ["answered", "refused 2", "refused 3", "refused 4", "refused 5", "refused 6"])
    assert.ok((results.get(name) ?? 0) > 10, `${name}: ${results.get(name)} of ${PAGES}`);
});

/** One exchange. The one error that there may be is the hypervisor's, who says that it would kill the guest. */
function attempt(raw: Raw, page: Uint8Array, i: number): [bigint, bigint] | string {
  try {
    return raw.exchange(page);
  } catch (error) {
    const { name, message } = error as Error;
    assert.is(name, "CheckFailed", `mutation ${i}: ${message}`);
    return "killed";
  }
}

function nameOf(raw: Raw, page: Uint8Array, [info1, info2]: [bigint, bigint]): string {
  const kind = Number(info1 & 0xffffffffn);
  assert.ok(kind <= 2, `SW_EXITINFO1 0x${info1.toString(16)}`);
  if (kind === 1) assert.ok(raw.has(Layout.SW_EXITINFO2));
  if (kind === 2) assert.ok(info2 >= 1n && info2 <= 6n, `SW_EXITINFO2 ${info2}`);
  // What the guest did not ask to be changed is as it left it: all but the answer, and the scratch area.
  for (const at of [0, Layout.CPL, Layout.DR7, Layout.X87_STATE_GPA, Layout.GHCB_USAGE])
    assert.is(raw.page[at], page[at], `0x${at.toString(16)}`);
  return kind === 2 ? `refused ${info2}` : kind === 1 ? "exception" : "answered";
}

/** Whether the guest still runs and its GHCB is its own. */
function isAlive(raw: Raw): boolean {
  const spa = raw.vm.spaOf(GHCB);
  const shared = spa !== undefined && (raw.made.platform.core.firmware.rmp(spa).low & 1n) === 0n;
  const { ghcb } = raw.vcpu;
  return shared && ghcb.hold === undefined && ghcb.vmpl === 0 && !raw.vm.ghcb.terminated;
}

// GHCBInfo of a request, and of the answer that it gets. Two get none: one sleeps until a SIPI, one ends the guest.
const RESPONSES = new Map([
  [0x02, 0x01],
  [0x04, 0x05],
  [0x10, 0x11],
  [0x12, 0x13],
  [0x14, 0x15],
  [0x16, 0x17],
  [0x80, 0x81],
]);
const WITHOUT = [0x06, 0x100];

test(`${REQUESTS} random requests of the MSR protocol (seed ${SEED}) leave an answer or the request itself`, () => {
  const chance = new Chance(SEED + 1n);
  let raw = fresh();
  const known = [...RESPONSES.keys(), ...WITHOUT];
  assert.equal([...raw.vm.ghcb.requests.keys()].sort(), [...known].sort());
  for (let i = 0; i < REQUESTS; i++) {
    const info = chance.once(4) ? 1 + chance.below(0xfff) : chance.pick(known);
    const value = ((chance.word() >> 12n) << 12n) | BigInt(info);
    const answer = raw.request(value);
    const response = RESPONSES.get(info);
    if (response !== undefined) assert.is(Number((answer as bigint) & 0xfffn), response);
    else if (info === 0x100) assert.is(answer, "ends");
    else if (info !== 0x06) assert.is(answer, value);
    if (!isAlive(raw)) raw = fresh();
  }
});

test("after all that a good event is answered", () => {
  const raw = fresh();
  const chance = new Chance(SEED + 2n);
  for (let i = 0; i < 200; i++) {
    attempt(raw, mutated(chance), i);
    if (!isAlive(raw)) break;
  }
  const again = isAlive(raw) ? raw : fresh();
  const [info1] = again.ask({ code: Code.VMGEXIT_HV_FEATURES }) as [bigint, bigint];
  assert.is(info1, 0n);
});
