// A report from silicon: accepted with AMD's certificates, refused with any byte changed. go-sev-guest's golden.
import { p384 } from "@noble/curves/nist.js";
import {
  attest,
  type Code,
  displayReport,
  fourChecks,
  parseReport,
  verify,
  verifyChain,
  verifyReport,
} from "../../dist/attest/index.js";
import { assert, suite } from "../kit.ts";
import { milan } from "./vectors.ts";

const test = suite("a report from a real Milan machine");
const real = milan();

/** The code that a change of the byte at this offset must earn, from the ABI's table; by hand, not from the parser. */
function expected(offset: number, bits: number): Code {
  const within = (start: number, end: number) => start <= offset && offset < end;
  // Version 3 is known, but then 0x188 must name a family.
  if (offset === 0x000 && bits === 0x01) return "PRODUCT_UNKNOWN";
  if (within(0x000, 0x004)) return "REPORT_VERSION";
  if (within(0x030, 0x034)) return offset === 0x030 && bits < 4 ? "REPORT_SIGNATURE" : "VMPL_RANGE";
  if (within(0x034, 0x038)) return "SIGNATURE_ALGORITHM";
  if (within(0x04c, 0x050) || within(0x188, 0x1a0)) return "REPORT_RESERVED";
  if (offset === 0x1eb || offset === 0x1ef || within(0x1f8, 0x2a0)) return "REPORT_RESERVED";
  if (within(0x330, 0x4a0)) return "REPORT_RESERVED";
  // Guest policy: bit 17 must be one, bits 26 to 63 zero.
  if (offset === 0x00a && (bits & 0x02) !== 0) return "POLICY_RESERVED";
  if (offset === 0x00b && bits >= 4) return "POLICY_RESERVED";
  if (within(0x00c, 0x010)) return "POLICY_RESERVED";
  if (within(0x041, 0x048) || (offset === 0x040 && (bits & 0x40) !== 0)) {
    return "PLATFORM_INFO_RESERVED";
  }
  if (within(0x049, 0x04c)) return "SIGNER_INFO_RESERVED";
  // SIGNER_INFO was 0: 2 to 6 are reserved keys, 1 is a VLEK, 7 nobody.
  if (offset === 0x048) {
    const key = (bits >> 2) & 7;
    if (bits >= 0x20 || (key > 1 && key < 7)) return "SIGNER_INFO_RESERVED";
    return key === 0 ? "REPORT_SIGNATURE" : "SIGNER_MISMATCH";
  }
  for (const tcb of [0x038, 0x180, 0x1e0, 0x1f0]) {
    if (within(tcb + 2, tcb + 6)) return "TCB_RESERVED";
  }
  // r and s have 48 bytes; above them must be zero, or they are not below the order.
  if (within(0x2d0, 0x2e8) || within(0x318, 0x330)) return "SIGNATURE_RANGE";
  return "REPORT_SIGNATURE";
}

if (real !== undefined) {
  const { report, vek, root, now } = real;

  test("is accepted with AMD's certificates passed in", async () => {
    const result = await verify({ report, vek }, { roots: [root], now });
    assert.is(result.says, "accepted");
    assert.is(result.checks.filter(({ verdict }) => verdict === "passed").length, 16);
  });

  test("is refused without a root, as no root given", async () => {
    const result = await verify({ report, vek }, { roots: [], now });
    assert.is(result.code, "NO_ROOT");
    assert.match(result.says, /^no root given/);
  });

  for (const bits of [0xff, 0x20, 0x01]) {
    test(`is refused with the right code when any byte is changed by 0x${bits.toString(16)}`, async () => {
      const chain = await verifyChain({ report, vek }, { roots: [root], now });
      for (let offset = 0; offset < report.length; offset++) {
        const changed = Uint8Array.from(report);
        changed[offset] = (changed[offset] as number) ^ bits;
        const result = await verifyReport(changed, chain);
        assert.is(result.accepted, false, `byte ${offset}`);
        assert.is(result.code, expected(offset, bits), `byte 0x${offset.toString(16)}`);
      }
    });
  }

  test("has a signature that noble, too, finds good", () => {
    const fields = parseReport(report);
    const number = (field: Uint8Array) => Uint8Array.from(field.subarray(0, 48)).reverse();
    const signature = Uint8Array.from([...number(fields.signatureR), ...number(fields.signatureS)]);
    // SubjectPublicKeyInfo of P-384 ends in the point, 97 bytes; it occurs once in the certificate.
    const point = vek.subarray(pointAt(vek), pointAt(vek) + 97);
    const options = { prehash: true, lowS: false };
    const holds = (bytes: number) =>
      p384.verify(signature, report.subarray(0, bytes), point, options);
    assert.is(holds(0x2a0), true);
    assert.is(holds(0x29f), false);
  });

  test("allows debugging, and so fails a policy that does not", async () => {
    const result = await attest({ report, vek }, { roots: [root], now });
    assert.is(result.code, "POLICY_DEBUG");
    const allowed = await attest(
      { report, vek },
      { roots: [root], now },
      { guestPolicy: 0xb0000n },
    );
    assert.is(allowed.says, "accepted");
  });

  test("passes the field guide's four checks, and fails each for its reason", async () => {
    const { measurement } = parseReport(report);
    const tcb = { bootloader: 2, tee: 0, snp: 5, microcode: 68 };
    const options = { roots: [root], now, measurement, minimumTcb: tcb };
    const good = await fourChecks({ report, vek }, options);
    assert.equal(
      good.checks.map(({ name, verdict }) => `${name} ${verdict}`),
      ["chain passed", "signature passed", "measurement passed", "TCB passed"],
    );
    const other = { ...options, measurement: new Uint8Array(48) };
    assert.is((await fourChecks({ report, vek }, other)).code, "MEASUREMENT");
    const newer = { ...options, minimumTcb: { ...tcb, snp: 6 } };
    assert.is((await fourChecks({ report, vek }, newer)).code, "TCB_MINIMUM");
    const broken = Uint8Array.from(report);
    broken[0x50] = 9;
    assert.is((await fourChecks({ report: broken, vek }, options)).code, "REPORT_SIGNATURE");
    assert.is((await fourChecks({ report, vek }, { ...options, roots: [] })).code, "NO_ROOT");
  });

  test("is expired in 2030 and not yet valid in 2021", async () => {
    const at = (year: number) => verify({ report, vek }, { roots: [root], now: Date.UTC(year, 0) });
    assert.is((await at(2030)).code, "CERTIFICATE_EXPIRED");
    assert.is((await at(2021)).code, "CERTIFICATE_NOT_YET_VALID");
  });

  test("is printed with its fields in snpguest's places", () => {
    const text = displayReport(parseReport(report));
    assert.match(
      text,
      /^Attestation Report:\n\nVersion: {22}2\n\nGuest SVN: {20}0\n\nGuest Policy \(0xb0000\)/,
    );
    assert.match(text, /\n\nReport Data:\n01 02 03 04 05 00 /);
    assert.match(text, /TCB Version:\n {2}Microcode: {3}68\n {2}SNP: {9}5\n/);
  });
} else {
  test("is not here: the vectors are said to be missing", () => assert.is(real, undefined));
}

/** Where the uncompressed point begins: behind the object identifier of secp384r1 and the BIT STRING's head. */
function pointAt(der: Uint8Array): number {
  const curve = [0x2b, 0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00];
  const found = der.findIndex((_, i) => curve.every((byte, j) => der[i + j] === byte));
  return found + curve.length;
}
