// Traces of DRAM simulators: a physical address and a direction on each line. One line of memory is moved whole.

import type { Batch } from "../record.ts";
import * as Records from "../record.ts";
import { access, type Fault, type Grammar, shown } from "./lines.ts";

/** What a DRAM simulator moves at a time. */
export const LINE = 64;

// DRAMsim3 and DRAMSim2, README: "0x12345680 READ 33", address, operation, cycle.
const DRAMSIM = /^\s*(\S+)\s+(\w+)\s+(\d+)\s*$/;
const OPERATIONS: ReadonlyMap<string, Records.Kind> = new Map([
  ["READ", Records.LOAD],
  ["WRITE", Records.STORE],
  ["P_MEM_RD", Records.LOAD],
  ["P_MEM_WR", Records.STORE],
  ["P_FETCH", Records.FETCH],
  ["BOFF", Records.STORE],
]);

export const dramsim3: Grammar = {
  format: "dramsim3",
  line(text, out) {
    if (isRemark(text)) return undefined;
    const [, digits, operation, cycle] = DRAMSIM.exec(text) ?? [];
    if (!digits || !operation || !cycle)
      return { at: 0, seen: shown(text), expected: '"0xADDRESS READ|WRITE CYCLE"' };
    const kind = OPERATIONS.get(operation.toUpperCase());
    if (kind === undefined)
      return { at: text.indexOf(operation), seen: shown(operation), expected: "READ or WRITE" };
    return access(out, kind, digits, LINE, { at: text.indexOf(digits), line: LINE });
  },
};

// Ramulator, README: memory traces "0x12345680 R", CPU traces "3 20734016 [20734016]": instructions before it, a read, a write back.
// Ramulator 2 has "LD 0x..." and "ST 0x..." as well.
const MEMORY = /^\s*(\S+)\s+([RW])\s*$/i;
const LOAD_STORE = /^\s*(LD|ST)\s+(\S+)\s*$/i;
const CPU = /^\s*(\d+)\s+(\S+)(?:\s+(\S+))?\s*$/;

export const ramulator: Grammar = {
  format: "ramulator",
  line(text, out) {
    if (isRemark(text)) return undefined;
    const memory = MEMORY.exec(text);
    if (memory) return move(out, text, memory[1]!, memory[2]!.toUpperCase() === "W");
    const pair = LOAD_STORE.exec(text);
    if (pair) return move(out, text, pair[2]!, pair[1]!.toUpperCase() === "ST");
    const cpu = CPU.exec(text);
    if (!cpu)
      return {
        at: 0,
        seen: shown(text),
        expected: '"0xADDRESS R|W", "LD|ST ADDRESS" or "COUNT ADDRESS [ADDRESS]"',
      };
    const fault = move(out, text, cpu[2]!, false);
    return fault ?? (cpu[3] ? move(out, text, cpu[3], true) : undefined);
  },
};

function move(out: Batch, text: string, digits: string, write: boolean): Fault | undefined {
  const kind = write ? Records.STORE : Records.LOAD;
  const at = text.lastIndexOf(digits);
  return access(out, kind, digits, LINE, { at, decimal: true, line: LINE });
}

function isRemark(text: string): boolean {
  return text.trim() === "" || text.startsWith("#");
}
