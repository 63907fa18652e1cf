// What guest messages answer: reports, derived keys, CPUID, TSC. SNP firmware ABI (AMD 56860), 7.
import * as Message from "../../dist/abi/message.js";
import { makeIdentity } from "../../dist/attest/evidence/index.js";
import { hashSticksOf } from "../../dist/attest/evidence/secret.js";
import { parseReport, parseTcb, verify } from "../../dist/attest/index.js";
import type { Product } from "../../dist/attest/product.js";
import type { PlatformFacts } from "../../dist/psp/facts.js";
import type { GuestContext } from "../../dist/psp/guest.js";
import { unwrapVlek, wrapVlek } from "../../dist/psp/vlek.js";
import { assert, suite } from "../kit.ts";
import { ask, factsOf, guestOf, sceneOf, statusOf } from "./scene.ts";

const test = suite("requests");
const products = ["Milan", "Genoa", "Turin"] as const;
const at = Date.UTC(2026, 5, 1);
const [OK, INVALID_PARAM, INVALID_KEY] = [0, 0x16, 0x27];

const word = (bytes: Uint8Array, offset: number, value: bigint, width: 4 | 8 = 4) => {
  const view = new DataView(bytes.buffer);
  if (width === 4) view.setUint32(offset, Number(value), true);
  else view.setBigUint64(offset, value, true);
};

interface ReportAsk {
  vmpl?: number;
  flags?: number;
  vmpck?: number;
  fill?: number;
}

/** The answer to MSG_REPORT_REQ. */
function askReport(facts: PlatformFacts, guest: GuestContext, asked: ReportAsk = {}): Uint8Array {
  const payload = new Uint8Array(0x60).fill(asked.fill ?? 9, 0, 64);
  word(payload, 0x40, BigInt(asked.vmpl ?? 0));
  word(payload, 0x44, BigInt(asked.flags ?? 0));
  const said = { type: Message.REPORT_REQ, vmpck: asked.vmpck ?? 0 };
  const answer = ask(sceneOf({ facts, guest }), said, payload);
  if (typeof answer === "number") throw new Error(`status ${answer}`);
  return answer;
}

const reportOf = (answer: Uint8Array) => answer.slice(0x20, 0x20 + 1184);

const loaded = (product: Product, tcb: bigint) => ({
  sticks: hashSticksOf("scene", product, "CN=cloister.invalid", tcb),
  tcb,
});

test("a report verifies under the certificates that the evidence factory makes for the same seed and TCB", async () => {
  for (const product of products) {
    const plain = factsOf(product);
    const facts = { ...plain, vlek: loaded(product, plain.tcb.reported) };
    const tcb = parseTcb(facts.tcb.reported, product);
    const identity = await makeIdentity({ seed: "scene", product, at, tcb });
    const { ARK, ASK, ASVK } = identity.authorities;
    const roots = [ARK.certificate];
    for (const [flags, vek, ask] of [
      [1, identity.vcek.certificate, ASK.certificate],
      [2, identity.vlek.certificate, ASVK.certificate],
      // 0 means the VLEK where there is one
      [0, identity.vlek.certificate, ASVK.certificate],
    ] as const) {
      const report = reportOf(askReport(facts, guestOf(), { flags }));
      const result = await verify({ report, vek, ask, ark: ARK.certificate }, { roots, now: at });
      assert.is(result.accepted, true, `${product} ${flags}: ${result.says}`);
    }
  }
});

test("a report has every field of the guest and the platform, in the version of the firmware", () => {
  const idBlock = {
    familyId: new Uint8Array(16).fill(1),
    imageId: new Uint8Array(16).fill(2),
    guestSvn: 3,
    block: new Uint8Array(96),
    idKeyDigest: new Uint8Array(48).fill(4),
    authorKeyEn: true,
    authorKeyDigest: new Uint8Array(48).fill(5),
  };
  const guest = guestOf({ idBlock, launchMitVector: 0x11n });
  for (const [minor, product, version] of [
    [51, "Milan", 2],
    [54, "Genoa", 2],
    [54, "Turin", 3],
    [55, "Milan", 3],
    [57, "Genoa", 3],
    [58, "Milan", 5],
    [58, "Turin", 5],
  ] as const) {
    const firmware = { major: 1, minor, build: 7 };
    const facts = factsOf(product, {
      version: { current: firmware, committed: { ...firmware, build: 6 } },
      mitigationVector: 0x77n,
    });
    const answer = askReport(facts, guest, { vmpl: 2 });
    assert.is(new DataView(answer.buffer).getUint32(4, true), 1184);
    const report = parseReport(reportOf(answer));
    assert.is(report.version, version);
    const { familyId, imageId, guestSvn, idKeyDigest, authorKeyDigest, authorKeyEn } = report;
    const { block, ...wanted } = idBlock;
    assert.is(block.length, 96);
    assert.equal(
      { familyId, imageId, guestSvn, idKeyDigest, authorKeyDigest, authorKeyEn },
      wanted,
    );
    for (const field of ["measurement", "hostData", "reportId", "reportIdMa", "policy"] as const)
      assert.equal(report[field], guest[field], field);
    assert.equal(report.reportData, new Uint8Array(64).fill(9));
    assert.is(report.vmpl, 2);
    assert.equal(report.chipId, facts.chipId);
    assert.is(report.product, version === 2 ? undefined : product);
    assert.is(report.platformInfo, facts.platformInfo);
    assert.equal(report.committed, { ...firmware, build: 6 });
    assert.is(report.launchMitVector, version === 5 ? 0x11n : undefined);
    assert.is(report.currentMitVector, version === 5 ? 0x77n : undefined);
  }
});

