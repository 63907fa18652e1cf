// The constants of a run: a part's table and the costs of events, with what a file overrides. `cloister costs` prints them.
import type { ChipName } from "../../chip/chip.ts";
import { type MemoryTable, memoryOf, memoryRows } from "../../chip/memory.ts";
import { BadInput } from "../../error.ts";
import { type EventCosts, eventCosts, eventRows } from "./events.ts";

export type Costs = MemoryTable & EventCosts;
export type CostKey = keyof Costs;

/** One constant as it is printed. */
export interface CostRow {
  key: CostKey;
  value: number;
  unit: string;
  source: string;
  assumption: boolean;
}

// What divides, or sizes a table, cannot be 0; what sizes a table must be whole.
const MAY_BE_ZERO = new Set<string>(["ns", "ratio", "0 page, 1 all", "0 no, 1 yes"]);
const WHOLE = new Set<string>(["B", "ways", "entries"]);
const LARGEST = 2 ** 40;

/** Whether 0 means something for a constant of this unit, and whether it must be whole. */
export const mayBeZero = (unit: string): boolean => MAY_BE_ZERO.has(unit);
export const isWhole = (unit: string): boolean => WHOLE.has(unit);

const unitOf = (key: CostKey): string =>
  (key in memoryRows
    ? memoryRows[key as keyof MemoryTable]
    : eventRows[key as keyof EventCosts])[0];

/** The constants of a part, some of them overridden. */
export function costsOf(chip: ChipName, overrides: Partial<Costs> = {}): Costs {
  const costs = { ...memoryOf(chip), ...eventCosts(), ...overrides };
  checkGeometry(costs);
  return costs;
}

/** Every constant of a part with its unit and source. */
export function costRows(chip: ChipName, overrides: Partial<Costs> = {}): CostRow[] {
  const costs = costsOf(chip, overrides);
  const rows = Object.entries({ ...memoryRows, ...eventRows });
  return rows.map(([name, [unit, , said]]) => {
    const key = name as CostKey;
    const source = key in overrides ? "overridden" : said;
    return { key, value: costs[key], unit, source, assumption: source.includes("assum") };
  });
}

/** Reads overrides: a flat JSON object, docs/costs.schema.json. `where` names the file in errors. */
export function readCosts(text: string, where: string): Partial<Costs> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw new BadInput(`${where}: not JSON (${(error as Error).message})`);
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
    throw new BadInput(
      `${where}: expected an object of costs, as \`cloister costs --json\` prints`,
    );
  }
  const overrides: Partial<Costs> = {};
  for (const [key, value] of Object.entries(parsed)) {
    if (key === "$schema") continue;
    overrides[checkKey(key, where)] = checkValue(key as CostKey, value, where);
  }
  return overrides;
}

function checkKey(key: string, where: string): CostKey {
  if (Object.hasOwn(memoryRows, key) || Object.hasOwn(eventRows, key)) return key as CostKey;
  throw new BadInput(`${where}: "${key}" is no cost; \`cloister costs\` lists those there are`);
}

function checkValue(key: CostKey, value: unknown, where: string): number {
  const unit = unitOf(key);
  const seen = `${where}: ${key}: ${JSON.stringify(value)}`;
  if (typeof value !== "number") throw new BadInput(`${seen}, expected a number (${unit})`);
  if (value < 0) throw new BadInput(`${seen}, expected 0 or more (${unit})`);
  if (value === 0 && !mayBeZero(unit))
    throw new BadInput(`${seen}, expected more than 0 (${unit})`);
  if (value > LARGEST) throw new BadInput(`${seen}, expected at most 2^40 (${unit})`);
  if (isWhole(unit) && !Number.isInteger(value)) {
    throw new BadInput(`${seen}, expected a whole number (${unit})`);
  }
  return value;
}

/** A table of tags: as many sets as a power of two. */
export interface Geometry {
  sets: number;
  ways: number;
}

const LINE = 64;
const MOST_ENTRIES = 2 ** 21;

/** The tables that a part's constants describe. Of the L3, a VM has what those that share it leave. */
export function geometriesOf(costs: Costs, vms = 1): Record<string, Geometry> {
  const sharing = Math.ceil(vms / costs.l3Complexes);
  const l3 = cache("l3", costs.l3Bytes, costs.l3Ways);
  return {
    ITLB1: table("itlb1", costs.itlb1Entries, costs.itlb1Entries),
    ITLB2: table("itlb2", costs.itlb2Entries, costs.itlb2Ways),
    DTLB1: table("dtlb1", costs.dtlb1Entries, costs.dtlb1Entries),
    DTLB2: table("dtlb2", costs.dtlb2Entries, costs.dtlb2Ways),
    DIRECTORIES: table("directory", costs.directoryEntries, costs.directoryEntries),
    NESTED_DIRECTORIES: table("directory", costs.directoryEntries, costs.directoryEntries),
    L1I: cache("l1i", costs.l1iBytes, costs.l1iWays),
    L1D: cache("l1d", costs.l1dBytes, costs.l1dWays),
    L2: cache("l2", costs.l2Bytes, costs.l2Ways),
    L3: { sets: l3.sets, ways: Math.max(1, Math.floor(l3.ways / sharing)) },
  };
}

const cache = (name: string, bytes: number, ways: number) => table(name, bytes / LINE, ways);

function table(name: string, entries: number, ways: number): Geometry {
  const sets = entries / ways;
  if (Number.isInteger(Math.log2(sets)) && entries <= MOST_ENTRIES) return { sets, ways };
  throw new BadInput(
    `costs: ${name} of ${entries} entries in ${ways} ways has ${sets} sets, expected a power of two and at most 2^21 entries`,
  );
}

function checkGeometry(costs: Costs): void {
  geometriesOf(costs);
}
