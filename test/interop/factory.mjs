// The factory and the key service in whatever runtime this is: equal reports from a seed, and collateral that verifies.
import { makeIdentity, makeReport } from "../../dist/attest/evidence/index.js";
import { evidenceOfFiles, parseReport, verify } from "../../dist/attest/index.js";
import { certChainUrl, crlUrl, makeKds, vcekUrl } from "../../dist/kds/index.js";

const hex = (bytes) =>
  [...new Uint8Array(bytes)].map((b) => b.toString(16).padStart(2, "0")).join("");

export async function madeHere() {
  const at = Date.UTC(2026, 5, 1);
  const kds = makeKds({ seed: "runtime", clock: () => at });
  const get = async (url) => new Uint8Array(await (await kds(new Request(url))).arrayBuffer());
  const lines = [];
  for (const product of ["Milan", "Genoa", "Turin"]) {
    const identity = await makeIdentity({ seed: "runtime", product, at });
    const report = makeReport(identity, { version: 5 });
    const { chipId, reportedTcb } = parseReport(report);
    const base = "http://kds.invalid";
    const vek = await get(vcekUrl(base, product, chipId, reportedTcb));
    const chain = await get(certChainUrl(base, "vcek", product));
    const crl = await get(crlUrl(base, "vcek", product));
    const evidence = { ...evidenceOfFiles(report, [vek, chain]), crl };
    const roots = [identity.authorities.ARK.certificate];
    const { says } = await verify(evidence, { roots, now: at, requireCrl: true });
    lines.push(`made ${product}\t${hex(await crypto.subtle.digest("SHA-256", report))}\t${says}`);
  }
  return lines;
}