test("a report may be asked for the caller's VMPL or a lower one, never for a higher one", () => {
  for (let vmpck = 0; vmpck < 4; vmpck++) {
    for (const vmpl of [0, 1, 2, 3, 4, 0xffffffff]) {
      const answer = askReport(factsOf("Milan"), guestOf(), { vmpck, vmpl });
      const right = vmpl >= vmpck && vmpl <= 3;
      assert.is(statusOf(answer), right ? OK : INVALID_PARAM, `VMPCK ${vmpck}, VMPL ${vmpl}`);
      if (!right) assert.ok(answer.subarray(4).every((byte) => byte === 0));
    }
  }
});

test("KEY_SEL chooses the key, and what cannot be chosen is refused by name", () => {
  const plain = factsOf("Milan");
  const vlek = loaded("Milan", plain.tcb.reported);
  const low = loaded("Milan", plain.tcb.reported - 1n);
  const guest = guestOf();
  const without = guestOf({ vcekDisable: true });
  // facts, guest, then for KEY_SEL 0, 1 and 2 the key or the status
  const rows: [string, PlatformFacts, GuestContext, (string | number)[]][] = [
    ["no VLEK", plain, guest, ["VCEK", "VCEK", INVALID_KEY]],
    ["VLEK", { ...plain, vlek }, guest, ["VLEK", "VCEK", "VLEK"]],
    ["VLEK of a lower TCB", { ...plain, vlek: low }, guest, [INVALID_KEY, "VCEK", INVALID_KEY]],
    ["VCEK_DIS", plain, without, [INVALID_KEY, INVALID_KEY, INVALID_KEY]],
    ["VCEK_DIS, VLEK", { ...plain, vlek }, without, ["VLEK", INVALID_KEY, "VLEK"]],
    ["MASK_CHIP_KEY", { ...plain, maskChipKey: true }, guest, ["none", "none", INVALID_KEY]],
    ["MASK_CHIP_KEY, VLEK", { ...plain, vlek, maskChipKey: true }, guest, ["VLEK", "none", "VLEK"]],
  ];
  for (const [name, facts, asks, wanted] of rows) {
    wanted.forEach((key, flags) => {
      const answer = askReport(facts, structuredClone(asks), { flags });
      if (typeof key === "number") {
        assert.is(statusOf(answer), key, `${name}, ${flags}`);
        return;
      }
      const report = parseReport(reportOf(answer));
      assert.is(report.signingKey, key, `${name}, ${flags}`);
      assert.is(report.maskChipKey, facts.maskChipKey);
      assert.is(
        report.signatureR.every((byte) => byte === 0),
        key === "none",
      );
    });
  }
  for (const flags of [3, 4, 0x80000000])
    assert.is(statusOf(askReport(plain, guestOf(), { flags })), INVALID_PARAM);
});

test("MASK_CHIP_ID hides the chip and nothing else", () => {
  const seen = parseReport(reportOf(askReport(factsOf("Milan", { maskChipId: true }), guestOf())));
  assert.equal(seen.chipId, new Uint8Array(64));
  assert.is(seen.signingKey, "VCEK");
});

interface KeyAsk {
  flags?: number;
  select?: bigint;
  vmpl?: number;
  svn?: number;
  tcb?: bigint;
  vector?: bigint;
  version?: number;
  vmpck?: number;
  reserved?: bigint;
}

