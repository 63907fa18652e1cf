// The cost model's part of a report, for a person: what each generation would take on the part, cause by cause.
import Table from "cli-table3";
import type { Modelled } from "../replay/cost/modelled.ts";
import type { Breakdown } from "../replay/cost/price.ts";
import type { GenerationReport, ReplayReport } from "../replay/report.ts";

const number = new Intl.NumberFormat("en-US");

const CAUSES: [keyof Breakdown, string][] = [
  ["instructions", "instructions"],
  ["caches", "L2 and L3 hits"],
  ["memory", "memory reads"],
  ["filling", "filling of new pages"],
  ["translation", "TLB misses, tables"],
  ["rmp", "RMP-entry reads"],
  ["encryption", "memory encryption"],
  ["remote", "remote node"],
  ["exits", "exits"],
  ["exitsEncrypted", "#VC, VMGEXIT, VMSA"],
  ["bounce", "bounced copies"],
  ["acceptance", "backing, acceptance"],
  ["device", "device"],
  ["bandwidth", "waiting for bandwidth"],
];

type Row = GenerationReport & { modelled: Modelled };

/** Undefined when nothing was modelled. */
export function modelTable(report: ReplayReport): string | undefined {
  const rows = report.generations.filter((row): row is Row => row.modelled !== undefined);
  if (rows.length === 0) return undefined;
  const table = new Table({
    head: ["modelled ns", ...rows.map((row) => row.generation)],
    style: { head: [], border: [], compact: true },
    colAligns: ["left", ...rows.map(() => "right" as const)],
  });
  for (const [cause, title] of CAUSES) {
    if (rows.every((row) => row.modelled.breakdown[cause] === 0)) continue;
    table.push([title, ...rows.map((row) => number.format(row.modelled.breakdown[cause]))]);
  }
  table.push(["total", ...rows.map((row) => number.format(row.modelled.nanoseconds))]);
  table.push(["overhead", ...rows.map((row) => `${row.modelled.overheadPercent.toFixed(2)} %`)]);
  table.push(["exits/s", ...rows.map((row) => number.format(row.modelled.exitsPerSecond))]);
  const last = rows.at(-1) as Row;
  return [titleOf(report), table.toString(), mpkiOf(last), latencyOf(last)].join("\n");
}

function titleOf({ chip, pageSize, numa, model }: ReplayReport): string {
  const vms = model && model.vms > 1 ? `, ${model.vms} VMs on the socket` : "";
  const overridden = Object.keys(model?.costs ?? {});
  const costs = overridden.length > 0 ? `; overridden: ${overridden.join(", ")}` : "";
  return `\nwhat ${chip} would take: ${pageSize} pages, ${numa} memory, ${model?.backing}${vms}${costs} (cloister costs)`;
}

function mpkiOf({ generation, modelled }: Row): string {
  const { l1i, l1d, l2, l3, tlb } = modelled.mpki;
  return `${generation}, misses per 1,000 instructions: L1I ${l1i}, L1D ${l1d}, L2 ${l2}, L3 ${l3}, TLB ${tlb}`;
}

/** Accesses by latency, each bucket named by its upper end. */
function latencyOf({ generation, modelled }: Row): string {
  const cells = modelled.latency.map(
    ({ below, accesses }) => `<${Number(below.toPrecision(3))}: ${number.format(accesses)}`,
  );
  return `${generation}, accesses by latency in ns: ${cells.join(", ")}`;
}
