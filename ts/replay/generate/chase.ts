// A pointer chase: each load names the next node. The nodes are one line each, visited by an odd step near 0.618 of their number.
import * as Records from "../record.ts";
import { CODE, DATA, type Pattern, type PatternOptions, push } from "./pattern.ts";

const NODE = 64;
const GOLDEN = 0.6180339887498949;

export function chase({ footprint, seed }: PatternOptions): Pattern {
  const nodes = Math.floor(footprint / NODE);
  const step = stepOf(nodes);
  let node = seed % nodes;
  return (batch) => {
    push(batch, Records.FETCH, CODE, 3);
    push(batch, Records.LOAD, DATA + node * NODE, 8);
    push(batch, Records.FETCH, CODE + 3, 3);
    push(batch, Records.FETCH, CODE + 6, 2);
    node = (node + step) % nodes;
  };
}

/** The odd number nearest below 0.618 of the nodes that shares no factor with them: every node is met before one returns. */
export function stepOf(nodes: number): number {
  let step = Math.floor(nodes * GOLDEN) | 1;
  while (step > 1 && common(step, nodes) !== 1) step -= 2;
  return step;
}

function common(a: number, b: number): number {
  return b === 0 ? a : common(b, a % b);
}
