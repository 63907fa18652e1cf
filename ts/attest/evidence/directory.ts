// The whole bench as files: every product, version and signer as good evidence, every fault, and a manifest.
import type { Code } from "../code.ts";
import { pem } from "../pem.ts";
import { type Product, products } from "../product.ts";
import { authoritiesOf } from "./authorities.ts";
import { faults, makeFault } from "./fault.ts";
import { crlOf, type Identity, makeIdentity } from "./identity.ts";
import { extended, goodParts } from "./parts.ts";

/** One file of the manifest. */
export interface Entry {
  readonly file: string;
  readonly product: Product;
  readonly verdict: "accepted" | "refused";
  readonly code?: Code;
  /** Where it is refused: `verify` by anyone, `validate` by the manifest's policy. */
  readonly stage?: "verify" | "validate";
  readonly why: string;
}

export interface Manifest {
  readonly emulated: string;
  readonly seed: string;
  /** The moment at which the verdicts hold, ISO 8601. */
  readonly at: string;
  readonly policy: string;
  /** By product: a PEM file of ASK, ASVK and ARK. */
  readonly roots: Record<string, string>;
  readonly cases: readonly Entry[];
}

export interface File {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** As KDS's cert_chain: the ASK or ASVK, then the ARK. */
export function certChain(product: Product, kind: "vcek" | "vlek"): string {
  const { ASK, ASVK, ARK } = authoritiesOf(product);
  const signer = kind === "vcek" ? ASK : ASVK;
  return pem("CERTIFICATE", signer.certificate) + pem("CERTIFICATE", ARK.certificate);
}

async function* casesOf(identity: Identity): AsyncGenerator<Entry & { bytes: Uint8Array }> {
  const { product } = identity;
  for (const version of [2, 3, 4, 5]) {
    for (const signingKey of ["VCEK", "VLEK"] as const) {
      const file = `${product}-v${version}-${signingKey}.bin`.toLowerCase();
      const why = `a good report of version ${version}, signed with the ${signingKey}`;
      const bytes = extended(goodParts(identity, { version, signingKey }));
      yield { file, product, verdict: "accepted", why, bytes };
    }
  }
  for (const fault of faults) {
    const { code, stage, why } = fault;
    const file = `${product.toLowerCase()}-${fault.name}.bin`;
    const bytes = await makeFault(fault, identity);
    yield { file, product, verdict: "refused", code, stage, why, bytes };
  }
}

async function* rootsOf(product: Product, at: number): AsyncGenerator<File> {
  const text = (name: string, content: string) => ({
    name: `roots/${product.toLowerCase()}${name}`,
    bytes: new TextEncoder().encode(content),
  });
  const { ARK } = authoritiesOf(product);
  yield text("-vcek.pem", certChain(product, "vcek"));
  yield text("-vlek.pem", certChain(product, "vlek"));
  yield text("-ark.pem", pem("CERTIFICATE", ARK.certificate));
  yield text("-crl.pem", pem("X509 CRL", await crlOf(product, at, [])));
}

/** Every file, the manifest last. */
export async function* evidenceDirectory(seed: string, at: number): AsyncGenerator<File> {
  const cases: Entry[] = [];
  for (const product of products) {
    const identity = await makeIdentity({ seed, product, at });
    for await (const { bytes, ...entry } of casesOf(identity)) {
      cases.push(entry);
      yield { name: entry.file, bytes };
    }
    yield* rootsOf(product, at);
  }
  const manifest: Manifest = {
    emulated: "Made by Cloister under its own keys, which are published. Not AMD's.",
    seed,
    at: new Date(at).toISOString(),
    policy: "guest policy at most 0x30000, VMPL 0, committed firmware, no migration agent",
    roots: Object.fromEntries(
      products.map((product) => [product, `roots/${product.toLowerCase()}-ark.pem`]),
    ),
    cases,
  };
  const text = `${JSON.stringify(manifest, null, 2)}\n`;
  yield { name: "manifest.json", bytes: new TextEncoder().encode(text) };
}