/** The answer to MSG_KEY_REQ: a key in hexadecimal, or the status. */
function askKey(facts: PlatformFacts, guest: GuestContext, asked: KeyAsk = {}): string | number {
  const version = asked.version ?? 2;
  const payload = new Uint8Array(version === 1 ? 0x20 : 0x28);
  word(payload, 0x00, BigInt(asked.flags ?? 0));
  word(payload, 0x04, asked.reserved ?? 0n);
  word(payload, 0x08, asked.select ?? 0n, 8);
  word(payload, 0x10, BigInt(asked.vmpl ?? 0));
  word(payload, 0x14, BigInt(asked.svn ?? 0));
  word(payload, 0x18, asked.tcb ?? 0n, 8);
  if (version > 1) word(payload, 0x20, asked.vector ?? 0n, 8);
  const said = { type: Message.KEY_REQ, version, vmpck: asked.vmpck ?? 0 };
  const answer = ask(sceneOf({ facts, guest: structuredClone(guest) }), said, payload);
  if (typeof answer === "number") throw new Error(`status ${answer}`);
  assert.is(answer.length, 0x40);
  assert.ok(answer.subarray(4, 0x20).every((byte) => byte === 0));
  const key = Buffer.from(answer.subarray(0x20)).toString("hex");
  if (statusOf(answer) === OK) return key;
  assert.is(key, "00".repeat(32));
  return statusOf(answer);
}

const idBlock = {
  familyId: new Uint8Array(16).fill(1),
  imageId: new Uint8Array(16).fill(2),
  guestSvn: 9,
  block: new Uint8Array(96),
  idKeyDigest: new Uint8Array(48).fill(4),
  authorKeyEn: false,
  authorKeyDigest: new Uint8Array(48),
};

test("a derived key is the same for the same guest, on every launch and firmware, and another for each field mixed in", () => {
  const facts = factsOf("Milan");
  const guest = guestOf({ idBlock });
  const key = askKey(facts, guest);
  assert.type(key, "string");
  assert.is(askKey(facts, guest, { version: 1 }), key, "version 1 means vector 0");
  const changed: [bigint, Partial<GuestContext>][] = [
    [1n << 0n, { policy: 0xb0000n }],
    [1n << 1n, { idBlock: { ...idBlock, imageId: new Uint8Array(16) } }],
    [1n << 2n, { idBlock: { ...idBlock, familyId: new Uint8Array(16) } }],
    [1n << 3n, { measurement: new Uint8Array(48) }],
  ];
  for (const [select, change] of changed) {
    const other = { ...guest, ...change };
    assert.is(askKey(facts, other), key, "a field that is not selected is not mixed in");
    assert.not.equal(askKey(facts, guest, { select }), askKey(facts, other, { select }));
  }
  const always: Partial<GuestContext>[] = [
    { hostData: new Uint8Array(32) },
    { idBlock: { ...idBlock, idKeyDigest: new Uint8Array(48) } },
    { idBlock: { ...idBlock, authorKeyDigest: new Uint8Array(48).fill(1) } },
  ];
  for (const change of always) assert.not.equal(askKey(facts, { ...guest, ...change }), key);
  const never: Partial<GuestContext>[] = [
    { reportId: new Uint8Array(32) },
    { vek: new Uint8Array(16) },
    { launchTcb: 0n },
  ];
  for (const change of never) assert.is(askKey(facts, { ...guest, ...change }), key);
  const later = {
    ...facts.tcb,
    current: facts.tcb.current + 1n,
    reported: facts.tcb.reported + 1n,
  };
  assert.is(askKey(factsOf("Milan", { tcb: later }), guest), key, "survives an update");
  assert.not.equal(askKey(factsOf("Milan", { seed: "another chip" }), guest), key);
  const asks: KeyAsk[] = [
    { vmpl: 1 },
    { select: 1n << 4n, svn: 8 },
    { select: 1n << 4n, svn: 9 },
    { select: 1n << 5n, tcb: 0n },
    { select: 1n << 5n, tcb: 4n },
    { select: 1n << 6n, vector: 0n },
    { select: 1n << 6n, vector: 2n },
    { flags: 2 },
    ...Array.from({ length: 16 }, (_, i) => ({ select: BigInt(i) })).slice(1),
  ];
  const keys = [key, ...asks.map((one) => askKey(facts, guest, one))];
  assert.is(new Set(keys).size, keys.length);
  assert.ok(keys.every((one) => typeof one === "string"));
});

