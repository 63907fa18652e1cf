// Runs a trace through the generations: each batch of records through the flat reference first, then through every machine.
import type { ChipName, Generation } from "../chip/chip.ts";
import { generations, lacks } from "../chip/chip.ts";
import { chips } from "../chip/index.ts";
import { type Clock, wallClock } from "../clock.ts";
import { CheckFailed, Misuse } from "../error.ts";
import type { PageSize } from "../hypervisor/vm.ts";
import type { EventName } from "../port.ts";
import type { CoreModule, StopSignal } from "../structural.ts";
import type { Numa } from "./cost/charges.ts";
import type { Costs } from "./cost/costs.ts";
import type { Backing } from "./cost/model.ts";
import { BASELINE, type MachineCounts, Modelling } from "./cost/modelling.ts";
import { type Crew, differsOf, digestOf, LocalCrew, type Outcome } from "./crew.ts";
import type { MachineOptions } from "./machine.ts";
import type { TraceReader } from "./reader/reader.ts";
import { Batch } from "./record.ts";
import { Reference } from "./reference.ts";
import { type Line, RemoteCrew } from "./remote.ts";
import type { BatchView } from "./replayer.ts";
import {
  eventsReport,
  exitReasonsOf,
  type GenerationReport,
  type ReplayReport,
  SCHEMA,
} from "./report.ts";

export interface ReplayOptions {
  /** Which steps to run, in this order; default all six. */
  generations?: readonly Generation[];
  chip?: ChipName;
  pageSize?: PageSize;
  /** 0 to 2^53 - 1; default 1. */
  seed?: number;
  /** Bytes of this process's memory for each machine; default 512 MiB. */
  resident?: number;
  /** `each` compares every value with the reference as it is loaded, and names the first that differs; default digest. */
  check?: "digest" | "each";
  /** Charge what was counted (docs/cost-model.md); default true. */
  model?: boolean;
  /** Whether the VM's memory is on its own node; default local. */
  numa?: Numa;
  /** Whether memory was backed and accepted before the trace begins, or is when first touched; default prefaulted. */
  backing?: Backing;
  /** VMs that share the socket, each doing the same; default 1. */
  vms?: number;
  /** Constants of the cost model to replace. */
  costs?: Partial<Costs>;
  clock?: Clock;
  /** Called after each batch with the records run so far. */
  onProgress?: (records: number) => void;
  /** Called after each batch of each generation. */
  onBatch?: (ran: RanBatch) => void;
  /** Ends the replay early: what was run so far is checked and reported. */
  signal?: StopSignal;
  module?: CoreModule;
  /** Starts threads for the machines: a line to each, which serves a crew (ts/replay/remote.ts). Default: all run in this one. */
  threads?: () => readonly Line[];
}

/** One generation ran records `ordinal` to `ordinal + length - 1` between two readings of the clock. */
export interface RanBatch {
  generation: Generation;
  ordinal: bigint;
  length: number;
  before: number;
  after: number;
  /** Counts since the making of the machine. */
  events: () => Record<EventName, bigint>;
}

// A timer of 0 waits for a millisecond, which is up to half of what a batch takes.
const immediate: typeof setImmediate | undefined = globalThis.setImmediate;
const nextTurn = (next: () => void): unknown => (immediate ? immediate(next) : setTimeout(next, 0));

const DEFAULT_RESIDENT = 512 * 0x100000;

/** Replays a trace. Throws BadInput for a trace that is not one, CheckFailed when a generation differs from the reference. */
export async function replay(
  trace: TraceReader,
  options: ReplayOptions = {},
): Promise<ReplayReport> {
  const { chip = "turin", pageSize = "4k", seed = 1, resident = DEFAULT_RESIDENT } = options;
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw new Misuse(`seed: ${seed}, expected 0 to 2^53 - 1`);
  const part = chips[chip];
  if (!part) throw new Misuse(`chip: "${chip}", expected one of ${Object.keys(chips).join(", ")}`);
  const wanted = options.generations ?? generations;
  const each = options.check === "each";
  const { module } = options;
  const reference = new Reference(resident, BigInt(seed), each, module);
  const machine = { chip, pageSize, seed: BigInt(seed), resident, each, module };
  const shown = wanted.filter((generation) => !lacks(part, generation));
  const modelling = modellingOf(options, { chip, pageSize, module }, shown);
  // An overhead is over the baseline: it runs too, though nobody asked to see it.
  const hidden = modelling && !shown.includes(BASELINE) ? [BASELINE] : [];
  const crews = crewsOf([...shown, ...hidden], machine, options);
  const milliseconds = new Map<Generation, number>();
  let stopped: string | undefined;
  let outcomes: Outcome[];
  try {
    stopped = await runBatches(trace, reference, crews, options, modelling, milliseconds);
    const pages = reference.touched();
    outcomes = (await Promise.all(crews.map((crew) => crew.finish(pages)))).flat();
  } finally {
    for (const crew of crews) crew.close();
  }
  const digest = digestOf(reference, reference.touched());
  const outcomeOf = (generation: Generation) =>
    outcomes.find((outcome) => outcome.generation === generation) as Outcome;
  const baseline = modelling?.base(countsOf(outcomeOf(BASELINE))) ?? 0;
  return {
    schema: SCHEMA,
    seed,
    sampled: stopped ?? trace.sampled ?? null,
    trace: { name: trace.name, ...trace.counts, pages: reference.pages, bytes: trace.bytes },
    chip,
    pageSize,
    numa: options.numa ?? "local",
    baseline: BASELINE,
    ...(modelling ? { model: modelling.settings } : {}),
    generations: wanted.map((generation) => {
      const refused = lacks(part, generation);
      if (refused) return { generation, refused };
      const outcome = outcomeOf(generation);
      const row = reportOf(outcome, trace, digest, milliseconds.get(generation) ?? 0);
      if (!modelling) return row;
      return { ...row, modelled: modelling.modelled(generation, countsOf(outcome), baseline) };
    }),
  };
}

