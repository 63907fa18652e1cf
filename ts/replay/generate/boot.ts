// A storm of exits as at boot: CPUID, MSR and port accesses, timer interrupts and waits, while memory is touched for the first time.
import * as Code from "../../abi/exit.ts";
import * as Records from "../record.ts";
import { CODE, DATA, draw, PAGE, type Pattern, type PatternOptions, push } from "./pattern.ts";

// An invented mix, in parts of 256: no public trace of a boot says otherwise.
const MIX: readonly [number, number][] = [
  [96, Code.VMEXIT_CPUID],
  [160, Code.VMEXIT_MSR],
  [232, Code.VMEXIT_IOIO],
  [250, Code.VMEXIT_INTR],
  [256, Code.VMEXIT_HLT],
];

export function boot({ footprint, seed }: PatternOptions): Pattern {
  const pages = Math.floor(footprint / PAGE);
  let turn = 0;
  return (batch) => {
    const part = draw(seed, turn) & 0xff;
    const code = (MIX.find(([below]) => part < below) as [number, number])[1];
    const page = DATA + (turn % pages) * PAGE;
    for (let i = 0; i < 4; i++) push(batch, Records.FETCH, CODE + 64 * (part & 15) + 4 * i, 4);
    push(batch, Records.EXIT, 0, code);
    push(batch, Records.STORE, page, 8);
    push(batch, Records.LOAD, page + 8 * (part & 63), 8);
    turn++;
  };
}
