// A report and its certificates as one file: the extended report of AMD 56421, 4.1.8.1, which go-sev-guest reads.
import { concat } from "../bytes.ts";
import { composeTable } from "../table.ts";
import type { Identity } from "./identity.ts";
import { makeReport, type ReportOptions } from "./report.ts";

export interface Parts {
  readonly kind: "VCEK" | "VLEK";
  readonly report: Uint8Array;
  readonly vek: Uint8Array;
  readonly ask: Uint8Array;
  readonly ark: Uint8Array;
  readonly crl: Uint8Array;
}

/** Good evidence from this platform. */
export function goodParts(identity: Identity, options: ReportOptions = {}): Parts {
  const kind = options.signingKey === "VLEK" ? "VLEK" : "VCEK";
  const { authorities } = identity;
  return {
    kind,
    report: makeReport(identity, options),
    vek: identity[kind === "VLEK" ? "vlek" : "vcek"].certificate,
    ask: authorities[kind === "VLEK" ? "ASVK" : "ASK"].certificate,
    ark: authorities.ARK.certificate,
    crl: identity.crl,
  };
}

export function tableOf(parts: Parts): Uint8Array<ArrayBuffer> {
  return composeTable(
    new Map([
      [parts.kind, parts.vek],
      ["ASK", parts.ask],
      ["ARK", parts.ark],
      ["CRL", parts.crl],
    ]),
  );
}

export const extended = (parts: Parts): Uint8Array<ArrayBuffer> =>
  concat(parts.report, tableOf(parts));
