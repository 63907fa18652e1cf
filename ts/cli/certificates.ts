// cloister certificates pem|der DIR: a platform's certificates, from an extended report or from a seed.
import type { Command } from "commander";
import { splitExtended } from "../attest/table.ts";
import { BadInput, Misuse } from "../error.ts";
import {
  encodingOf,
  productNamed,
  readBytes,
  reading,
  sayEmulated,
  writeCertificate,
} from "./attestation.ts";

interface Options {
  report?: string;
  state?: string;
  seed: string;
  product: string;
  endorser: string;
}

function fromReport(path: string): [string, Uint8Array][] {
  const { table } = reading(path, () => splitExtended(readBytes(path)));
  if (table.size === 0) throw new BadInput(`${path}: no certificate table behind the report`);
  const vlek = table.has("VLEK");
  const names: Record<string, string> = {
    VCEK: "vcek",
    VLEK: "vlek",
    ASK: vlek ? "asvk" : "ask",
    ARK: "ark",
    CRL: "crl",
  };
  return [...table].flatMap(([name, der]): [string, Uint8Array][] => {
    const file = names[name];
    return file === undefined ? [] : [[file, der]];
  });
}

/** The certificates of the machine that a launch left: those of its seed and part. */
async function fromState(dir: string, options: Options): Promise<[string, Uint8Array][]> {
  const { readState } = await import("./state.ts");
  const { chip, seed } = readState(dir).launch;
  return fromSeed({ ...options, seed: String(seed), product: chip });
}

async function fromSeed(options: Options): Promise<[string, Uint8Array][]> {
  const { makeIdentity } = await import("../attest/evidence/identity.ts");
  const product = productNamed(options.product);
  const identity = await makeIdentity({ seed: options.seed, product, at: Date.now() });
  const { ARK, ASK, ASVK } = identity.authorities;
  sayEmulated(`certificates of ${product} "${options.seed}"`);
  const vlek = options.endorser.toLowerCase() === "vlek";
  return [
    vlek ? ["vlek", identity.vlek.certificate] : ["vcek", identity.vcek.certificate],
    vlek ? ["asvk", ASVK.certificate] : ["ask", ASK.certificate],
    ["ark", ARK.certificate],
    ["crl", identity.crl],
  ];
}

export function certificates(program: Command): void {
  program
    .command("certificates")
    .description("write a platform's certificates to a folder")
    .argument("<encoding>", "pem or der")
    .argument("<certs-dir>")
    .option("-r, --report <file>", "an extended report: take them from its table")
    .option("--state <dir>", "those of the machine that cloister launch left here")
    .option("--seed <text>", "else make them from this seed", "cloister")
    .option("--product <name>", "Milan, Genoa or Turin", "Milan")
    .option("-e, --endorser <kind>", "vcek or vlek", "vcek")
    .action(async (encoding: string, dir: string, options: Options) => {
      const as = encodingOf(encoding);
      const { report } = options;
      const { state } = options;
      if (report !== undefined && state !== undefined)
        throw new Misuse("--report, --state: expected one of them");
      const files =
        report !== undefined
          ? fromReport(report)
          : state !== undefined
            ? await fromState(state, options)
            : await fromSeed(options);
      for (const [name, der] of files) writeCertificate(dir, name, der, as);
    });
}
