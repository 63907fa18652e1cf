// A storm of page state changes: pages shared, written, taken back and written again, in an order that the seed decides.
import * as Records from "../record.ts";
import { CODE, DATA, draw, PAGE, type Pattern, type PatternOptions, push } from "./pattern.ts";

export function psc({ footprint, seed }: PatternOptions): Pattern {
  const pages = Math.floor(footprint / PAGE);
  let turn = 0;
  return (batch) => {
    const page = DATA + (draw(seed, turn++) % pages) * PAGE;
    push(batch, Records.FETCH, CODE, 4);
    push(batch, Records.PAGE_SHARE, page, PAGE);
    push(batch, Records.STORE, page + 64 * (turn % 64), 8);
    push(batch, Records.LOAD, page, 8);
    push(batch, Records.PAGE_PRIVATE, page, PAGE);
    push(batch, Records.MODIFY, page + 8, 8);
  };
}
