// Faults in the chain, the endorsement certificate and the revocation list. AMD 57230, 3.
import { concat } from "../bytes.ts";
import type { Code } from "../code.ts";
import { type Authority, authoritiesOf } from "./authorities.ts";
import {
  type AmdExtension,
  certifyAuthority,
  certifyCrl,
  type EndorsementRequest,
  ia5,
  importSigner,
  integer,
  serialOf,
} from "./certify.ts";
import type { Bench, Fault } from "./fault.ts";
import { crlOf, endorserOf } from "./identity.ts";
import type { Parts } from "./parts.ts";

const DAY = 86_400_000;

/** Flips one bit in the last byte: for every certificate and list, that is its signature. */
function scratched(der: Uint8Array): Uint8Array {
  const bytes = Uint8Array.from(der);
  bytes[bytes.length - 1] = (bytes[bytes.length - 1] as number) ^ 1;
  return bytes;
}

/** Good evidence with another VCEK over the same key. */
async function recertified(bench: Bench, change: Partial<EndorsementRequest>): Promise<Parts> {
  const { certificate } = await endorserOf("VCEK", bench.identity, change);
  return { ...bench.good(), vek: certificate };
}

function vcekFault(
  name: string,
  code: Code,
  why: string,
  change: (bench: Bench) => Partial<EndorsementRequest>,
): Fault {
  return {
    name,
    code,
    stage: "verify",
    why,
    make: (bench) => recertified(bench, change(bench)),
  };
}

const without = (arcs: string) => (extensions: AmdExtension[]) =>
  extensions.filter(([one]) => one !== arcs);

const replaced =
  (arcs: string, value: Uint8Array) =>
  (extensions: AmdExtension[]): AmdExtension[] =>
    extensions.map((one) => (one[0] === arcs ? [arcs, value] : one));

/** ARK and ASK with AMD's names under keys that no root knows: this product's ASVK key plays both. */
async function rogue(bench: Bench): Promise<Parts> {
  const { product, at } = bench.identity;
  const { privateKey } = authoritiesOf(product).ASVK;
  const key = await importSigner(privateKey);
  const notBefore = at - DAY;
  const request = { product, key, signer: key, notBefore, notAfter: notBefore + 9000 * DAY };
  const certify = async (role: "ARK" | "ASK"): Promise<Authority> => ({
    certificate: await certifyAuthority({ ...request, role }),
    privateKey,
  });
  const [ark, ask] = await Promise.all([certify("ARK"), certify("ASK")]);
  const parts = await recertified(bench, { signer: ask });
  const list = { product, signer: ark, thisUpdate: notBefore, nextUpdate: at + DAY, revoked: [] };
  return {
    ...parts,
    ark: ark.certificate,
    ask: ask.certificate,
    crl: await certifyCrl(list),
  };
}

const chain: Fault[] = [
  {
    name: "wrong-root",
    code: "ROOT_UNTRUSTED",
    stage: "verify",
    why: "the whole chain is consistent, under an ARK that is not the one given as root",
    make: rogue,
  },
  {
    name: "swapped-chain",
    code: "CHAIN_ISSUER",
    stage: "verify",
    why: "ASK and ARK are another product's",
    make: async (bench) => {
      const other = authoritiesOf(bench.identity.product === "Genoa" ? "Milan" : "Genoa");
      const [ask, ark] = [other.ASK.certificate, other.ARK.certificate];
      return { ...bench.good(), ask, ark };
    },
  },
  {
    name: "swapped-order",
    code: "CERTIFICATE_PROFILE",
    stage: "verify",
    why: "the ARK stands where the ASK belongs, and the ASK where the ARK belongs",
    make: (bench) => {
      const parts = bench.good();
      return { ...parts, ask: parts.ark, ark: parts.ask };
    },
  },
  {
    name: "asvk-for-ask",
    code: "CERTIFICATE_PROFILE",
    stage: "verify",
    why: "the VLEK's signer stands where the VCEK's belongs",
    make: (bench) => ({ ...bench.good(), ask: bench.identity.authorities.ASVK.certificate }),
  },
  {
    name: "bad-ark-signature",
    code: "ARK_SIGNATURE",
    stage: "verify",
    why: "the last bit of the ARK's signature is wrong",
    make: (bench) => ({ ...bench.good(), ark: scratched(bench.good().ark) }),
  },
  {
    name: "bad-ask-signature",
    code: "ASK_SIGNATURE",
    stage: "verify",
    why: "the last bit of the ASK's signature is wrong",
    make: (bench) => ({ ...bench.good(), ask: scratched(bench.good().ask) }),
  },
  {
    name: "bad-vcek-signature",
    code: "VEK_SIGNATURE",
    stage: "verify",
    why: "the last bit of the VCEK certificate's signature is wrong",
    make: (bench) => ({ ...bench.good(), vek: scratched(bench.good().vek) }),
  },
  {
    name: "other-chips-vcek",
    code: "REPORT_SIGNATURE",
    stage: "verify",
    why: "the VCEK certificate is another chip's",
    make: async (bench) => {
      const stranger = { ...bench.identity, seed: `${bench.identity.seed}, another` };
      const { certificate } = await endorserOf("VCEK", stranger);
      return { ...bench.good(), vek: certificate };
    },
  },
  {
    name: "truncated-vcek",
    code: "CERTIFICATE_MALFORMED",
    stage: "verify",
    why: "the VCEK certificate has lost its last 100 bytes",
    make: (bench) => ({ ...bench.good(), vek: bench.good().vek.subarray(0, -100) }),
  },
  {
    name: "trailing-vcek",
    code: "CERTIFICATE_MALFORMED",
    stage: "verify",
    why: "a byte follows the VCEK certificate",
    make: (bench) => ({ ...bench.good(), vek: concat(bench.good().vek, Uint8Array.of(0)) }),
  },
];

