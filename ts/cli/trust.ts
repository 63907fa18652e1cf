// Roots, clock and list for the verbs that verify. The package trusts nobody by itself. DESIGN.md, section 6.
import type { Command } from "commander";
import { unbase64 } from "../attest/bytes.ts";
import type { ChainOptions } from "../attest/chain.ts";
import { authoritiesOf } from "../attest/evidence/authorities.ts";
import { guideRoot } from "../attest/guide/root.ts";
import { products } from "../attest/product.ts";
import { Misuse } from "../error.ts";
import { readBytes } from "./attestation.ts";

export interface TrustFlags {
  root?: string[];
  emulated?: boolean;
  at?: string;
  requireCrl?: boolean;
}

const collect = (value: string, before: string[] | undefined) => [...(before ?? []), value];

export function trustFlags(verb: Command): Command {
  return verb
    .option("--root <file>", "an ARK to trust: DER, PEM, cert_chain or ask_ark.cert", collect)
    .option(
      "--emulated",
      "trust Cloister's own roots: whoever has this package can sign under them",
    )
    .option("--at <date>", "judge at this moment, ISO 8601; default now")
    .option("--require-crl", "refuse without a revocation list");
}

export const emulatedRoots = (): Uint8Array[] =>
  products.map((product) => authoritiesOf(product).ARK.certificate);

/** The ARK of the field guide's chain. */
export const guideArk = (): Uint8Array => unbase64(guideRoot.arkCertificate) as Uint8Array;

export function chainOptions(flags: TrustFlags): ChainOptions {
  const now = flags.at === undefined ? Date.now() : Date.parse(flags.at);
  if (Number.isNaN(now)) throw new Misuse(`--at: "${flags.at}", expected a date, ISO 8601`);
  const files = (flags.root ?? []).map(readBytes);
  const roots = flags.emulated ? [...files, ...emulatedRoots()] : files;
  return { roots, now, ...(flags.requireCrl && { requireCrl: true }) };
}
