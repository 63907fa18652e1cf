// The guests that losses are tried on: programs before paging, whose every byte is private.
import type { Cpu, Program, Step } from "../../guest/cpu.ts";
import type { Image } from "../../world.ts";

/** Where a guest keeps what it has. Before paging a gva is the gpa. */
export const DATA = 0x10000n;
export const ENTRY = 0xffff_fff0n;

/** A guest of one program, and programs at other addresses. */
export function imageOf(program: Program, others: [bigint, Program][] = []): Image {
  return { entry: ENTRY, code: new Map([[ENTRY, program], ...others]) };
}

/** PVALIDATE, where pages must be accepted. */
export function* accept(cpu: Cpu, gva: bigint): Step {
  if (cpu.features.snp) yield* cpu.pvalidate(gva, false, true);
}
