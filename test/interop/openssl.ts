// openssl on the chains and lists of the evidence: the parts of it that are plain X.509.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pem } from "../../dist/attest/evidence/index.js";
import { splitExtended } from "../../dist/attest/index.js";
import { type Entry, faultOf } from "./explained.ts";
import type { Judgement } from "./main.ts";
import { CACHE, run } from "./tools.ts";

/** Faults that X.509 alone shows. Every other file has a good chain, and openssl must say so. */
const chainFaults = [
  ...["wrong-root", "swapped-chain", "swapped-order", "asvk-for-ask", "bad-ask-signature"],
  ...[
    "bad-vcek-signature",
    "truncated-vcek",
    "trailing-vcek",
    "expired",
    "not-yet-valid",
    "revoked",
  ],
  ...["crl-expired", "crl-not-yet-valid", "crl-bad-signature", "crl-issuer", "crl-malformed"],
];

const explained: Record<string, string> = {
  "trailing-vcek": "a byte behind the certificate is not looked at when DER is read",
};

export function ask(dir: string, entry: Entry, at: string, root: string): Judgement | undefined {
  const fault = faultOf(entry);
  if (entry.verdict === "refused" && !chainFaults.includes(fault)) return undefined;
  const { table } = splitExtended(new Uint8Array(readFileSync(join(dir, entry.file))));
  const folder = join(CACHE, "openssl");
  mkdirSync(folder, { recursive: true });
  const file = (name: string, label: string, der: Uint8Array) => {
    const path = join(folder, `${name}.pem`);
    writeFileSync(path, pem(label, der));
    return path;
  };
  const vek = file("vek", "CERTIFICATE", (table.get("VCEK") ?? table.get("VLEK")) as Uint8Array);
  const ask = file("ask", "CERTIFICATE", table.get("ASK") as Uint8Array);
  const crl = file("crl", "X509 CRL", table.get("CRL") as Uint8Array);
  const common = ["verify", "-attime", String(Date.parse(at) / 1000), "-CAfile", join(dir, root)];
  const list = run("openssl", [...common, "-crl_check", "-CRLfile", crl, ask]);
  const chain = run("openssl", [...common, "-untrusted", ask, vek]);
  const refused = [list, chain].find(({ code }) => code !== 0);
  const why = (refused?.err ?? "").match(/(error [0-9]+[^\n]*|Could not[^\n]*|unable[^\n]*)/)?.[0];
  return {
    file: entry.file,
    refusal: refused === undefined ? "" : (why ?? "refused"),
    reason: explained[fault],
  };
}
