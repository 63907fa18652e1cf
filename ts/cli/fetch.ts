// cloister fetch ca|vcek|crl: certificates from a key service, with snpguest's arguments.
import type { Command } from "commander";
import { isTurinChipId, type Product } from "../attest/product.ts";
import type { Report } from "../attest/report.ts";
import { Misuse } from "../error.ts";
import { get } from "../kds/client.ts";
import { certChainUrl, crlUrl, KDS, type Kind, vcekUrl } from "../kds/path.ts";
import {
  blocksOf,
  encodingOf,
  productNamed,
  reading,
  readReport,
  writeCertificate,
} from "./attestation.ts";

interface Options {
  report?: string;
  processorModel?: string;
  endorser: string;
  kds: string;
}

const sleep = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));

export const ask = (url: string): Promise<Uint8Array> =>
  get(url, { fetch: (one) => fetch(one), sleep });

/** The product a report names, or the one the caller names for a report of version 2. */
export function productFor(report: Report, named: string | undefined): Product {
  if (named !== undefined) return productNamed(named);
  if (report.product !== undefined) return report.product;
  throw new Misuse("a report of version 2 does not say its product: pass -p MODEL");
}

function modelOf(model: string | undefined, options: Options): Product {
  if (model !== undefined && options.report === undefined) return productNamed(model);
  if (options.report === undefined || model !== undefined) {
    throw new Misuse("expected either a processor model or --report FILE");
  }
  return productFor(readReport(options.report), undefined);
}

function kindOf(options: Options): Kind {
  const kind = options.endorser.toLowerCase();
  if (kind !== "vcek" && kind !== "vlek") {
    throw new Misuse(`endorser "${options.endorser}", expected vcek or vlek`);
  }
  return kind;
}

async function fetchCa(encoding: string, dir: string, model: string | undefined, options: Options) {
  const as = encodingOf(encoding);
  const kind = kindOf(options);
  const url = certChainUrl(options.kds, kind, modelOf(model, options));
  const bytes = await ask(url);
  const [signer, ark] = reading(url, () => blocksOf(bytes));
  if (signer === undefined || ark === undefined) throw new Misuse(`${url}: expected ASK and ARK`);
  writeCertificate(dir, kind === "vlek" ? "asvk" : "ask", signer, as);
  writeCertificate(dir, "ark", ark, as);
}

/** The certificate for a report's chip and TCB, as the service has it. */
export async function fetchVcekFor(
  report: Report,
  product: Product,
  kds: string,
): Promise<Uint8Array> {
  if (report.chipId.every((byte) => byte === 0)) {
    throw new Misuse("CHIP_ID is zero: MASK_CHIP_ID hides the chip");
  }
  if ((product === "Turin") !== isTurinChipId(report.chipId)) {
    throw new Misuse(`CHIP_ID has not ${product}'s form`);
  }
  return ask(vcekUrl(kds, product, report.chipId, report.reportedTcb));
}

async function fetchVcek(encoding: string, dir: string, path: string, options: Options) {
  const as = encodingOf(encoding);
  const report = readReport(path);
  const product = productFor(report, options.processorModel);
  writeCertificate(dir, "vcek", await fetchVcekFor(report, product, options.kds), as);
}

async function fetchCrl(
  encoding: string,
  dir: string,
  model: string | undefined,
  options: Options,
) {
  const as = encodingOf(encoding);
  const bytes = await ask(crlUrl(options.kds, kindOf(options), modelOf(model, options)));
  writeCertificate(dir, "crl", bytes, as);
}

export function fetchVerb(program: Command): void {
  const verb = program.command("fetch").description("certificates from a key service");
  const common = (name: string, what: string) =>
    verb
      .command(name)
      .description(what)
      .argument("<encoding>", "pem or der")
      .argument("<certs-dir>", "folder to write to")
      .option("--kds <url>", "key service to ask", process.env["CLOISTER_KDS"] ?? KDS);
  const byModel = (name: string, what: string) =>
    common(name, what)
      .argument("[processor-model]", "Milan, Genoa, Bergamo, Siena or Turin")
      .option("-r, --report <file>", "a report that names the product")
      .option("-e, --endorser <kind>", "vcek or vlek", "vcek");
  byModel("ca", "ARK, and ASK or ASVK").action(fetchCa);
  byModel("crl", "the ARK's revocation list").action(fetchCrl);
  common("vcek", "the VCEK of a report's chip at its reported TCB")
    .argument("<att-report>", "report")
    .option("-p, --processor-model <model>", "for a report of version 2")
    .action(fetchVcek);
}
