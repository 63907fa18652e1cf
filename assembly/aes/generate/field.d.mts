// Types of field.mjs for the tests.
export function multiply(a: number, b: number): number;
export const INVERSES: number[];
export function affine(x: number): number;
export function unaffine(y: number): number;
