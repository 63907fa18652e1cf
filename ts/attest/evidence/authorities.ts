// Cloister's own ARK, ASK and ASVK of each product, as they ship. No certificate library is loaded for them.
import { unbase64 } from "../bytes.ts";
import type { Product } from "../product.ts";
import { genoa } from "./roots/genoa.ts";
import { milan } from "./roots/milan.ts";
import type { Root } from "./roots/root.ts";
import { turin } from "./roots/turin.ts";

/** A certificate and the key it certifies, PKCS #8. */
export interface Authority {
  readonly certificate: Uint8Array;
  readonly privateKey: Uint8Array;
}

export type AuthorityRole = "ARK" | "ASK" | "ASVK";

const roots: Record<Product, Root> = { Milan: milan, Genoa: genoa, Turin: turin };

/** The product's own authorities: emulator only, keys published with the package. */
export function authoritiesOf(product: Product): Record<AuthorityRole, Authority> {
  const read = (role: AuthorityRole): Authority => ({
    certificate: unbase64(roots[product][role].certificate) as Uint8Array,
    privateKey: unbase64(roots[product][role].privateKey) as Uint8Array,
  });
  return { ARK: read("ARK"), ASK: read("ASK"), ASVK: read("ASVK") };
}
