// Reports, TCBs, tables, policies and lists as bytes: what one side makes the other reads, and nothing else.

import {
  authoritiesOf,
  certChain,
  goodParts,
  makeIdentity,
  makeReport,
} from "../../dist/attest/evidence/index.js";
import {
  attestExtended,
  composeReport,
  composeTable,
  composeTcb,
  decodeGuidePolicy,
  decodePolicy,
  displayReport,
  encodeGuidePolicy,
  encodePolicy,
  gapOf,
  isLegacySignedBy,
  keyDigest,
  parseCertificates,
  parseCrl,
  parseLegacy,
  parseReport,
  parseTable,
  parseTcb,
  presets,
  productOfCpuid,
  reportJson,
  verifyChain,
} from "../../dist/attest/index.js";
import { assert, rejects, suite } from "../kit.ts";
import { milan } from "./vectors.ts";

const test = suite("the bytes of evidence");
const at = Date.UTC(2026, 5, 1);
const products = ["Milan", "Genoa", "Turin"] as const;

test("are the same after parsing and composing, in every version and product", async () => {
  for (const product of products) {
    const identity = await makeIdentity({ seed: "codec", product, at });
    for (const version of [2, 3, 4, 5]) {
      const mitigations = { launchMitVector: 0x8000000000000001n, currentMitVector: 5n };
      const bytes = makeReport(identity, { version, guestSvn: 0xfffffffe, ...mitigations });
      const report = parseReport(bytes);
      assert.equal(composeReport(report), bytes);
      assert.is(report.cpuid === undefined, version < 3);
      assert.is(report.launchMitVector, version < 5 ? undefined : 0x8000000000000001n);
      assert.is(report.product, version < 3 && product !== "Turin" ? undefined : product);
      assert.is(reportJson(report)["guestSvn"], 0xfffffffe);
    }
  }
  const real = milan();
  if (real) assert.equal(composeReport(parseReport(real.report)), real.report);
});

test("hold a TCB in Milan's order or in Turin's", () => {
  const tcb = { bootloader: 1, tee: 2, snp: 3, microcode: 4 };
  assert.is(composeTcb(tcb, "Milan"), 0x0403000000000201n);
  assert.is(composeTcb({ ...tcb, fmc: 9 }, "Turin"), 0x0400000003020109n);
  assert.equal(parseTcb(0x0403000000000201n, "Genoa"), tcb);
  assert.equal(parseTcb(0x0400000003020109n, "Turin"), { ...tcb, fmc: 9 });
  assert.throws(() => composeTcb({ ...tcb, snp: 256 }, "Milan"), /TCB snp: 256, expected 0 to 255/);
});

test("name the product by family and model", () => {
  // biome-ignore format: a table
  const table: [number, number, string | undefined][] = [
    [0x19, 0x00, "Milan"], [0x19, 0x0f, "Milan"], [0x19, 0x10, "Genoa"], [0x19, 0x1f, "Genoa"],
    [0x19, 0x20, undefined], [0x19, 0x9f, undefined], [0x19, 0xa0, "Genoa"], [0x19, 0xaf, "Genoa"],
    [0x1a, 0x00, "Turin"], [0x1a, 0x11, "Turin"], [0x1a, 0x12, undefined], [0x17, 0x31, undefined],
  ];
  for (const [family, model, product] of table) assert.is(productOfCpuid(family, model), product);
});

test("of a table come back by name, and a stranger's entry by its GUID", async () => {
  const stranger = "ecae0c0f950243b1afa20ae2e0d565b6";
  const entries = new Map([
    ["VCEK", Uint8Array.of(1, 2, 3)],
    ["CRL", Uint8Array.of()],
    [stranger, Uint8Array.of(4)],
  ]);
  assert.equal([...parseTable(composeTable(entries))], [...entries]);
  const twice = composeTable(entries);
  twice.set(twice.subarray(0, 16), 24);
  assert.throws(() => parseTable(twice), /entry VCEK twice/);
});

test("of a guest policy say the same both ways, in both dialects", () => {
  for (let position = 16; position < 26; position++) {
    const word = 0x20000n | (1n << BigInt(position)) | 0x0137n;
    assert.is(encodePolicy(decodePolicy(word)), word);
  }
  for (const [name, { word }] of Object.entries(presets)) {
    // The guide's words beside its flags: bit 17 is named by none of them.
    assert.is(encodeGuidePolicy(decodeGuidePolicy(word)) | (word & 0x20000n), word, name);
  }
  assert.equal(gapOf("standard"), ["ES", "SMT"]);
  assert.equal(gapOf("migration-enabled"), ["ES", "SMT", "MIGRATE_MA"]);
  assert.equal(gapOf("maximum-security"), ["BTB_ISOLATION"]);
});

test("of a chain are read from PEM, DER and bundles alike", async () => {
  const identity = await makeIdentity({ seed: "codec", product: "Genoa", at });
  const { crl, ...parts } = goodParts(identity);
  const bundle = new TextEncoder().encode(certChain("Genoa", "vcek"));
  assert.equal(
    parseCertificates(bundle).map(({ der }) => der),
    [parts.ask, parts.ark],
  );
  const evidence = { report: parts.report, vek: parts.vek };
  const options = { roots: [bundle], now: new Date(at) };
  const chain = await verifyChain(evidence, options);
  assert.equal(
    chain.checks.filter(({ verdict }) => verdict === "failed"),
    [],
  );
  assert.is(chain.endorsement?.productName, "Genoa-B1");
  assert.equal(parseCrl(crl).revoked, []);
  const required = await verifyChain(evidence, { ...options, requireCrl: true });
  assert.is(required.checks.find(({ verdict }) => verdict === "failed")?.code, "CRL_MISSING");
  const garbage = { ...options, roots: [Uint8Array.of(1, 2, 3)] };
  assert.is((await verifyChain(evidence, garbage)).checks[0]?.code, "ROOT_MALFORMED");
  const bare = await verifyChain({ report: parts.report }, options);
  assert.is(bare.checks[1]?.code, "CERTIFICATE_MISSING");
});

