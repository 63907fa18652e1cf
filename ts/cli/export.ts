// cloister export FILE: the platform's certificate chain in one file, as the field guide types `sevctl export`.
import type { Command } from "commander";
import { pem } from "../attest/pem.ts";
import { dialectOf, productNamed, sayEmulated, writeBytes } from "./attestation.ts";

interface Options {
  seed: string;
  product: string;
  full?: boolean;
  dialect: string;
}

export function exportVerb(program: Command): void {
  program
    .command("export")
    .description("write the platform's certificate chain, endorsement key first, in PEM")
    .argument("<file>")
    .option("-f, --full", "also VLEK and ASVK")
    .option("--seed <text>", "the platform", "cloister")
    .option("--product <name>", "Milan, Genoa or Turin", "Milan")
    .option("--dialect <name>", "abi or field-guide: its chain", "abi")
    .action(async (file: string, { seed, product, full, dialect }: Options) => {
      if (dialectOf(dialect) === "field-guide") {
        const { makeGuideChain } = await import("../attest/guide/certify.ts");
        const made = await makeGuideChain({ seed, product: productNamed(product), at: Date.now() });
        const files = [made.SP, made.PCERT, made.ASK, made.ARK];
        writeBytes(file, files.map((der) => pem("CERTIFICATE", der)).join(""));
        sayEmulated(file);
        return;
      }
      const { makeIdentity } = await import("../attest/evidence/identity.ts");
      const identity = await makeIdentity({ seed, product: productNamed(product), at: Date.now() });
      const { ARK, ASK, ASVK } = identity.authorities;
      const chain = [identity.vcek.certificate, ASK.certificate, ARK.certificate];
      const loaded = full ? [identity.vlek.certificate, ASVK.certificate] : [];
      writeBytes(file, [...chain, ...loaded].map((der) => pem("CERTIFICATE", der)).join(""));
      sayEmulated(file);
    });
}
