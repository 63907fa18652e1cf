// Verify, then validate; and the field guide's four checks as one call. DESIGN.md, section 5.
import { concat, equal, hex, reversed } from "./bytes.ts";
import type { ChainOptions } from "./chain.ts";
import { type Check, check, Refusal, type Result, resultOf, skipped } from "./code.ts";
import { type Evidence, evidenceOfExtended } from "./evidence.ts";
import { atMost, type Tcb, tcbText } from "./tcb.ts";
import { type Policy, validate } from "./validate.ts";
import { type Verification, verify } from "./verify.ts";

/** Both questions, their checks in one list; validation is asked only of a report that could be read. */
export async function attest(
  evidence: Evidence,
  options: ChainOptions,
  policy: Policy = {},
): Promise<Verification> {
  const verified = await verify(evidence, options);
  if (verified.report === undefined) return verified;
  const checks = [...verified.checks, ...validate(verified.report, policy).checks];
  return { ...verified, ...resultOf(checks) };
}

/** The same for an extended report: 1,184 bytes, then its certificate table. */
export async function attestExtended(
  bytes: Uint8Array,
  options: ChainOptions,
  policy: Policy = {},
): Promise<Verification> {
  let evidence: Evidence | undefined;
  const table = check("certificate table", () => {
    evidence = evidenceOfExtended(bytes);
    return "well formed";
  });
  return evidence === undefined
    ? { ...resultOf([table]), emulated: false }
    : attest(evidence, options, policy);
}

export interface FourOptions extends ChainOptions {
  /** As computed for the image that should be running. */
  readonly measurement: Uint8Array;
  readonly minimumTcb: Tcb;
}

function folded(name: string, checks: readonly Check[], says: string): Check {
  const failed = checks.find((one) => one.verdict === "failed");
  if (failed !== undefined) return { ...failed, name };
  return { name, verdict: "passed", says };
}

/** The field guide's verification code: chain, signature, measurement, TCB; its four sentences, its order. */
export async function fourChecks(evidence: Evidence, options: FourOptions): Promise<Result> {
  const { checks, report } = await verify(evidence, options);
  const split = checks.findIndex(({ name }) => name === "AMD extensions") + 1;
  const parsed = checks.filter(({ name }) => name === "report format");
  const chain = folded("chain", [...parsed, ...checks.slice(1, split)], "ARK to report");
  const signature = folded("signature", checks.slice(split), "made by the certified key");
  if (report === undefined) {
    const unread = ["measurement", "TCB"].map((name) => skipped(name, "no report read"));
    return resultOf([chain, signature, ...unread]);
  }
  return resultOf([
    chain,
    signature,
    check("measurement", () => {
      if (equal(report.measurement, options.measurement)) return hex(report.measurement);
      throw new Refusal("MEASUREMENT", "Measurement mismatch: VM may be tampered");
    }),
    check("TCB", () => {
      if (atMost(options.minimumTcb, report.reportedTcb)) return tcbText(report.reportedTcb);
      throw new Refusal("TCB_MINIMUM", "TCB version too old: firmware needs update");
    }),
  ]);
}

/** SHA-384 of a P-384 key in the ABI's form, as ID_KEY_DIGEST and AUTHOR_KEY_DIGEST hold it. AMD 56860, 10. */
export async function keyDigest(point: Uint8Array): Promise<Uint8Array> {
  const field = (number: Uint8Array) => concat(reversed(number), new Uint8Array(24));
  const curve = Uint8Array.of(2, 0, 0, 0);
  const form = concat(curve, field(point.subarray(0, 48)), field(point.subarray(48, 96)));
  const whole = concat(form, new Uint8Array(0x404 - form.length));
  return new Uint8Array(await crypto.subtle.digest("SHA-384", whole));
}