test("a derived key is refused for what the guest is not: SVN, TCB, mitigations, VMPL, reserved bits", () => {
  const facts = factsOf("Milan");
  const guest = guestOf({ idBlock });
  const { committed } = facts.tcb;
  const rows: [KeyAsk, number][] = [
    [{ select: 1n << 4n, svn: 10 }, INVALID_PARAM],
    [{ select: 1n << 5n, tcb: committed + 1n }, INVALID_PARAM],
    // each part by itself: one byte above, all others far below
    [{ select: 1n << 5n, tcb: (committed & 0xffn) + 1n }, INVALID_PARAM],
    [{ select: 1n << 5n, tcb: 1n << 8n }, INVALID_PARAM],
    [{ select: 1n << 6n, vector: 4n }, INVALID_PARAM],
    [{ select: 1n << 7n }, INVALID_PARAM],
    [{ select: 1n << 63n }, INVALID_PARAM],
    [{ select: 1n << 6n, version: 1 }, INVALID_PARAM],
    [{ vmpl: 4 }, INVALID_PARAM],
    [{ vmpck: 2, vmpl: 1 }, INVALID_PARAM],
    [{ reserved: 1n }, INVALID_PARAM],
    [{ flags: 6 }, INVALID_PARAM],
    [{ flags: 8 }, INVALID_PARAM],
    [{ flags: 4 }, INVALID_KEY],
    [{ flags: 1 }, INVALID_KEY],
  ];
  for (const [asked, status] of rows) {
    const name = Object.entries(asked).join(" ");
    assert.is(askKey(facts, guest, asked), status, name);
  }
  assert.type(askKey(facts, guest, { svn: 10, tcb: committed + 1n, vector: 4n }), "string");
  const masked = factsOf("Milan", { maskChipKey: true });
  assert.is(askKey(masked, guest), INVALID_KEY);
  assert.is(askKey(facts, { ...guest, vcekDisable: true }), INVALID_KEY);
});

test("a root key of the VM or of the provider gives other keys than the chip's", () => {
  const plain = factsOf("Milan");
  const facts = { ...plain, vlek: loaded("Milan", plain.tcb.reported) };
  const guest = guestOf({ vmrk: new Uint8Array(32).fill(6) });
  const keys = [0, 1, 2, 4].map((flags) => askKey(facts, guest, { flags }));
  assert.is(new Set(keys).size, 4);
  // the VM's own root does not depend on the chip: it migrates
  const other = { ...factsOf("Genoa"), seed: "another" };
  assert.is(askKey(other, guest, { flags: 1 }), keys[1]);
});

test("a hash stick opens on the chip it was wrapped for, unaltered, and nowhere else", () => {
  const tcb = factsOf("Milan").tcb.reported;
  const vlek = { seed: "scene", cspId: "CN=cloister.invalid", tcb };
  const page = wrapVlek("scene", "Milan", vlek);
  assert.is(page.length, 0x1b0);
  assert.equal(unwrapVlek("scene", "Milan", page), loaded("Milan", tcb));
  assert.is(unwrapVlek("other", "Milan", page), undefined);
  assert.is(unwrapVlek("scene", "Genoa", page), undefined);
  for (let at = 0; at < page.length; at += 5) {
    const changed = page.slice();
    changed[at] = changed[at]! ^ 1;
    assert.is(unwrapVlek("scene", "Milan", changed), undefined, `byte ${at}`);
  }
});

test("TSC_INFO gives the guest's frequency over the chip's", () => {
  const facts = factsOf("Milan");
  const said = { type: Message.TSC_INFO_REQ };
  for (const [khz, scale] of [
    [0, 1n << 32n],
    [2_000_000, 1n << 32n],
    [1_000_000, 1n << 31n],
    [3_000_000, 3n << 31n],
  ] as const) {
    const scene = sceneOf({ facts, guest: guestOf({ desiredTscKhz: khz }) });
    const answer = ask(scene, said, new Uint8Array(0x80)) as Uint8Array;
    const view = new DataView(answer.buffer);
    assert.is(statusOf(answer), OK);
    assert.is(view.getBigUint64(8, true), scale);
    assert.is(view.getBigUint64(0x10, true), 0n);
  }
  for (let at = 0; at < 0x80; at += 9) {
    const payload = new Uint8Array(0x80);
    payload[at] = 1;
    assert.is(statusOf(ask(sceneOf(), said, payload)), INVALID_PARAM, `byte ${at}`);
  }
});

test("CPUID entries come back as the firmware allows them, with what it thought of those given", () => {
  const said = { type: Message.CPUID_REQ };
  const payload = new Uint8Array(0x10 + 2 * 0x30).fill(1, 0x10);
  word(payload, 0, 2n);
  const safe = ask(sceneOf(), said, payload) as Uint8Array;
  assert.is(statusOf(safe), OK);
  assert.is(new DataView(safe.buffer).getUint32(4, true), 2);
  assert.equal(safe.slice(0x10), payload.slice(0x10));
  const correctCpuid = (entries: Uint8Array) => {
    entries.fill(0, 0x18, 0x1c);
    return false;
  };
  const corrected = ask({ ...sceneOf(), correctCpuid }, said, payload) as Uint8Array;
  assert.is(statusOf(corrected), INVALID_PARAM);
  assert.is(corrected[0x10 + 0x18], 0);
  assert.is(corrected[0x10 + 0x1c], 1);
  for (const count of [0n, 1n, 3n, 65n]) {
    const wrong = payload.slice();
    word(wrong, 0, count);
    assert.is(statusOf(ask(sceneOf(), said, wrong)), INVALID_PARAM, `COUNT ${count}`);
  }
});
