// TCB_VERSION, a byte for each component; Turin has another order and a component more. AMD 56860, 2.2.
import { Misuse } from "../error.ts";
import { Refusal } from "./code.ts";
import type { Product } from "./product.ts";

/** Security patch levels. `fmc` exists on Turin only. */
export interface Tcb {
  readonly fmc?: number;
  readonly bootloader: number;
  readonly tee: number;
  readonly snp: number;
  readonly microcode: number;
}

type Component = keyof Tcb;

const zen3: (Component | undefined)[] = [
  "bootloader",
  "tee",
  undefined,
  undefined,
  undefined,
  undefined,
  "snp",
  "microcode",
];

const turin: (Component | undefined)[] = [
  "fmc",
  "bootloader",
  "tee",
  "snp",
  undefined,
  undefined,
  undefined,
  "microcode",
];

/** The components of a TCB_VERSION from its lowest byte up; undefined is reserved. */
export const tcbForm = (product: Product): readonly (Component | undefined)[] =>
  product === "Turin" ? turin : zen3;

export function parseTcb(word: bigint, product: Product): Tcb {
  const tcb: Record<string, number> = {};
  tcbForm(product).forEach((component, i) => {
    const byte = Number((word >> BigInt(8 * i)) & 0xffn);
    if (component !== undefined) tcb[component] = byte;
  });
  return tcb as unknown as Tcb;
}

export function composeTcb(tcb: Tcb, product: Product): bigint {
  let word = 0n;
  tcbForm(product).forEach((component, i) => {
    const level = component === undefined ? 0 : (tcb[component] ?? 0);
    if (!Number.isInteger(level) || level < 0 || level > 255) {
      throw new Misuse(`TCB ${component}: ${level}, expected 0 to 255`);
    }
    word |= BigInt(level) << BigInt(8 * i);
  });
  return word;
}

/** Refuses a word whose reserved bytes are not zero. */
export function requireTcbForm(name: string, word: bigint, product: Product): void {
  tcbForm(product).forEach((component, i) => {
    const byte = Number((word >> BigInt(8 * i)) & 0xffn);
    if (component === undefined && byte !== 0) {
      throw new Refusal("TCB_RESERVED", `${name} byte ${i} is ${byte}, expected 0 on ${product}`);
    }
  });
}

/** True when no component of `a` is above that of `b`. */
export function atMost(a: Tcb, b: Tcb): boolean {
  return (
    (a.fmc ?? 0) <= (b.fmc ?? 0) &&
    a.bootloader <= b.bootloader &&
    a.tee <= b.tee &&
    a.snp <= b.snp &&
    a.microcode <= b.microcode
  );
}

export function tcbText(tcb: Tcb): string {
  const fmc = tcb.fmc === undefined ? "" : `fmc ${tcb.fmc} `;
  return `${fmc}bl ${tcb.bootloader} tee ${tcb.tee} snp ${tcb.snp} ucode ${tcb.microcode}`;
}
