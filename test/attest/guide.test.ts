// The field guide's chain and its verification: right evidence, and each thing that may be wrong with it. DESIGN.md, section 5.
import { makeIdentity, makeReport } from "../../dist/attest/evidence/index.js";
import { type GuideChain, makeGuideChain } from "../../dist/attest/guide/certify.js";
import { guideMeasurement } from "../../dist/attest/guide/measurement.js";
import { verifyGuide } from "../../dist/attest/guide/verify.js";
import { parseReport, presets } from "../../dist/attest/index.js";
import { assert, suite } from "../kit.ts";

const test = suite("the field guide's chain");
const at = Date.UTC(2026, 5, 1);
const products = ["Milan", "Genoa", "Turin"] as const;
const ordered = ({ ARK, ASK, PCERT, SP }: GuideChain) => [SP, PCERT, ASK, ARK];
const word = (name: string) => presets[name]?.word as bigint;

async function evidence(seed = "guide", product: (typeof products)[number] = "Milan") {
  const [identity, chain] = await Promise.all([
    makeIdentity({ seed, product, at }),
    makeGuideChain({ seed, product, at }),
  ]);
  const report = makeReport(identity, { policy: word("standard") });
  return { identity, chain, report, options: { roots: [chain.ARK], now: at } };
}

test("holds from root to report, for every product and each of the guide's policies", async () => {
  for (const product of products) {
    const { identity, chain, options } = await evidence("guide", product);
    for (const name of Object.keys(presets)) {
      const report = makeReport(identity, { policy: word(name) });
      const result = await verifyGuide(report, ordered(chain), options);
      assert.is(result.accepted, true, `${product} ${name}: ${result.says}`);
      assert.is(result.emulated, true);
      assert.is(result.report?.policy, word(name));
      const [, , form] = result.checks;
      assert.is(form?.says, "ARK RSA-2048, ASK P-256, PCERT and SP certificate P-384");
    }
  }
});

test("is refused by name: root, order, chip, TCB, signatures, dates", async () => {
  const { identity, chain, report, options } = await evidence();
  const other = await evidence("other");
  const tcb = { bootloader: 4, tee: 0, snp: 24, microcode: 220 };
  const older = await makeGuideChain({ seed: "guide", product: "Milan", at, tcb });
  const forged = report.slice();
  forged[0x90] = forged[0x90]! ^ 1;
  const bent = (der: Uint8Array) => {
    const wrong = der.slice();
    wrong[wrong.length - 1] = wrong[wrong.length - 1]! ^ 1;
    return wrong;
  };
  const day = 86_400_000;
  const rows: [string, Uint8Array, Uint8Array[], Partial<typeof options>][] = [
    ["NO_ROOT", report, ordered(chain), { roots: [] }],
    ["ROOT_UNTRUSTED", report, ordered(chain), { roots: [chain.ASK] }],
    ["CERTIFICATE_MISSING", report, [chain.SP, chain.ASK, chain.ARK], {}],
    ["CERTIFICATE_MALFORMED", report, [chain.SP.slice(1)], {}],
    ["CERTIFICATE_PROFILE", report, [identity.authorities.ASK.certificate], {}],
    ["CERTIFICATE_PROFILE", report, [identity.vcek.certificate], {}],
    ["REPORT_SIGNATURE", forged, ordered(chain), {}],
    ["REPORT_SIGNATURE", other.report, ordered(chain), {}],
    ["REPORT_SIGNATURE", report, ordered(older), {}],
    ["CHAIN_ISSUER", report, ordered({ ...chain, PCERT: other.chain.PCERT }), {}],
    ["ARK_SIGNATURE", report, ordered({ ...chain, ARK: bent(chain.ARK) }), {}],
    ["ASK_SIGNATURE", report, ordered({ ...chain, ASK: bent(chain.ASK) }), {}],
    ["PCERT_SIGNATURE", report, ordered({ ...chain, PCERT: bent(chain.PCERT) }), {}],
    ["VEK_SIGNATURE", report, ordered({ ...chain, SP: bent(chain.SP) }), {}],
    ["CERTIFICATE_NOT_YET_VALID", report, ordered(chain), { now: at - 2 * day }],
    ["CERTIFICATE_EXPIRED", report, ordered(chain), { now: at + 8 * 366 * day }],
    ["POLICY_RESERVED", makeReport(identity, { policy: 0x10081n }), ordered(chain), {}],
    ["REPORT_LENGTH", report.slice(1), ordered(chain), {}],
  ];
  for (const [code, bytes, files, change] of rows) {
    const result = await verifyGuide(bytes, files, { ...options, ...change });
    assert.is(result.accepted, false, code);
    assert.is(result.code, code, result.says);
  }
});

test("says chip and TCB apart where a signature would hold", async () => {
  const { identity, chain, options } = await evidence();
  const masked = makeReport(identity, { policy: 0x10001n, chipId: new Uint8Array(64) });
  assert.is((await verifyGuide(masked, ordered(chain), options)).code, "CHIP_ID_MASKED");
  const reportedTcb = { bootloader: 4, tee: 0, snp: 24, microcode: 1 };
  const low = makeReport(identity, { policy: 0x10001n, reportedTcb });
  assert.is((await verifyGuide(low, ordered(chain), options)).code, "TCB_MISMATCH");
});

test("reads a policy word that AMD's book would refuse, and only in its own dialect", async () => {
  const { report } = await evidence();
  assert.throws(() => parseReport(report), /bit 17/);
  assert.is(parseReport(report, "field-guide").policy, 0x10001n);
  assert.throws(() => parseReport(report.slice(1), "field-guide"), /1183 bytes/);
});

test("measures by HMAC, so that only who has the guest's VMPCK3 can compare", () => {
  const digest = new Uint8Array(48).fill(1);
  const measurement = guideMeasurement(new Uint8Array(32).fill(2), digest);
  assert.is(measurement.length, 48);
  assert.equal(measurement.slice(32), new Uint8Array(16));
  // Python's hmac.new(b"\2" * 32, b"\1" * 48, "sha256").hexdigest()
  const wanted = "959ccdc598b4fa36294fa6e742cb071db3efd278bb0080d5e74eb97a499505b6";
  assert.is(Buffer.from(measurement.subarray(0, 32)).toString("hex"), wanted);
  assert.not.equal(guideMeasurement(new Uint8Array(32).fill(3), digest), measurement);
});
