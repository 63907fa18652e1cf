// Types of circuit.mjs for the tests.
export type Gate = [out: string, a: string, op: string, b: string];
export const FORWARD: Gate[];
export const INVERSE: Gate[];
export function substitute(circuit: Gate[], byte: number): number;