const endorsement: Fault[] = [
  vcekFault("expired", "CERTIFICATE_EXPIRED", "the VCEK expired a day ago", ({ identity }) => ({
    notBefore: identity.at - 2557 * DAY,
    notAfter: identity.at - DAY,
  })),
  vcekFault(
    "not-yet-valid",
    "CERTIFICATE_NOT_YET_VALID",
    "the VCEK is valid from tomorrow",
    ({ identity }) => ({ notBefore: identity.at + DAY, notAfter: identity.at + 2557 * DAY }),
  ),
  vcekFault("extension-missing", "EXTENSION_MISSING", "snpSPL is missing", () => ({
    alter: without("3.3"),
  })),
  vcekFault("extension-twice", "EXTENSION_MALFORMED", "teeSPL occurs twice", () => ({
    alter: (extensions) => [...extensions, ["3.2", integer(0)]],
  })),
  vcekFault(
    "extension-unknown",
    "EXTENSION_UNKNOWN",
    "an extension .1.9 that AMD's have not",
    () => ({
      alter: (extensions) => [...extensions, ["9", integer(0)]],
    }),
  ),
  vcekFault("extension-type", "EXTENSION_MALFORMED", "blSPL is text", () => ({
    alter: replaced("3.1", ia5("4")),
  })),
  vcekFault("csp-id-in-vcek", "EXTENSION_UNKNOWN", "a VCEK with a provider's name", () => ({
    alter: (extensions) => [...extensions, ["5", ia5("CN=cloister.invalid")]],
  })),
  vcekFault("hwid-short", "EXTENSION_MALFORMED", "HWID has 7 bytes", () => ({
    alter: replaced("4", new Uint8Array(7).fill(7)),
  })),
  vcekFault("tcb-over-127", "EXTENSION_MALFORMED", "snpSPL is 200, over 127", () => ({
    alter: replaced("3.3", integer(200)),
  })),
  vcekFault("product-name", "EXTENSION_MALFORMED", "productName1 is Venice-A0", () => ({
    productName: "Venice-A0",
  })),
];

function crlFault(
  name: string,
  code: Code,
  why: string,
  crl: (bench: Bench) => Promise<Uint8Array>,
): Fault {
  const make = async (bench: Bench) => ({ ...bench.good(), crl: await crl(bench) });
  return { name, code, stage: "verify", why, make };
}

const lists: Fault[] = [
  crlFault("revoked", "REVOKED", "the ASK is on the ARK's list", ({ identity }) =>
    crlOf(identity.product, identity.at, [serialOf("ASK", identity.product)]),
  ),
  crlFault("crl-expired", "CRL_EXPIRED", "the list's next update has passed", ({ identity }) =>
    crlOf(identity.product, identity.at - 400 * DAY, []),
  ),
  crlFault("crl-not-yet-valid", "CRL_NOT_YET_VALID", "the list is from next week", ({ identity }) =>
    crlOf(identity.product, identity.at + 8 * DAY, []),
  ),
  crlFault("crl-bad-signature", "CRL_SIGNATURE", "the list's last bit is wrong", async (bench) =>
    scratched(bench.identity.crl),
  ),
  crlFault("crl-issuer", "CRL_ISSUER", "the list is another product's", ({ identity }) =>
    crlOf(identity.product === "Genoa" ? "Milan" : "Genoa", identity.at, []),
  ),
  crlFault("crl-malformed", "CRL_MALFORMED", "the list has lost its end", async (bench) =>
    bench.identity.crl.subarray(0, -9),
  ),
];

export const certificateFaults: readonly Fault[] = [...chain, ...endorsement, ...lists];
