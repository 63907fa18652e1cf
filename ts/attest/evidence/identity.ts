// A platform's identity from a seed: chip, VCEK, VLEK, and certificates under Cloister's own roots. DESIGN.md, section 6.
import { p384 } from "@noble/curves/nist.js";
import type { Product } from "../product.ts";
import { composeTcb, type Tcb } from "../tcb.ts";
import { type Authority, type AuthorityRole, authoritiesOf } from "./authorities.ts";
import { certifyCrl, certifyEndorsement, type EndorsementRequest } from "./certify.ts";
import { chipIdOf, chipSecretsOf, defaultTcb, hashSticksOf, vcekOf, vlekOf } from "./secret.ts";

export interface IdentityOptions {
  /** Equal seeds give equal chips, keys and reports; certificates carry random salts and differ. */
  readonly seed: string;
  readonly product: Product;
  /** REPORTED_TCB, for which the VCEK is derived and certified. */
  readonly tcb?: Tcb;
  /** Certificates are valid from the day before. Milliseconds since 1970. */
  readonly at: number;
  readonly cspId?: string;
}

export interface Identity {
  readonly seed: string;
  readonly product: Product;
  readonly tcb: Tcb;
  readonly at: number;
  readonly cspId: string;
  /** 64 bytes; on Turin the last 56 are zero. */
  readonly chipId: Uint8Array;
  readonly authorities: Readonly<Record<AuthorityRole, Authority>>;
  readonly vcek: Endorser;
  readonly vlek: Endorser;
  /** The ARK's list, with nothing on it. */
  readonly crl: Uint8Array;
}

/** A key that signs reports, and its certificate. */
export interface Endorser {
  readonly secretKey: Uint8Array;
  /** X and Y, 96 bytes. */
  readonly point: Uint8Array;
  readonly certificate: Uint8Array;
}

const DAY = 86_400_000;
const YEAR = 365 * DAY;

/** The key by which a chip with this seed signs: ts/psp/keys.ts comes to the same. */
function keyOf(
  kind: "VCEK" | "VLEK",
  { seed, product, cspId, tcb }: Pick<Identity, "seed" | "product" | "cspId" | "tcb">,
): Omit<Endorser, "certificate"> {
  const word = composeTcb(tcb, product);
  const secretKey =
    kind === "VCEK"
      ? vcekOf(chipSecretsOf(seed, product).vcekSeed, word)
      : vlekOf(hashSticksOf(seed, product, cspId, word), word, word);
  return { secretKey, point: p384.getPublicKey(secretKey, false).slice(1) };
}

/** The chip's VCEK, or the provider's VLEK, for one TCB. */
export async function endorserOf(
  kind: "VCEK" | "VLEK",
  of: Pick<Identity, "seed" | "product" | "chipId" | "cspId" | "tcb" | "at">,
  change: Partial<EndorsementRequest> = {},
): Promise<Endorser> {
  const { product, tcb, chipId, cspId, at } = of;
  const key = keyOf(kind, of);
  const notBefore = at - DAY;
  const certificate = await certifyEndorsement({
    kind,
    product,
    tcb,
    chipId,
    cspId,
    point: key.point,
    signer: authoritiesOf(product)[kind === "VCEK" ? "ASK" : "ASVK"],
    notBefore,
    notAfter: notBefore + (kind === "VCEK" ? 7 : 1) * YEAR,
    ...change,
  });
  return { ...key, certificate };
}

/** The ARK's list, valid for a year from the day before `at`. */
export function crlOf(
  product: Product,
  at: number,
  revoked: readonly string[],
): Promise<Uint8Array> {
  const signer = authoritiesOf(product).ARK;
  return certifyCrl({ product, signer, revoked, thisUpdate: at - DAY, nextUpdate: at + YEAR });
}

/** Everything a platform has to show for itself. */
export async function makeIdentity(options: IdentityOptions): Promise<Identity> {
  const { seed, product, at } = options;
  const base = {
    seed,
    product,
    at,
    tcb: options.tcb ?? defaultTcb[product],
    cspId: options.cspId ?? "CN=cloister.invalid",
    chipId: chipIdOf(seed, product),
  };
  const [vcek, vlek, crl] = await Promise.all([
    endorserOf("VCEK", base),
    endorserOf("VLEK", base),
    crlOf(product, at, []),
  ]);
  return { ...base, authorities: authoritiesOf(product), vcek, vlek, crl };
}
