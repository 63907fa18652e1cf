// Which part a report, certificate or name means. AMD 57230 (KDS names); CPUID Fn0000_0001 families and models.
import { isZero } from "./bytes.ts";

export type Product = "Milan" | "Genoa" | "Turin";

export const products: readonly Product[] = ["Milan", "Genoa", "Turin"];

/** CPUID family, model and stepping as a report of version 3 or later carries them. */
export interface Cpuid {
  readonly family: number;
  readonly model: number;
  readonly stepping: number;
}

const models: [number, number, number, Product][] = [
  [0x19, 0x00, 0x0f, "Milan"],
  [0x19, 0x10, 0x1f, "Genoa"],
  [0x19, 0xa0, 0xaf, "Genoa"], // Bergamo, Siena
  [0x1a, 0x00, 0x11, "Turin"],
];

export function productOfCpuid(family: number, model: number): Product | undefined {
  return models.find(([f, low, high]) => f === family && low <= model && model <= high)?.[3];
}

/** The part of a name that users and KDS know: Bergamo and Siena are Genoa to the key service. */
export function productOfName(name: string): Product | undefined {
  const plain = name.toLowerCase();
  if (plain === "bergamo" || plain === "siena") return "Genoa";
  return products.find((product) => product.toLowerCase() === plain);
}

/** productName1 of a certificate: "Milan-B0", "Genoa-B1", and plain "Turin" or a VLEK's "Milan". */
export function productOfExtension(name: string): Product | undefined {
  const [line, stepping, ...rest] = name.split("-");
  if (rest.length > 0 || (stepping !== undefined && !/^[A-Z][0-9]$/.test(stepping))) {
    return undefined;
  }
  return products.find((product) => product === line);
}

/** Bytes of CHIP_ID that mean something; the rest of the field is zero. */
export const chipIdBytes = (product: Product): number => (product === "Turin" ? 8 : 64);

/** A report of version 2 says no family: only Turin leaves the last 56 bytes of CHIP_ID zero. */
export function isTurinChipId(chipId: Uint8Array): boolean {
  return isZero(chipId.subarray(8)) && !isZero(chipId);
}
