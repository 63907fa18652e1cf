// The instances in which traces are decoded: of the inlined core, or of a module where compiling is forbidden.
import { type Silicon, silicon } from "../../core/silicon.ts";
import type { CoreModule } from "../../structural.ts";

/** Bytes of linear memory of each. */
export const MEMORY: number = 64 * 0x100000;

let given: CoreModule | undefined;

/** What instances are made of from now on. */
export function decodeWith(module: CoreModule): void {
  given = module;
}

/** A new instance, with nothing in it. */
export function decoding(): Silicon {
  return silicon(MEMORY, given);
}