test("are not judged by a clock that shows no time", async () => {
  const parts = goodParts(await makeIdentity({ seed: "codec", product: "Milan", at }));
  const roots = [parts.ark];
  await rejects(verifyChain(parts, { roots, now: Number.NaN }), /now: NaN, expected a Date/);
  await rejects(verifyChain(parts, { roots, now: new Date("never") }), /now: Invalid Date/);
});

test("of a host that hands out VCEK and VLEK are taken as the report names them", async () => {
  const identity = await makeIdentity({ seed: "codec", product: "Milan", at });
  for (const signingKey of ["VCEK", "VLEK"] as const) {
    const parts = goodParts(identity, { signingKey });
    const table = composeTable(
      new Map([
        ["VCEK", identity.vcek.certificate],
        ["VLEK", identity.vlek.certificate],
        ["ASK", parts.ask],
      ]),
    );
    const file = Uint8Array.from([...parts.report, ...table]);
    const result = await attestExtended(file, { roots: [parts.ark], now: at });
    assert.is(result.says, "accepted");
  }
});

test("of an ask_ark.cert are roots too: AMD's own form, its signature checked", async () => {
  const identity = await makeIdentity({ seed: "codec", product: "Milan", at });
  const file = await legacyFile("Milan");
  const [ask, ark] = parseLegacy(file);
  if (!ask || !ark) throw new Error("two certificates");
  assert.is(`${ask.role} ${ark.role}`, "ASK ARK");
  assert.is(await isLegacySignedBy(ask, ark), true);
  assert.is(await isLegacySignedBy(ark, ark), true);
  assert.is(await isLegacySignedBy(ark, ask), false);
  const parts = goodParts(identity);
  const chain = await verifyChain(parts, { roots: [file], now: at });
  assert.equal(
    chain.checks.filter(({ verdict }) => verdict === "failed"),
    [],
  );
  const other = await verifyChain(parts, { roots: [await legacyFile("Genoa")], now: at });
  assert.is(other.checks.find(({ verdict }) => verdict === "failed")?.code, "ROOT_UNTRUSTED");
  const cube = await verifyChain(parts, { roots: [await legacyFile("Milan", 3)], now: at });
  assert.is(cube.checks.find(({ verdict }) => verdict === "failed")?.code, "ROOT_UNTRUSTED");
  assert.throws(() => parseLegacy(file.subarray(0, 100)), /100 bytes, expected 1600/);
});

test("of a key are digested in the ABI's form", async () => {
  const { createHash } = await import("node:crypto");
  const point = Uint8Array.from({ length: 96 }, (_, i) => i + 1);
  const form = Buffer.alloc(0x404);
  form[0] = 2;
  for (let i = 0; i < 48; i++) {
    form[4 + i] = point[47 - i] as number;
    form[4 + 72 + i] = point[95 - i] as number;
  }
  const digest = createHash("sha384").update(form).digest();
  assert.is(Buffer.from(await keyDigest(point)).toString("hex"), digest.toString("hex"));
});

test("of Turin print its FMC, of Milan none", async () => {
  const [turin, genoa] = await Promise.all(
    (["Turin", "Genoa"] as const).map((product) => makeIdentity({ seed: "codec", product, at })),
  );
  const print = (identity: typeof turin) => displayReport(parseReport(makeReport(identity!)));
  assert.match(print(turin), / {2}FMC: {9}1\n/);
  assert.match(print(genoa), / {2}FMC: {9}None\n/);
});

/** ASK and ARK in AMD's own form, signed with the shipped keys. AMD 55766, B. */
async function legacyFile(product: "Milan" | "Genoa", exponent = 65537): Promise<Uint8Array> {
  const { ASK, ARK } = authoritiesOf(product);
  const rsa = { name: "RSA-PSS", hash: "SHA-384" };
  const key = await crypto.subtle.importKey("pkcs8", Uint8Array.from(ARK.privateKey), rsa, false, [
    "sign",
  ]);
  const one = async (certificate: Uint8Array, usage: number, id: number) => {
    const modulus = parseCertificates(certificate)[0]!.key.number;
    const bytes = new Uint8Array(0x640);
    const view = new DataView(bytes.buffer);
    view.setUint32(0x00, 1, true);
    bytes.fill(id, 0x04, 0x14).fill(0xa4, 0x14, 0x24);
    view.setUint32(0x24, usage, true);
    view.setUint32(0x38, 4096, true);
    view.setUint32(0x3c, 4096, true);
    view.setUint32(0x40, exponent, true);
    bytes.set(Uint8Array.from(modulus).reverse(), 0x240);
    const pss = { name: "RSA-PSS", saltLength: 48 };
    const signature = await crypto.subtle.sign(pss, key, bytes.subarray(0, 0x440));
    bytes.set(new Uint8Array(signature).reverse(), 0x440);
    return bytes;
  };
  const files = [await one(ASK.certificate, 0x13, 0x50), await one(ARK.certificate, 0, 0xa4)];
  return Uint8Array.from(files.flatMap((file) => [...file]));
}