/** The generations dealt out to the threads, or all of them here. */
function crewsOf(
  generations: readonly Generation[],
  machine: MachineOptions,
  { threads = () => [], clock = wallClock }: ReplayOptions,
): Crew[] {
  const lines = threads();
  if (lines.length === 0) return [new LocalCrew(generations, machine, () => clock.now())];
  const dealt = lines.map((_, i) => generations.filter((__, at) => at % lines.length === i));
  return lines.flatMap((line, i) => {
    const own = dealt[i] as Generation[];
    if (own.length > 0) return [new RemoteCrew(own, machine, line)];
    line.close();
    return [];
  });
}

function countsOf({ counted, exits, changed, reasons }: Outcome): MachineCounts {
  return {
    events: eventsReport(counted),
    exits,
    changed,
    answered: exitReasonsOf(reasons)
      .filter(({ by }) => by === "guest")
      .reduce((sum, { exits }) => sum + exits, 0),
  };
}

function modellingOf(
  { model = true, numa = "local", backing = "prefaulted", vms = 1, costs = {} }: ReplayOptions,
  part: { chip: ChipName; pageSize: PageSize; module: CoreModule | undefined },
  generations: Generation[],
): Modelling | undefined {
  if (!model) return undefined;
  return new Modelling({ ...part, numa, backing, vms, overrides: costs }, generations);
}

/** Runs the trace. Answers why it ended early, if it did. */
async function runBatches(
  trace: TraceReader,
  reference: Reference,
  crews: Crew[],
  { onProgress, onBatch, signal }: ReplayOptions,
  modelling: Modelling | undefined,
  milliseconds: Map<Generation, number>,
): Promise<string | undefined> {
  const batch = new Batch();
  const words = batch.words;
  const records = new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
  const aborted = new Promise<undefined>((resolve) => {
    if (signal?.aborted) resolve(undefined);
    signal?.addEventListener("abort", () => resolve(undefined), { once: true });
  });
  let ordinal = 0n;
  for (;;) {
    if (signal?.aborted) return `interrupted after ${ordinal} records`;
    // A pipe may never give more: the signal ends the wait as well.
    const length = await Promise.race([trace.next(batch), aborted]);
    if (length === undefined) return `interrupted after ${ordinal} records`;
    if (length === 0) return undefined;
    const view = { records: records.subarray(0, 16 * length), words, length, ordinal };
    refuse(differsOf(reference, view), view, trace, "reference");
    const expected = reference.port.expected();
    const running = crews.map((crew) => crew.run(view, expected, onBatch !== undefined));
    // Meanwhile, where they run elsewhere, the part's caches are modelled here.
    modelling?.run(view.records, length);
    for (const ran of (await Promise.all(running)).flat()) {
      const { generation, before, after, events = {} } = ran;
      refuse(ran.differs, view, trace, generation);
      milliseconds.set(generation, (milliseconds.get(generation) ?? 0) + after - before);
      const seen = events as Record<EventName, bigint>;
      onBatch?.({ generation, ordinal, length, before, after, events: () => seen });
    }
    ordinal += BigInt(length);
    onProgress?.(Number(ordinal));
    // Lets a signal, a progress line or a browser's page have its turn.
    await new Promise<void>(nextTurn);
  }
}

function refuse(
  differs: number | undefined,
  view: BatchView,
  trace: TraceReader,
  who: string,
): void {
  if (differs === undefined) return;
  const ordinal = view.ordinal + BigInt(differs);
  throw new CheckFailed(
    `${who}: record ${ordinal} (${trace.locate(differs)}) gave another value than the reference`,
  );
}

function reportOf(
  { generation, digest, events: raw, reasons }: Outcome,
  trace: TraceReader,
  expected: string,
  milliseconds: number,
): GenerationReport {
  const events = eventsReport(raw);
  if (digest !== expected) {
    throw new CheckFailed(
      `${generation}: digest ${digest}, expected the reference's ${expected}; --check each names the first record that differs`,
    );
  }
  const { fetches, loads, stores, modifies } = trace.counts;
  const wallSeconds = milliseconds / 1000;
  const accessesPerSecond = Math.round((fetches + loads + stores + modifies) / wallSeconds);
  const exitReasons = exitReasonsOf(reasons);
  const own = exitReasons.length > 0 ? { exitReasons } : {};
  return { generation, wallSeconds, accessesPerSecond, digest, events, ...own };
}
