// The evidence factory against the verifier: good evidence is accepted, every fault earns the code its row names.

import {
  authoritiesOf,
  evidenceDirectory,
  extended,
  faults,
  goodParts,
  type Manifest,
  makeIdentity,
  makeReport,
} from "../../dist/attest/evidence/index.js";
import { attestExtended, codes, isEmulated, parseCertificate } from "../../dist/attest/index.js";
import { assert, suite } from "../kit.ts";

const test = suite("evidence");
const at = Date.UTC(2026, 5, 1);
const products = ["Milan", "Genoa", "Turin"] as const;

test("of every product, version and signer is accepted, and every fault is refused with its code", async () => {
  const files = new Map<string, Uint8Array>();
  for await (const { name, bytes } of evidenceDirectory("test", at)) files.set(name, bytes);
  const manifest = JSON.parse(new TextDecoder().decode(files.get("manifest.json"))) as Manifest;
  assert.is(manifest.cases.length, products.length * (8 + faults.length));
  for (const entry of manifest.cases) {
    const root = files.get(manifest.roots[entry.product] as string) as Uint8Array;
    const options = { roots: [root], now: Date.parse(manifest.at) };
    const result = await attestExtended(files.get(entry.file) as Uint8Array, options);
    assert.is(result.code, entry.code, `${entry.file}: ${result.says}`);
    assert.is(result.accepted, entry.verdict === "accepted", entry.file);
  }
});

test("has a fault for every code of the verifier that a file alone can earn", () => {
  // The others need a policy, a root, a list or another chain than the file carries: validate.test.ts, guide.test.ts.
  const elsewhere =
    /^(PCERT_|NO_ROOT|ROOT_MALFORMED|CRL_MISSING|CERTIFICATE_MISSING|POLICY_|PLATFORM_|TCB_MINIMUM|LAUNCH_|CURRENT_|FIRMWARE_|REPORT_DATA|MEASUREMENT|HOST_DATA|FAMILY_ID|IMAGE_ID|REPORT_ID|CHIP_ID$|GUEST_SVN|ID_BLOCK|AUTHOR_KEY)/;
  const earned = new Set(faults.map(({ code }) => code));
  const without = Object.keys(codes).filter(
    (code) => !earned.has(code as keyof typeof codes) && !elsewhere.test(code),
  );
  assert.equal(without, []);
});

test("is the same for the same seed, byte for byte, and another for another seed", async () => {
  for (const product of products) {
    const [a, b, c] = await Promise.all(
      ["one", "one", "two"].map((seed) => makeIdentity({ seed, product, at })),
    );
    if (!a || !b || !c) throw new Error("three identities");
    assert.equal(makeReport(a), makeReport(b));
    assert.equal(a.chipId, b.chipId);
    assert.equal(a.vcek.point, b.vcek.point);
    assert.not.equal(makeReport(a), makeReport(c));
    assert.not.equal(a.chipId, c.chipId);
  }
});

test("has another VCEK for another TCB of the same chip", async () => {
  const options = { seed: "one", product: "Milan", at } as const;
  const tcb = { bootloader: 4, tee: 0, snp: 24, microcode: 220 };
  const [now, next] = await Promise.all([makeIdentity(options), makeIdentity({ ...options, tcb })]);
  assert.equal(now.chipId, next.chipId);
  assert.not.equal(now.vcek.point, next.vcek.point);
});

test("says that it is emulated in each certificate, in an extension that is not critical", async () => {
  for (const product of products) {
    const identity = await makeIdentity({ seed: "one", product, at });
    const { ARK, ASK, ASVK } = authoritiesOf(product);
    const endorsers = [identity.vcek.certificate, identity.vlek.certificate];
    for (const der of [ARK, ASK, ASVK].map((one) => one.certificate).concat(endorsers)) {
      const certificate = parseCertificate(der);
      assert.is(isEmulated(certificate), true);
      const mark = certificate.extensions.find(({ oid }) => oid === "2.5.29.35");
      assert.is(mark?.critical, false);
    }
  }
});

test("is refused under AMD's name alone: without Cloister's root it is nobody's", async () => {
  const identity = await makeIdentity({ seed: "one", product: "Milan", at });
  const file = extended(goodParts(identity));
  const genoa = authoritiesOf("Genoa").ARK.certificate;
  const result = await attestExtended(file, { roots: [genoa], now: at });
  assert.is(result.code, "ROOT_UNTRUSTED");
  assert.is(result.emulated, true);
});
