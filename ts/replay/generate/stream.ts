// STREAM's triad, a[i] = b[i] + s * c[i]: three arrays that share the footprint, gone through in order again and again.
import * as Records from "../record.ts";
import { CODE, DATA, type Pattern, type PatternOptions, push } from "./pattern.ts";

const WORD = 8;

export function stream({ footprint }: PatternOptions): Pattern {
  const length = Math.floor(footprint / 3 / 64) * 64;
  const [a, b, c] = [DATA, DATA + length, DATA + 2 * length];
  let at = 0;
  // movsd, mulsd, addsd, movsd, add, cmp and jne: six fetches and three accesses.
  return (batch) => {
    push(batch, Records.FETCH, CODE, 5);
    push(batch, Records.LOAD, c + at, WORD);
    push(batch, Records.FETCH, CODE + 5, 4);
    push(batch, Records.FETCH, CODE + 9, 6);
    push(batch, Records.LOAD, b + at, WORD);
    push(batch, Records.FETCH, CODE + 15, 5);
    push(batch, Records.STORE, a + at, WORD);
    push(batch, Records.FETCH, CODE + 20, 4);
    push(batch, Records.FETCH, CODE + 24, 5);
    at = at + WORD === length ? 0 : at + WORD;
  };
}
