// What guest messages answer: reports, derived keys, CPUID, TSC. SNP firmware ABI (AMD 56860), 7.
import * as Message from "../../dist/abi/message.js";
import { makeIdentity } from "../../dist/attest/evidence/index.js";
import { parseReport, parseTcb, verify } from "../../dist/attest/index.js";
import type { PlatformFacts } from "../../dist/psp/facts.js";
import type { GuestContext } from "../../dist/psp/guest.js";
import { assert, suite } from "../kit.ts";
import { ask, factsOf, guestOf, loaded, sceneOf, statusOf, word } from "./scene.ts";

const test = suite("requests");
const products = ["Milan", "Genoa", "Turin"] as const;
const at = Date.UTC(2026, 5, 1);
const [OK, INVALID_PARAM, INVALID_KEY] = [0, 0x16, 0x27];

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
