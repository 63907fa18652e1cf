// What a replay found, in the shape that `--json` promises. docs/replay.md.
import type { ChipName, Generation } from "../chip/chip.ts";
import type { Leaving } from "../guest/leave.ts";
import type { PageSize } from "../hypervisor/vm.ts";
import type { EventName } from "../port.ts";
import type { Numa } from "./cost/charges.ts";
import type { Costs } from "./cost/costs.ts";
import type { Backing } from "./cost/model.ts";
import type { Modelled } from "./cost/modelled.ts";
import { reasonOf } from "./reader/kvm-reasons.ts";
import type { Counts } from "./record.ts";

/** Changes when a field changes its meaning or goes; not when one is added. */
export const SCHEMA = "cloister.replay/1";

type Camel<Name extends string> = Name extends `${infer Head}_${infer Tail}`
  ? `${Lowercase<Head>}${Capitalize<Camel<Tail>>}`
  : Lowercase<Name>;

/** Counts of what happened, from the making of the machine to the flush of its caches after the last record. */
export type Events = { [Name in EventName as Camel<Name>]: number };

export interface GenerationReport {
  generation: Generation;
  /** Why the part cannot run it; then nothing else stands here. */
  refused?: string;
  /** Time spent running this generation's records, exits served included. */
  wallSeconds?: number;
  /** The same for each run where there were several; wallSeconds is their median. */
  times?: number[];
  /** Fetches, loads, stores and modifies for each of those seconds. */
  accessesPerSecond?: number;
  /** All loaded values in order, then final guest memory; 16 hex digits each. Equal to the flat reference's. */
  digest?: string;
  events?: Events;
  /** What the part would charge for it: docs/cost-model.md. */
  modelled?: Modelled;
  /** The trace's own exits by reason: how many, and what they were in this generation. */
  exitReasons?: ExitReason[];
}

/** What the cost model was told. */
export interface ModelSettings {
  backing: Backing;
  vms: number;
  /** Constants that were overridden. */
  costs: Partial<Costs>;
}

export interface ExitReason {
  /** KVM's name, or the code. */
  reason: string;
  /** `guest`: the #VC was answered without leaving; `nothing`: this generation has no such exit. */
  by: Leaving["by"];
  exits: number;
}

/** From a machine's "CODE BY" counts. */
export function exitReasonsOf(reasons: ReadonlyMap<string, number>): ExitReason[] {
  return [...reasons].map(([key, exits]) => {
    const [code, by] = key.split(" ") as [string, Leaving["by"]];
    return { reason: reasonOf(Number(code)), by, exits };
  });
}

export interface ReplayReport {
  schema: typeof SCHEMA;
  seed: number;
  /** Which part of a program's run this was; null for all of it. */
  sampled: string | null;
  trace: Counts & {
    /** The file, or what the reader was told. */
    name?: string;
    /** 4 KiB pages that the program touched. */
    pages: number;
    /** Bytes of the trace as it is stored. */
    bytes: number;
  };
  chip: ChipName;
  pageSize: PageSize;
  numa: Numa;
  baseline: Generation;
  model?: ModelSettings;
  generations: GenerationReport[];
}

/** Counters by the names of the report. */
export function eventsReport(events: Record<EventName, bigint>): Events {
  const named = Object.entries(events).map(([name, value]) => [camel(name), Number(value)]);
  return Object.fromEntries(named);
}

function camel(name: string): string {
  return name.toLowerCase().replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
}
