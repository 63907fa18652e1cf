// Is this report real? Signature, chain, and what the certificate says of the chip. AMD 56860; AMD 57230.
import * as Layout from "../abi/report.ts";
import { concat, equal, hex, isZero, reversed } from "./bytes.ts";
import type { Certificate } from "./certificate.ts";
import { type Chain, type ChainOptions, type OpenedChain, openChain } from "./chain.ts";
import { type Check, check, failure, Refusal, type Result, resultOf, skipped } from "./code.ts";
import { isEmulated } from "./emulated.ts";
import type { Evidence } from "./evidence.ts";
import type { Endorsement } from "./extension.ts";
import { lineOf } from "./profile.ts";
import { isUnsigned, parseReport, type Report, signatureOf } from "./report.ts";
import { isReportSignedBy, openKey } from "./signature.ts";
import { composeTcb, tcbText } from "./tcb.ts";

export interface Verification extends Result {
  readonly report?: Report;
  readonly endorsement?: Endorsement;
  /** True when the ARK says of itself that it is Cloister's. */
  readonly emulated: boolean;
}

export function requireSigner(report: Report, kind: string): string {
  if (isUnsigned(report)) {
    throw new Refusal("REPORT_UNSIGNED", `SIGNING_KEY is ${report.signingKey}`);
  }
  if (report.signingKey !== kind) {
    throw new Refusal("SIGNER_MISMATCH", `report ${report.signingKey}, certificate ${kind}`);
  }
  return `signed with a ${kind}`;
}

async function signatureCheck(
  report: Report,
  bytes: Uint8Array,
  vek: Certificate | undefined,
): Promise<Check> {
  const name = "report signature";
  if (vek === undefined) return skipped(name, "no VCEK or VLEK");
  try {
    signatureOf(report);
    // Each number fits 48 of its 72 bytes: signatureOf has seen to that.
    const number = (field: Uint8Array) => reversed(field.subarray(0, 48));
    const signature = concat(number(report.signatureR), number(report.signatureS));
    const signed = bytes.subarray(0, Layout.SIGNED_BYTES);
    if (!(await isReportSignedBy(signed, signature, openKey(vek.key)))) {
      throw new Refusal("REPORT_SIGNATURE", `not made by the ${report.signingKey}'s key`);
    }
    return { name, verdict: "passed", says: `made by the ${report.signingKey}'s key` };
  } catch (error) {
    return failure(name, error);
  }
}

export function requireTcb(report: Report, { tcb, product }: Endorsement): string {
  const seen = composeTcb(report.reportedTcb, report.product ?? "Milan");
  if (seen !== composeTcb(tcb, product)) {
    const [reported, certified] = [tcbText(report.reportedTcb), tcbText(tcb)];
    throw new Refusal("TCB_MISMATCH", `reported ${reported}, certificate ${certified}`);
  }
  return tcbText(tcb);
}

export function requireChipId(report: Report, hwid: Uint8Array): string {
  if (isZero(report.chipId)) throw new Refusal("CHIP_ID_MASKED", "CHIP_ID is all zero");
  const seen = report.chipId.subarray(0, hwid.length);
  if (!equal(seen, hwid) || !isZero(report.chipId.subarray(hwid.length))) {
    throw new Refusal("CHIP_ID_MISMATCH", `report ${hex(seen)}, certificate ${hex(hwid)}`);
  }
  return `${hex(hwid).slice(0, 16)}…`;
}

function requireProduct(report: Report, chain: Chain, endorsement: Endorsement): string {
  const { product } = endorsement;
  const { ark, ask } = chain;
  const lines = {
    report: report.product ?? product,
    ASK: ask && lineOf(ask),
    ARK: ark && lineOf(ark),
  };
  for (const [where, line] of Object.entries(lines)) {
    if (line === product) continue;
    throw new Refusal("PRODUCT_MISMATCH", `${where} ${line}, certificate ${product}`);
  }
  return product;
}

function reportChecks(report: Report, signature: Check, chain: Chain): Check[] {
  const { endorsement } = chain;
  if (endorsement === undefined) {
    const unread = ["signing key", "reported TCB", "chip id", "product"];
    return [signature, ...unread.map((name) => skipped(name, "no endorsement certificate read"))];
  }
  const { hwid, kind } = endorsement;
  return [
    check("signing key", () => requireSigner(report, kind)),
    signature,
    check("product", () => requireProduct(report, chain, endorsement)),
    check("reported TCB", () => requireTcb(report, endorsement)),
    hwid === undefined
      ? skipped("chip id", "a VLEK names no chip")
      : check("chip id", () => requireChipId(report, hwid)),
  ];
}

/** The report, its chain and its signature; both are looked at together, for they do not wait for each other. */
async function look(bytes: Uint8Array, chain: Pick<OpenedChain, "vek" | "judge">) {
  let report: Report | undefined;
  const format = check("report format", () => {
    report = parseReport(bytes);
    return `version ${report.version}`;
  });
  const signed =
    report === undefined
      ? skipped("report signature", "no report read")
      : signatureCheck(report, bytes, chain.vek);
  const [judged, signature] = await Promise.all([chain.judge(), signed]);
  const last = report === undefined ? [signature] : reportChecks(report, signature, judged);
  const { ark, endorsement } = judged;
  return {
    ...resultOf([format, ...judged.checks, ...last]),
    emulated: ark !== undefined && isEmulated(ark),
    ...(report !== undefined && { report }),
    ...(endorsement !== undefined && { endorsement }),
  };
}

/** A report against a chain already looked at: for whoever sees many reports of one chip. */
export function verifyReport(bytes: Uint8Array, chain: Chain): Promise<Verification> {
  return look(bytes, { ...chain, judge: async () => chain });
}

/** Every question whose answer does not depend on who asks: format, chain, signature, TCB, chip, product. */
export async function verify(evidence: Evidence, options: ChainOptions): Promise<Verification> {
  return look(evidence.report, openChain(evidence, options));
}
